"""Actions by the real process: a bad release is stopped once, a good one never, and a stop that fails is exit 5."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import live
from tests.e2e.targets import log_of, path_of, plain, twins

STOP = f"command = [\"{sys.executable}\", \"-c\", \"open('stopped', 'a').write('x')\"]"


def configured(folder: Path, text: str) -> str:
    path = folder / "c.toml"
    path.write_text(f'[gate]\nstop_on = "fail"\n{text}')
    return str(path)


def replay(cli, tmp_path: Path, config: str, blue, green, *more: str):
    log = log_of(tmp_path / "log.jsonl", 150)
    return cli(
        "replay", log, "-c", config, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run", "--candidate",
        "v2", *more,
    )  # fmt: skip


def audit(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("bad", "code", "stops"), [(True, 1, 1), (False, 0, 0)])
def test_a_bad_release_is_stopped_once_and_a_good_one_never(
    cli, tmp_path: Path, bad: bool, code: int, stops: int
) -> None:
    config = configured(tmp_path, f'[[actions]]\nuse = "command"\n{STOP}\n')
    with twins(green=(lambda path: answer(b"wrong")) if bad else plain) as (blue, green):
        done = replay(cli, tmp_path, config, blue, green)
    assert done.returncode == code, done.stderr
    mark = tmp_path / "stopped"
    assert (len(mark.read_text()) if mark.exists() else 0) == stops
    assert len(audit(tmp_path)[-1]["actions"]) == stops


def test_a_stop_that_fails_is_exit_5_and_the_verdict_is_still_written(cli, tmp_path: Path) -> None:
    text = f'[[actions]]\nuse = "command"\ncommand = ["{sys.executable}", "-c", "import sys; sys.exit(3)"]\n'
    with twins(green=lambda path: answer(b"wrong")) as (blue, green):
        done = replay(cli, tmp_path, configured(tmp_path, text), blue, green)
    assert done.returncode == 5 and "the stop action failed" in done.stderr
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["verdict"] == "fail"
    assert audit(tmp_path)[-1]["actions"][0]["ok"] is False


def test_a_dry_run_does_nothing_and_prints_the_request(cli, tmp_path: Path) -> None:
    with (
        CannedServer(lambda head, body: [answer(b"ok")]) as hook,
        twins(green=lambda path: answer(b"x")) as (blue, green),
    ):
        text = f'[[actions]]\nuse = "webhook"\nurl = "{hook.url}/stop"\nheaders = {{ authorization = "env:KEY" }}\n'
        log = log_of(tmp_path / "log.jsonl", 150)
        done = cli(
            "replay", log, "-c", configured(tmp_path, text), "--blue", blue.url, "--green", green.url, "-o",
            tmp_path / "run", "--act", "dry-run", KEY="Bearer s3cret-value",
        )  # fmt: skip
        assert done.returncode == 1 and not hook.seen
    assert f"POST {hook.url}/stop" in done.stderr and "s3cret" not in done.stderr
    assert b"s3cret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.json*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[actions]]\nuse = "comand"\n', "no action is called 'comand'; did you mean command?"),
        ('[[actions]]\nuse = "command"\nurl = "http://x"\n', "takes no 'url'; it takes command"),
        ('[[actions]]\nuse = "webhook"\nurl = "http://x"\non = ["failed"]\n', "'failed' is no verdict"),
        ('[[actions]]\nuse = "webhook"\nurl = "env:NOWHERE"\n', "NOWHERE is not set"),
        ('[[actions]]\nuse = "argo-abort"\nrollout = "web"\nkubeconfig = "/none"\n', "cannot be read"),
        ('[[actions]]\nuse = "webhook"\nurl = "http://x"\nattempts = 0\n', "between 1 and 10"),
    ],
)
def test_actions_that_cannot_work_are_refused_before_anything_is_sent(
    cli, tmp_path: Path, text: str, said: str
) -> None:
    with twins() as (blue, green):
        done = replay(cli, tmp_path, configured(tmp_path, text), blue, green)
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert not blue.seen


def test_a_service_stops_the_release_at_once_and_takes_an_alert_back(tmp_path: Path) -> None:
    wrong = lambda head, body: [answer(b'{"a": 2, "at": 1}', "200 OK", "Content-Type: application/json")]  # noqa: E731
    right = lambda head, body: [answer(b'{"a": 1, "at": 1}', "200 OK", "Content-Type: application/json")]  # noqa: E731
    with (
        CannedServer(lambda head, body: [answer(b"{}")]) as alerts,
        CannedServer(right) as blue,
        CannedServer(wrong) as green,
    ):
        rule = f'[[actions]]\nuse = "alertmanager"\nurl = "{alerts.url}"\nresend = "2s"\n'
        file = tmp_path / "c.toml"
        file.write_text(f'[gate]\nstop_on = "none"\n{rule}')
        with live(
            "proxy", tmp_path / "run", "-c", str(file), "--blue", blue.url, "--green", green.url, "--candidate", "v2"
        ) as one:
            for n in range(40):
                one.get(f"/item/{n}")
            one.wait(lambda: alerts.seen)
            first = json.loads(alerts.seen[0][1])[0]
            assert first["labels"]["candidate"] == "v2" and one.process.poll() is None, "it acts while it runs"
            one.wait(lambda: len(alerts.seen) >= 2)  # sent again while it fires
            file.write_text(f'[gate]\nstop_on = "none"\n[score]\nignore = ["/a"]\n{rule}')
            one.wait(lambda: "score.ignore changed" in one.text)
            one.wait(
                lambda: (
                    json.loads(alerts.seen[-1][1])[0]["endsAt"] <= json.loads(alerts.seen[-1][1])[0]["startsAt"]
                    or "resolved" in one.text
                )
            )
            one.end()
    assert "action alertmanager: alert raised" in one.text and "alert resolved" in one.text
    assert {path_of(head) for head, _ in alerts.seen} == {"/api/v2/alerts"}
