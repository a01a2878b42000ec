"""Commands around the replay: help, gate, report, show, inspect, convert, init, check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.testing import answer
from tests.e2e.targets import log_of, plain, twins


@pytest.fixture
def failed(cli, tmp_path: Path) -> Path:
    """A saved run in which green differs."""
    wrong = answer(b'{"path": "wrong \\u001b[31m <b>", "n": 0}', "200 OK", "Content-Type: application/json")
    with twins(
        green=lambda path: wrong if "/7/" in path or "/8/" in path or "/9/" in path or "/1" in path else plain(path)
    ) as (blue, green):
        cli(
            "replay",
            log_of(tmp_path / "log.jsonl", 300),
            "--blue",
            blue.url,
            "--green",
            green.url,
            "-o",
            "run",
            "--stop-on",
            "none",
        )
    return tmp_path / "run"


def test_help_and_version(cli) -> None:
    assert "Exit codes: 0 pass" in cli("--help").stdout
    assert cli("--version").stdout.startswith("shadowdiff, version ")
    for command in ("replay", "gate", "report", "show", "inspect", "convert", "init", "check", "demo"):
        assert cli(command, "--help").returncode == 0


def test_gate_repeats_the_verdict_and_options_change_it(cli, failed: Path) -> None:
    assert cli("gate", "run").returncode == 1
    assert cli("gate", "run/comparisons.jsonl").returncode == 1
    done = cli("gate", "run", "--max-divergence", "90%", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["divergence"]["limit"] == 0.9
    assert cli("gate", "nowhere").returncode == 4
    assert cli("gate", "run", "--max-divergence", "500%").returncode == 2


def test_report_renders_the_same_again(cli, failed: Path, tmp_path: Path) -> None:
    done = cli("report", "run", "-o", "again")
    assert done.returncode == 0
    first, second = (failed / "junit.xml").read_text(), (tmp_path / "again" / "junit.xml").read_text()
    assert first == second
    assert ">What changed</h2>" in (tmp_path / "again" / "report.html").read_text()


def test_show_prints_both_sides_and_a_curl_line_without_escapes(cli, failed: Path) -> None:
    worst = json.loads((failed / "verdict.json").read_text())["routes"][0]["worst"]
    done = cli("show", "run", worst)
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert "# blue" in done.stdout and "# green" in done.stdout and "curl -sS" in done.stdout
    assert "/path" in done.stdout
    assert cli("show", "run", "no-such-id").returncode == 4


def test_inspect_says_what_is_there_and_what_would_be_held_back(cli, tmp_path: Path) -> None:
    lines = [
        {"target": "/a/1"},
        {"target": "/a/2"},
        {"method": "POST", "target": "/p", "body": "x", "headers": {"Cookie": "s=1"}},
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = cli("inspect", "log.jsonl")
    assert done.returncode == 0
    for text in (
        "would send 2, would hold back 1",
        "--allow-method POST",
        "GET /a/{id}",
        "credentials in 1 exchanges",
        "time: none recorded",
    ):
        assert text in done.stdout, text
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "junk").write_bytes(b"\0\1\2" * 99)
    assert (cli("inspect", "empty").returncode, cli("inspect", "junk").returncode) == (3, 4)


def test_dry_run_sends_nothing(cli, tmp_path: Path) -> None:
    with twins() as (blue, green):
        done = cli("replay", log_of(tmp_path / "log.jsonl", 5), "--blue", blue.url, "--green", green.url, "--dry-run")
        assert done.returncode == 0 and "would send 5" in done.stdout and not blue.seen


def test_convert_goes_to_har_and_back_and_redacts_credentials(cli, tmp_path: Path) -> None:
    lines = [
        {
            "id": "a",
            "target": "/a?x=1",
            "method": "POST",
            "body": "你好",
            "headers": {"Authorization": "Bearer s3cret99", "X-A": "1"},
            "response": {"status": 201, "body": "ok"},
        }
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cli("convert", "log.jsonl", "x.har").returncode == 0
    assert cli("convert", "x.har", "back.jsonl").returncode == 0
    back = json.loads((tmp_path / "back.jsonl").read_text())
    assert (back["method"], back["target"], back["body"], back["response"]["status"]) == (
        "POST",
        "/a?x=1",
        "你好",
        201,
    )
    assert "s3cret99" not in (tmp_path / "x.har").read_text() + json.dumps(back)
    assert (tmp_path / "back.jsonl").stat().st_mode & 0o777 == 0o600
    assert "s3cret99" in (
        cli("convert", "log.jsonl", "kept.jsonl", "--keep-secrets") and (tmp_path / "kept.jsonl").read_text()
    )
    assert cli("convert", "log.jsonl", "x.xyz").returncode == 2
    assert cli("convert", "log.jsonl", "log.jsonl").returncode == 2


def test_init_writes_a_config_that_loads_and_keeps_one_that_is_there(cli, tmp_path: Path) -> None:
    assert cli("init").returncode == 0
    assert cli("init").returncode == 2
    assert cli("init", "--force").returncode == 0
    schema = json.loads(cli("init", "--schema").stdout)
    assert "Config" in json.dumps(schema)
    with twins() as (blue, green):
        done = cli("check", "--blue", blue.url, "--green", green.url)
    assert done.returncode == 0, done.stderr
    assert "config: ok" in done.stdout and "blue: " in done.stdout and "answers 200" in done.stdout


def test_check_tells_what_would_stop_a_replay(cli, tmp_path: Path) -> None:
    from tests.servers.nginx import free_port

    with twins() as (target, _):
        done = cli("check", "--blue", f"http://127.0.0.1:{free_port()}", "--green", target.url)
        assert done.returncode == 4 and "blue: --blue cannot be reached" in done.stdout
        done = cli("check", "--blue", target.url, "--green", f"http://127.0.0.1:{free_port()}")
        assert done.returncode == 0 and "refused" in done.stdout


def test_plan_sizes_a_capture_before_any_traffic(cli) -> None:
    done = cli("plan", "--tokens", "1000", "--price", "2")
    assert done.returncode == 0 and "fail 100.0%, pass 0.0%" in done.stdout and "cost" in done.stdout
    assert "too near the limit" in cli("plan", "--expect", "5%").stdout
    paired = cli("plan", "--noise", "10%", "--expect", "20%", "--turns", "4")
    assert "with a twin, noise 10%" in paired.stdout and "estimates" in paired.stdout
    assert cli("plan", "--noise", "10%", "--no-twin").returncode == 2
    assert cli("plan", "--turns", "0.5").returncode == 2


def test_known_differences_are_accepted_at_the_gate(cli, failed: Path, tmp_path: Path) -> None:
    (tmp_path / "accept.toml").write_text(
        '[[accept]]\npath = "/path"\nowner = "team"\nexpires = 2099-01-01\n'
        '[[accept]]\npath = "/n"\nowner = "team"\nexpires = 2099-01-01\n'
    )
    done = cli("gate", "run", "--accept", "accept.toml")
    assert done.returncode == 0 and "accepts." in done.stderr
    assert cli("gate", "run").returncode == 1
    assert cli("gate", "run", "--accept", "none.toml").returncode == 2


def test_the_verdict_is_told_in_chinese_and_kept_so(cli, failed: Path) -> None:
    done = cli("gate", "run", "--lang", "zh", "--json")
    assert done.returncode == 1 and "不一致" in json.loads(done.stdout)["reason"]
    assert "不一致" in done.stderr


def test_rescoring_says_what_changes_and_proves_nothing(cli, failed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text('[score]\nignore = ["/path", "/n"]\n')
    done = cli("rescore", "run", "-c", "new.toml", "-o", "again")
    assert done.returncode == 3 and "mismatched → ignored" in done.stderr and "exploratory" in done.stderr
    assert cli("gate", "again").returncode == 3
    assert cli("rescore", "run", "-o", "same").returncode == 1


def test_limits_that_cannot_be_judged_are_named(cli, failed: Path) -> None:
    needs_twin = cli("gate", "run", "--max-similarity-drop", "2%")
    assert needs_twin.returncode == 2 and "--twin" in needs_twin.stderr
    mixed = cli("gate", "run", "--mode", "census", "--max-errors", "1%")
    assert mixed.returncode == 2 and 'mode = "evidence"' in mixed.stderr
    assert cli("gate", "run", "--max-mismatches", "3").returncode == 2
    assert cli("gate", "run", "--mode", "census", "--max-mismatches", "500").returncode == 0
    unmeasured = cli("gate", "run", "--max-errors", "1%", "--max-divergence", "90%")
    assert unmeasured.returncode == 3 and "nothing was measured" in unmeasured.stderr


def test_check_audit_tells_whether_a_line_was_changed(cli, tmp_path: Path) -> None:
    from shadowdiff.act.guard import append

    path = tmp_path / "audit.jsonl"
    for n in range(3):
        append(path, {"verdict": "fail", "n": n})
    done = cli("check", "--audit", path)
    assert done.returncode == 0 and "3 lines, the chain holds" in done.stdout
    path.write_text(path.read_text().replace('"n":1', '"n":7'))
    done = cli("check", "--audit", path)
    assert done.returncode == 1 and "audit.jsonl:2: BROKEN" in done.stdout
