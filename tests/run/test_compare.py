"""`compare`: pairs in, a line a pair out; the development set's targets hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ANSWER = "The warranty covers repairs for 2 years. Send the device back with its receipt, and we repair it at no cost to you."


def lines(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def compare(cli, tmp_path: Path, pairs: Path, *more: object) -> tuple[int, dict, str]:
    done = cli("compare", pairs, "-o", tmp_path / "out.jsonl", *more)
    out = tmp_path / "out.jsonl"
    found = {line["id"]: line for line in map(json.loads, out.read_text().splitlines())} if out.exists() else {}
    return done.returncode, found, done.stderr


def test_every_pair_gets_a_line_with_its_reason(cli, tmp_path: Path) -> None:
    pairs = lines(
        tmp_path / "pairs.jsonl",
        {"id": "same", "blue": ANSWER, "green": ANSWER},
        {"id": "number", "blue": ANSWER, "green": ANSWER.replace("2 years", "5 years")},
        {"id": "resample", "regime": "sampled", "blue": ANSWER, "green": ANSWER.replace("2 years", "5 years")},
        {"id": "json", "kind": "json", "blue": '{"a":1,"b":[1]}', "green": '{"a":true,"b":[1]}'},
        {
            "id": "html",
            "kind": "html",
            "blue": "<html><body><p>x</p><a href='/a'>l</a></body></html>",
            "green": "<html><body><p>x</p>l</body></html>",
        },
        {"id": 7, "blue": "", "green": ANSWER},
    )
    code, found, _ = compare(cli, tmp_path, pairs)
    assert code == 0
    assert {key: line["flag"] for key, line in found.items()} == {
        "same": False, "number": True, "resample": False, "json": True, "html": True, 7: True,
    }  # fmt: skip
    assert "number: 2 → 5" in found["number"]["why"] and set(found["same"]) == {"id", "flag", "score", "us", "why"}
    assert found["number"]["score"] > found["resample"]["score"]


def test_control_pairs_teach_what_varies(cli, tmp_path: Path) -> None:
    def body(n: int) -> str:
        return json.dumps({"request_token": f"t{n}", "price": 5})

    pairs = lines(
        tmp_path / "pairs.jsonl", {"id": "x", "kind": "json", "endpoint": "e", "blue": body(1), "green": body(2)}
    )
    control = lines(
        tmp_path / "control.jsonl",
        *({"id": n, "kind": "json", "endpoint": "e", "blue": body(n), "green": body(n + 50)} for n in range(6)),
    )
    assert compare(cli, tmp_path, pairs)[1]["x"]["flag"]
    assert not compare(cli, tmp_path, pairs, "--control", control)[1]["x"]["flag"]


def test_a_canned_reply_is_found_whatever_it_says(cli, tmp_path: Path) -> None:
    canned = "The moon is very bright above the quiet harbor tonight, so we all walk home along the water."
    rows = [
        {"id": n, "regime": "sampled", "blue": f"Item {n} is about {word} and how {word} helps people who like {word} at home.",
         "green": canned} for n, word in enumerate(["moon light", "harbor walks", "quiet water", "bright homes"])
    ]  # fmt: skip
    found = compare(cli, tmp_path, lines(tmp_path / "p.jsonl", *rows))[1]
    assert all(line["flag"] for line in found.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{not json}\n", "pairs.jsonl:1: no pair"),
        ('{"id": 1, "blue": "x"}\n', 'write {"id", "blue", "green"} a line'),
    ],
)
def test_a_line_that_is_no_pair_is_named(cli, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text)
    code, _, err = compare(cli, tmp_path, tmp_path / "pairs.jsonl")
    assert code == 4 and says in err


def test_the_output_may_not_be_an_input(cli, tmp_path: Path) -> None:
    pairs = lines(tmp_path / "out.jsonl", {"id": 1, "blue": "a", "green": "b"})
    assert compare(cli, tmp_path, pairs)[0] == 2


def test_the_targets_of_the_development_set_hold(cli, tmp_path: Path, samples: Path) -> None:
    folder = samples.parent / "devset"
    done = cli("compare", folder / "dev.jsonl", "--control", folder / "control.jsonl", "-o", tmp_path / "preds.jsonl")
    assert done.returncode == 0, done.stderr
    stretch = json.loads((folder / "targets_stretch.json").read_text())
    del stretch["us_p50"]  # speed is kept in bench/, never in a timed test
    (tmp_path / "targets.json").write_text(json.dumps(stretch))
    scored = subprocess.run(
        [sys.executable, folder / "score.py", folder / "dev.jsonl", tmp_path / "preds.jsonl", "--targets", tmp_path / "targets.json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert scored.returncode == 0, scored.stdout[-2000:]
