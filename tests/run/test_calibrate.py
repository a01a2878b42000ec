"""Calibrate: what blue does to itself becomes rules, what green alone does never, and accepting is one command."""

from __future__ import annotations

import itertools
import json
import tomllib
from pathlib import Path

import pytest

from shadowdiff.errors import SourceError
from shadowdiff.run.calibrate import calibrate
from shadowdiff.testing import CannedServer, answer
from tests.e2e.targets import log_of, path_of

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon")


def noisy(start: int = 1, price: float = 12.5):
    """Answers whose serial, jitter and tag order change from one to the next."""
    count = itertools.count(start)

    def script(head: bytes, body: bytes) -> list[bytes]:
        n = next(count)
        tags = [*WORDS[n % 5 :], *WORDS[: n % 5]]
        made = {
            "path": path_of(head), "serial": f"{n:x}-{n * 7919:x}", "score": round(0.8 + 0.001 * (n % 7), 4), "tags": tags,
            "price": price,
        }  # fmt: skip
        return [answer(json.dumps(made).encode(), "200 OK", "Content-Type: application/json")]

    return script


def replayed(cli, tmp_path: Path, *more: str, price: float = 12.5) -> Path:
    log = log_of(tmp_path / "log.jsonl", 60)
    with CannedServer(noisy()) as blue, CannedServer(noisy(304)) as twin, CannedServer(noisy(607, price)) as green:
        done = cli(
            "replay", log, "--blue", blue.url, "--twin", twin.url, "--green", green.url, "-o", "run", "--stop-on", "none",
            "--store-bodies", "all", *more,
        )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    return tmp_path / "run"


def test_each_kind_of_noise_gets_the_narrowest_rule(cli, tmp_path: Path) -> None:
    found = calibrate(replayed(cli, tmp_path, price=13.5))
    by_key = {one.key: one for one in found.proposals}
    assert found.asked == found.looked == 60 and found.noisy == 60 and found.left == 0
    assert by_key["ignore"].value == "/serial" and by_key["unordered"].value == "/tags"
    assert by_key["tolerance"].path == "/score" and 0.006 <= float(by_key["tolerance"].value) <= 0.01
    assert "60 of 60 pairs of GET" in by_key["ignore"].why
    assert not any("price" in (one.value + one.path) for one in found.proposals), "green alone changed the price"
    assert "mismatched → " not in by_key["ignore"].effect, "one rule of three changes no outcome yet"
    assert "outcomes that change in 60 pairs: none" in found.effects, "the price still differs"


def test_all_rules_together_show_how_many_outcomes_change(cli, tmp_path: Path) -> None:
    found = calibrate(replayed(cli, tmp_path))
    assert "mismatched → ignored ×1" in found.effects, "the run had learnt the rest by itself"


def test_what_green_does_beyond_blues_noise_is_shown_and_not_put_in(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 40)

    def lost(head: bytes, body: bytes) -> list[bytes]:
        made = {"path": path_of(head), "serial": None, "score": 0.8, "tags": list(WORDS), "price": 12.5}
        return [answer(json.dumps(made).encode(), "200 OK", "Content-Type: application/json")]

    with CannedServer(noisy()) as blue, CannedServer(noisy(304)) as twin, CannedServer(lost) as green:
        cli(
            "replay",
            log,
            "--blue",
            blue.url,
            "--twin",
            twin.url,
            "--green",
            green.url,
            "-o",
            "run",
            "--stop-on",
            "none",
        )
    done = cli("calibrate", "run", "--accept", "shadowdiff.toml")
    assert "# look first, green differs here in ways that blue does not (type in 40 pairs)" in done.stdout, (
        done.stdout
    )
    written = tomllib.loads((tmp_path / "shadowdiff.toml").read_text())
    assert "ignore" not in written["score"] and written["score"]["unordered"] == ["/tags"]


def test_accepting_is_one_command_and_the_next_run_is_quiet(cli, tmp_path: Path) -> None:
    replayed(cli, tmp_path)
    config = tmp_path / "shadowdiff.toml"
    config.write_text('version = 1\n\n# ours\n[gate]\nmax_divergence = "3%"  # agreed in May\n')
    done = cli("calibrate", "run", "--accept", "shadowdiff.toml")
    assert done.returncode == 0 and "3 settings put in" in done.stderr, done.stderr
    assert tomllib.loads(done.stdout)["score"]["ignore"] == ["/serial"], "what is printed is a config too"
    text = config.read_text()
    assert "# ours" in text and "# agreed in May" in text and "blue differs from itself" in text
    again = cli("calibrate", "run", "--accept", "shadowdiff.toml")
    assert "0 settings put in" in again.stderr and config.read_text() == text
    rescored = cli("rescore", "run", "-c", "shadowdiff.toml", "-o", "after")
    assert rescored.returncode == 3 and "tuned on these very pairs" in rescored.stderr
    assert "mismatched → ignored: 1" in rescored.stderr, rescored.stderr


def test_a_log_and_blue_alone_are_enough(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 50)
    with CannedServer(noisy()) as blue:
        done = cli("calibrate", log, "--blue", blue.url, "-o", "noise", "-q")
    table = tomllib.loads(done.stdout)["score"]
    assert done.returncode == 0 and table["ignore"] == ["/serial"] and table["unordered"] == ["/tags"], done.stdout
    assert "outcomes" not in done.stdout, "there is no green whose outcomes could change"


def test_without_stored_answers_it_says_what_to_do(cli, tmp_path: Path) -> None:
    folder = replayed(cli, tmp_path, "--store-bodies", "none")
    with pytest.raises(SourceError, match="none of 60 pairs of blue with itself has stored answers"):
        calibrate(folder)
    done = cli("calibrate", "run")
    assert done.returncode == 4 and "--store-bodies all" in done.stderr


def test_a_varying_text_proposes_the_sampled_profile(cli, tmp_path: Path) -> None:
    texts = (
        "You can return the kettle within thirty days. Keep the receipt and pack it well. We pay the postage.",
        "Within thirty days the kettle can go back to us, at our cost, if it is packed well and you have its receipt.",
        "Returns are free for thirty days: pack the kettle well, add the receipt, and hand the parcel to any post office of your town, at any hour.",
    )
    count = itertools.count()

    def script(head: bytes, body: bytes) -> list[bytes]:
        return [answer(texts[next(count) % 3].encode(), "200 OK", "Content-Type: text/plain")]

    log = log_of(tmp_path / "log.jsonl", 40)
    with CannedServer(script) as blue:
        done = cli("calibrate", log, "--blue", blue.url, "-o", "noise", "-q", "--max-length-change", "2%")
    table = tomllib.loads(done.stdout)["score"]
    assert table["profile"] == "sampled" and float(table["max_length_change"].rstrip("%")) > 5, done.stdout
