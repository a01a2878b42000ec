"""Nothing ever goes to a host that is no configured target, whatever a capture, a client or an answer says; and what a
target says reaches no terminal as a command.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import live
from tests.e2e.targets import log_of, path_of, plain

NASTY = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m\u202egnp.exe\u2066\r\x08\x00done"


@pytest.fixture
def elsewhere():
    with CannedServer(lambda head, body: [answer(b"leaked")]) as server:
        yield server


def redirecting(elsewhere: CannedServer, status: str):
    def script(head: bytes, body: bytes) -> list[bytes]:
        return [answer(b"", status, f"Location: {elsewhere.url}/stolen", f"Refresh: 0; url={elsewhere.url}", f"Alt-Svc: h2=\"127.0.0.1:{elsewhere.port}\"",
                       f"Link: <{elsewhere.url}/x>; rel=preload")]  # fmt: skip

    return script


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect", "200 OK"]
)
def test_no_answer_sends_us_elsewhere(cli, tmp_path: Path, elsewhere: CannedServer, status: str) -> None:
    log = log_of(tmp_path / "log.jsonl", 20)
    with (
        CannedServer(redirecting(elsewhere, status)) as blue,
        CannedServer(redirecting(elsewhere, status)) as green,
        CannedServer(redirecting(elsewhere, status)) as twin,
    ):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "--twin", twin.url, "-o", "run")
        assert done.returncode in (0, 3) and len(green.seen) == 20, done.stderr
    assert elsewhere.connections == 0


def test_no_capture_sends_us_elsewhere(cli, tmp_path: Path, elsewhere: CannedServer) -> None:
    host = f"127.0.0.1:{elsewhere.port}"
    odd = [
        {"target": f"{elsewhere.url}/a"}, {"url": f"{elsewhere.url}/b"}, {"target": f"//{host}/c"}, {"target": f"@{host}/d"}, {"target": f"/\\{host}/e"},
        {"target": "/f", "headers": {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}"}}, {"target": f"/g?next={elsewhere.url}"},
        {"method": "CONNECT", "target": host}, {"target": f"http:/{host}/h"}, {"target": f"/i HTTP/1.1\r\nHost: {host}\r\n\r\nGET /j"},
        {"target": f"http://user:pw@{host}/k"}, {"target": f"/l#@{host}"}, {"target": "*", "method": "OPTIONS"}, {"target": f"HTTP://{host}/m"},
    ]  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"id": f"r{n}", **one}) + "\n" for n, one in enumerate(odd)))
    har = tmp_path / "log.har"
    entry = {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "request": {"method": "GET", "url": f"{elsewhere.url}/har", "headers": []},
             "response": {"status": 200, "headers": [], "content": {}}}  # fmt: skip
    har.write_text(json.dumps({"log": {"entries": [entry]}}))
    script = lambda head, body: [plain(path_of(head))]  # noqa: E731
    with CannedServer(script) as blue, CannedServer(script) as green:
        for number, more in enumerate(((), ("--transport", "aiohttp"))):
            done = cli(
                "replay",
                log,
                har,
                "--blue",
                blue.url,
                "--green",
                green.url,
                "-o",
                f"run{number}",
                "--allow-method",
                "CONNECT",
                *more,
            )
            assert done.returncode in (0, 3), done.stderr
        assert len(green.seen) >= 16, "what can be sent goes to the targets"
    assert elsewhere.connections == 0


def test_no_client_of_a_proxy_sends_us_elsewhere(tmp_path: Path, elsewhere: CannedServer) -> None:
    host = f"127.0.0.1:{elsewhere.port}"
    asks = [f"GET {elsewhere.url}/a HTTP/1.1\r\nHost: {host}\r\n\r\n", f"GET //{host}/b HTTP/1.1\r\nHost: {host}\r\n\r\n",
            f"GET /c HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\n\r\n"]  # fmt: skip
    with (
        CannedServer(redirecting(elsewhere, "302 Found")) as blue,
        CannedServer(redirecting(elsewhere, "302 Found")) as green,
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url) as one,
    ):
        for ask in asks:
            with socket.create_connection(("127.0.0.1", one.port), 5) as client:
                client.sendall(ask.encode())
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 302")
        one.wait(lambda: len(one.compared()) == len(asks))
        one.end()
        assert len(green.seen) == len(asks)
    assert elsewhere.connections == 0


def test_no_answer_reaches_a_terminal_as_a_command(cli, tmp_path: Path) -> None:
    def script(side: str):
        text = json.dumps({"answer": f"{side} {NASTY}", NASTY: side}, ensure_ascii=False)
        return lambda head, body: [
            answer(text.encode("utf-8", "surrogatepass"), f"200 {side}", "Content-Type: application/json")
        ]

    log = log_of(tmp_path / "log.jsonl", 40, headers={"X-Ask": NASTY.replace("\r", "").replace("\x00", "")})
    with CannedServer(script("one")) as blue, CannedServer(script("two")) as green:
        said = [cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run", "-v")]
    assert said[0].returncode == 1, said[0].stderr
    said += [cli("show", "run", "r1"), cli("report", "run"), cli("gate", "run"), cli("inspect", log)]
    for done in said:
        text = done.stdout + done.stderr
        odd = {
            char
            for char in text
            if (ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2066"
        }
        assert not odd, (done.args[3], odd)
    for name in ("summary.md", "junit.xml", "metrics.prom"):
        found = (tmp_path / "run" / name).read_text("utf-8")
        assert "\x1b" not in found and "\u202e" not in found, name
