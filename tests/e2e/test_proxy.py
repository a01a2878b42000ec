"""The proxy as real processes: clients see blue alone, green is compared, nothing is lost without being counted."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shadowdiff.demo.corpus import chat_lines
from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import Live, live
from tests.e2e.targets import path_of, plain, twins


def targets(blue: CannedServer, green: CannedServer) -> tuple[str, ...]:
    return "--blue", blue.url, "--green", green.url


def judging(process: subprocess.Popen) -> int:
    """The pid of the judging process."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def test_clients_get_blue_s_answers_and_sigterm_ends_by_the_verdict(tmp_path: Path) -> None:
    with twins() as (blue, green), live("proxy", tmp_path / "run", *targets(blue, green)) as one:
        for n in range(150):
            assert one.get(f"/item/{n}") == (200, plain(f"/item/{n}").partition(b"\r\n\r\n")[2])
        one.wait(lambda: len(one.compared()) == 150)
        code, verdict = one.end()
    assert (code, verdict["verdict"]) == (0, "pass"), one.text
    assert verdict["ledger"]["read"] == verdict["ledger"]["matched"] == 150
    assert len(blue.seen) == 150, "blue is asked by its clients alone"


def test_a_bad_green_fails_the_release_and_no_client(tmp_path: Path) -> None:
    with (
        twins(green=lambda path: answer(b"wrong")) as (blue, green),
        live("proxy", tmp_path / "run", *targets(blue, green)) as one,
    ):
        assert all(one.get(f"/item/{n}")[0] == 200 for n in range(60))
        one.wait(lambda: len(one.compared()) == 60)
        assert one.get("/item/1")[0] == 200, "a FAIL stops the release, not the traffic"
        code, verdict = one.end()
    assert (code, verdict["verdict"]) == (1, "fail")


def test_a_service_with_a_config_can_be_asked_after_a_fail(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[gate]\nmin_fail = 20\n")
    with (
        twins(green=lambda path: answer(b"wrong")) as (blue, green),
        live("proxy", tmp_path / "run", *targets(blue, green), "-c", str(tmp_path / "rules.toml")) as one,
    ):
        for n in range(60):
            one.get(f"/item/{n}")
        one.wait(lambda: len(one.compared()) == 60)
        with urllib.request.urlopen(f"{one.api}/api/v1/verdict", timeout=5) as reply:
            assert json.loads(reply.read())["verdict"] == "fail"
        one.end()


@pytest.mark.parametrize("green", ["hung", "endless", "garbage", "down"])
def test_whatever_green_does_no_client_notices(tmp_path: Path, green: str) -> None:
    endless = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", *([b"x" * 50_000, 0.01] * 2000)]
    script = {"hung": [60.0], "endless": endless, "garbage": [b"\0\xff" * 100, None], "down": [None]}[green]
    with (
        CannedServer(lambda head, body: [plain(path_of(head))]) as blue,
        CannedServer(lambda head, body: script) as bad,
        live("proxy", tmp_path / "run", *targets(blue, bad), "--green-timeout", "1s", "--drain", "2s") as one,
    ):
        slow = []
        for n in range(120):
            begun = time.monotonic()
            assert one.get(f"/item/{n}")[0] == 200
            slow.append(time.monotonic() - begun)
        assert sorted(slow)[60] < 0.5, "green takes a second or for ever, clients do not wait for it"
        one.wait(lambda: len(one.compared()) >= 20)
        code, verdict = one.end()
    ledger = verdict["ledger"]
    assert (code, verdict["verdict"]) == (1, "fail"), one.text
    assert ledger["read"] == 120 and ledger["mismatched"] >= 20 and ledger["matched"] == 0


def test_a_judging_process_that_is_killed_comes_back_and_what_it_lost_is_counted(tmp_path: Path) -> None:
    with twins() as (blue, green), live("proxy", tmp_path / "run", *targets(blue, green)) as one:
        for n in range(50):
            one.get(f"/item/{n}")
        one.wait(lambda: len(one.compared()) == 50)
        os.kill(judging(one.process), signal.SIGKILL)
        for n in range(50, 80):
            assert one.get(f"/item/{n}")[0] == 200, "the traffic goes on"
        one.wait(lambda: one.text.count("the verdict is at") == 2)
        time.sleep(0.3)
        for n in range(80, 130):
            one.get(f"/item/{n}")
        one.wait(lambda: len(one.compared()) >= 100)
        code, verdict = one.end()
    ledger = verdict["ledger"]
    assert "the judging process died" in one.text and "Going on: 50 exchanges" in one.text
    assert ledger["read"] == 130 and ledger["matched"] + ledger["dropped"] == 130 and code in (0, 3), verdict


def test_only_safe_methods_are_copied_and_the_others_still_reach_blue(tmp_path: Path) -> None:
    with (
        twins() as (blue, green),
        live("proxy", tmp_path / "run", *targets(blue, green), "--allow", "POST /chat") as one,
    ):
        for path in ("/chat", "/order"):
            assert one.get(path, "POST", b"{}")[0] == 200
        one.wait(lambda: len(one.compared()) == 1)
        _, verdict = one.end()
    assert [path_of(head) for head, _ in green.seen] == ["/chat"] and len(blue.seen) == 2
    assert verdict["ledger"]["skipped"] == 1


@pytest.mark.parametrize("forward", [False, True])
def test_credentials_reach_green_only_when_told_and_then_decide(tmp_path: Path, forward: bool) -> None:
    def guarded(head: bytes, body: bytes) -> list[bytes]:
        return [plain("/a") if b"Bearer s3cret" in head else answer(b"who?", "401 Unauthorized")]

    with (
        CannedServer(guarded) as blue,
        CannedServer(guarded) as green,
        live("proxy", tmp_path / "run", *targets(blue, green), *(["--forward-auth"] * forward)) as one,
    ):
        for _ in range(25):
            assert one.get("/a", Authorization="Bearer s3cret")[0] == 200
        one.wait(lambda: len(one.compared()) == 25)
        _, verdict = one.end()
    ledger = verdict["ledger"]
    assert ledger["matched" if forward else "errored"] == 25
    if not forward:
        assert any("--forward-auth" in reason for reason in verdict["reasons"])


def test_what_blue_mints_becomes_what_green_minted(tmp_path: Path) -> None:
    def minting(prefix: str):
        def script(head: bytes, body: bytes) -> list[bytes]:
            path = path_of(head)
            if path == "/sessions":
                minted = json.dumps({"id": f"{prefix}-4f2a9c77d1"}).encode()
                return [answer(minted, "200 OK", "Content-Type: application/json")]
            known = path.endswith(f"{prefix}-4f2a9c77d1")
            return [answer(b"hello again" if known else b"who are you", "200 OK" if known else "404 Not Found")]

        return script

    with (
        CannedServer(minting("blue")) as blue,
        CannedServer(minting("green")) as green,
        live(
            "proxy",
            tmp_path / "run",
            *targets(blue, green),
            "--allow-method",
            "POST",
            "--session-by",
            "header:X-User",
        ) as one,
    ):
        user = {"X_User": "u1"}
        minted = json.loads(one.get("/sessions", "POST", b"{}", **user)[1])["id"]
        assert one.get(f"/talk/{minted}", **user) == (200, b"hello again")
        one.wait(lambda: len(one.compared()) == 2)
        one.end()
    assert [path_of(head) for head, _ in green.seen] == ["/sessions", "/talk/green-4f2a9c77d1"]
    assert [line["outcome"] for line in one.compared()] == ["matched", "matched"], one.compared()


def test_with_a_twin_blue_s_own_noise_is_subtracted(tmp_path: Path) -> None:
    counts = iter(range(10_000))

    def varying(head: bytes, body: bytes) -> list[bytes]:
        return [
            answer(
                json.dumps({"path": path_of(head), "lot": next(counts)}).encode(),
                "200 OK",
                "Content-Type: application/json",
            )
        ]

    with (
        CannedServer(varying) as blue,
        CannedServer(varying) as twin,
        CannedServer(varying) as green,
        live("proxy", tmp_path / "run", *targets(blue, green), "--twin", twin.url) as one,
    ):
        for n in range(200):
            one.get(f"/item/{n}")
        one.wait(lambda: len(one.compared()) == 200)
        code, verdict = one.end()
    assert code == 0 and verdict["divergence"]["noise"]["kind"] == "twin", verdict["reason"]
    assert len(blue.seen) == len(twin.seen) == len(green.seen) == 200


def test_without_green_it_records_and_the_capture_replays(tmp_path: Path, cli) -> None:
    capture = tmp_path / "capture.jsonl"
    with twins() as (blue, green):
        process = subprocess.Popen(
            [
                sys.executable, "-m", "shadowdiff", "proxy", "--listen", "127.0.0.1:0", "--blue", blue.url,
                "--record", str(capture),
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        one = Live(process, tmp_path)
        one.wait(lambda: one.address)
        for n in range(120):
            one.get(f"/item/{n}", Authorization="Bearer s3cret-token")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, one.text
        one.close()
        assert "120 exchanges recorded" in one.text and b"s3cret-token" not in capture.read_bytes()
        done = cli("replay", capture, "--blue", "recorded", "--green", green.url, "-o", tmp_path / "run")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--green URL is needed"),
        (["--green", "http://127.0.0.1:1"], "--out DIR is needed"),
        (["--green", "http://127.0.0.1:1", "-o", "run", "--blue", "http://127.0.0.1:1/api"], "changes no bytes"),
        (["--green", "http://127.0.0.1:1", "-o", "run", "--listen", "nowhere"], "write HOST:PORT"),
        (["--green", "http://127.0.0.1:1", "-o", "run", "--speed", "2x"], "are for replay"),
        (["--green", "http://127.0.0.1:1", "-o", "run", "--confirm", "2"], "--confirm asks blue again"),
        (["--green", "http://127.0.0.1:1", "-o", "run", "--drain", "soon"], "--drain"),
    ],
)
def test_bad_settings_end_it_at_once(cli, tmp_path: Path, options: list[str], said: str) -> None:
    done = cli("proxy", "--blue", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--api", "off", *options)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_a_port_that_is_taken_is_a_usage_error(cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        done = cli(
            "proxy", "--blue", "http://127.0.0.1:1", "--green", "http://127.0.0.1:1", "-o", "run", "--listen", where
        )
    assert done.returncode == 2 and "cannot listen there" in done.stderr


def test_a_difference_can_be_followed_from_the_log_to_the_wire_and_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[otel]\npropagate = true\n[gate]\nstop_on = "none"\n')
    users = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    with (
        twins(green=lambda path: answer(b"wrong")) as (blue, green),
        live(
            "proxy", tmp_path / "run", *targets(blue, green), "-c", str(tmp_path / "c.toml"), "--log-format", "json",
            "--service", "shop",
        ) as one,
    ):  # fmt: skip
        one.get("/item/1", traceparent=users)
        one.wait(lambda: '"event":"pair"' in one.text)
        with urllib.request.urlopen(f"{one.api}/metrics") as reply:
            metrics = reply.read().decode()
        one.end()
    lines = [json.loads(text) for text in one.said if text.startswith("{")]
    told = next(line for line in lines if line["event"] == "pair")
    assert (told["verdict"], told["side"], told["service"]) == ("mismatched", "green", "shop")
    head = green.seen[0][0].decode().lower()
    assert f"traceparent: 00-{told['trace_id']}-" in head and "ab" * 16 not in head
    assert users.encode() in blue.seen[0][0], "the user's own trace reaches blue untouched"
    assert f'trace_id="{told["trace_id"]}"' in metrics


@pytest.mark.parametrize("release", ["good", "bad"])
def test_streamed_conversations_are_judged_as_they_pass(tmp_path: Path, release: str) -> None:
    """The demo's assistant: chat.completions, most of them streamed, in sessions of several turns."""
    with (
        assistant("blue") as blue,
        assistant(release) as green,
        live(
            "proxy", tmp_path / "run", "--blue", blue, "--green", green, "--allow", "POST /v1/chat/*", "--session-by",
            "json:/session_id",
        ) as one,
    ):  # fmt: skip
        streamed = 0
        for line in itertools.islice(map(json.loads, chat_lines()), 120):
            body = json.dumps(line["json"]).encode()
            status, text = one.get(line["target"], line["method"], body, Content_Type="application/json")
            assert status == 200
            streamed += text.startswith(b"data:")
        one.wait(lambda: len(one.compared()) == 120)
        code, verdict = one.end()
    ledger = verdict["ledger"]
    assert streamed > 50 and ledger["sent"] == 120
    if release == "good":
        assert ledger["matched"] + ledger["ignored"] == 120, verdict["reason"]
    else:
        assert code == 1 and any("disclaimer" in line.get("why", "") for line in one.compared())


@contextlib.contextmanager
def assistant(release: str) -> Iterator[str]:
    """The URL of the demo's assistant as that release."""
    command = [sys.executable, "-m", "shadowdiff.demo.server", "--release", release]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()
