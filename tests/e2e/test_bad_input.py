"""Bad input: one clear line naming the place, the design's exit code, nothing lost and nothing sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.e2e.targets import log_of, twins
from tests.net.test_tls import certificate
from tests.servers.nginx import free_port


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("error:")]
    assert len(lines) == 1 and "Traceback" not in text, text
    return lines[0]


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        ("missing.jsonl", None, 4, "missing.jsonl: no such file"),
        ("junk.bin", bytes(range(256)) * 40, 4, "junk.bin: no format I know"),
        (".", None, 4, "is a folder"),
    ],
)
def test_a_log_that_cannot_be_read(
    cli, tmp_path: Path, name: str, content: bytes | None, code: int, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with twins() as (blue, green):
        done = cli("replay", name, "--blue", blue.url, "--green", green.url)
        assert not blue.seen
    assert done.returncode == code and says in one_line(done.stderr)


def test_a_named_format_overrides_the_sniffing_and_a_missing_file_still_shows(cli, tmp_path: Path) -> None:
    (tmp_path / "junk.log").write_text("no such line\nnor this\n")
    (tmp_path / "bodies.txt").write_text("[1, 2]\n[3]\n")
    with twins() as (blue, green):
        both = ["--blue", blue.url, "--green", green.url]
        done = cli("replay", "junk.log", *both, "--format", "access", "-o", "a", "--json")
        assert done.returncode == 3 and json.loads(done.stdout)["ledger"]["unreadable"] == 2, done.stderr
        done = cli("replay", "bodies.txt", *both, "--post", "/v1", "--allow-method", "POST", "-o", "b", "--json")
        assert json.loads(done.stdout)["ledger"]["sent"] == 2, done.stderr
        done = cli("replay", "missing.log", *both, "--format", "access")
    assert done.returncode == 4 and "no such file" in one_line(done.stderr)


def test_an_empty_log_is_inconclusive(cli, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with twins() as (blue, green):
        done = cli("replay", "empty.jsonl", "--blue", blue.url, "--green", green.url, "-o", "run")
    assert done.returncode == 3 and "the log is empty" in done.stderr


def test_half_a_line_in_the_middle_is_named_and_loses_nothing_else(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 120)
    lines = log.read_text().splitlines(keepends=True)
    lines.insert(60, '{"target": "/half", "hea\n')
    log.write_text("".join(lines))
    with twins() as (blue, green):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run", "--json")
    verdict = json.loads(done.stdout)
    assert done.returncode == 0 and "log.jsonl:61: no valid JSON" in done.stderr
    assert (verdict["ledger"]["read"], verdict["ledger"]["unreadable"], verdict["ledger"]["sent"]) == (121, 1, 120)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--blue", "shop:80", "--green", "http://127.0.0.1:1"], "--blue shop:80: needs http:// or https://"),
        (["--blue", "http://127.0.0.1:1"], "--green URL is needed"),
        (["--max-divergence", "500%"], "gate.max_divergence (--max-divergence): 500% is out of range"),
        (["--timeout", "30"], "'30' is no duration"),
        (["--rate", "fast"], "'fast' is no rate"),
        (["--connect-to", "x"], "--connect-to x: write HOST:PORT"),
        (["--session-by", "phase"], "--session-by"),
        (["--route-by", "phase"], "--route-by"),
        (["--budget", "1"], "is no budget"),
        (["--transport", "wirre"], "no transport is called 'wirre'; did you mean wire?"),
        (["--green-header", "NoColon"], "write 'Name: value'"),
        (["--green-header", "A: env:NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        (["-c", "none.toml"], "none.toml: cannot be read"),
        (["--cacert", "none.pem", "--blue", "https://127.0.0.1:1"], "--cacert none.pem"),
    ],
)
def test_a_bad_flag_is_a_usage_error(cli, tmp_path: Path, arguments: list[str], says: str) -> None:
    log_of(tmp_path / "log.jsonl", 3)
    given = list(arguments)
    if "--blue" not in given:
        given += ["--blue", "http://127.0.0.1:1", "--green", "http://127.0.0.1:1"]
    elif "--green" not in given and says != "--green URL is needed":
        given += ["--green", "http://127.0.0.1:1"]
    done = cli("replay", "log.jsonl", *given)
    assert done.returncode == 2 and says in one_line(done.stderr), done.stderr


def test_an_unknown_key_or_command_or_flag_is_a_usage_error(cli, tmp_path: Path) -> None:
    log_of(tmp_path / "log.jsonl", 3)
    (tmp_path / "shadowdiff.toml").write_text('[gate]\nmax_divergance = "5%"\n')
    done = cli("replay", "log.jsonl", "--blue", "http://127.0.0.1:1", "--green", "http://127.0.0.1:1")
    assert (
        done.returncode == 2
        and "shadowdiff.toml:2: gate.max_divergance: unknown key; did you mean max_divergence?"
        in one_line(done.stderr)
    )
    done = cli("reply", "log.jsonl")
    assert done.returncode == 2 and "did you mean replay?" in done.stderr
    assert cli("replay", "log.jsonl", "--no-such-flag").returncode == 2


def test_an_out_folder_that_cannot_be_written_stops_before_the_first_request(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 3)
    (tmp_path / "file").write_text("in the way")
    with twins() as (blue, green):
        for out in ("file/run", "file"):
            done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out)
            assert done.returncode == 2 and "cannot be written" in one_line(done.stderr)
        assert not blue.seen and not green.seen
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_tls_name_mismatch_is_a_config_error_not_a_bad_release(cli, tmp_path: Path) -> None:
    ca, context = certificate(tmp_path, "shop.example")
    log = log_of(tmp_path / "log.jsonl", 3)
    with CannedServer(lambda head, body: [answer(b"x")], ssl=context) as server:
        done = cli("replay", log, "--blue", server.url, "--green", server.url, "--cacert", ca, "-o", "run")
        assert not server.seen
    assert done.returncode == 2 and "is not for the name 127.0.0.1" in one_line(done.stderr)


def test_a_refused_green_is_a_fail_and_a_refused_blue_cannot_be_measured(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 30)
    nobody = f"http://127.0.0.1:{free_port()}"
    with twins() as (target, _):
        assert cli("replay", log, "--blue", target.url, "--green", nobody, "-o", "a").returncode == 1
        done = cli("replay", log, "--blue", nobody, "--green", target.url, "-o", "b")
    assert done.returncode == 4 and "--blue cannot be reached" in one_line(done.stderr)


def test_a_log_of_posts_alone_names_the_flag_that_sends_them(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 30, method="POST", body="{}")
    with twins() as (blue, green):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "a")
        assert done.returncode == 3 and "--allow-method POST" in done.stderr and not blue.seen
        assert (
            cli(
                "replay", log, "--blue", blue.url, "--green", green.url, "-o", "b", "--allow-method", "POST"
            ).returncode
            == 3
        )
        assert blue.seen


def test_an_http2_only_target_is_a_config_error(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 30)
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    with twins() as (blue, _), CannedServer(lambda head, body: [settings, None]) as green:
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run")
    assert done.returncode == 2 and "HTTP/2 only" in one_line(done.stderr)
