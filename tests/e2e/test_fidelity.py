"""What leaves is what was captured, byte for byte at a raw socket, but for the documented list."""

from __future__ import annotations

import json
from pathlib import Path

from shadowdiff.testing import CannedServer, answer

HEAD = (
    b"POST /%7Ea//b/../c;p=1?x=%7E&y=[1]|2&z=a%20b+c%E4%BD%A0 HTTP/1.1\r\n"
    b"accept: text/html\r\n"
    b"HOST: prod.example:8443\r\n"
    b"X-b: 2\r\n"
    b"x-B: 1\r\n"
    b"X-b: 3\r\n"
    b"X-Latin: caf\xe9\r\n"
    b"X-Utf8: \xe4\xbd\xa0\xe5\xa5\xbd\r\n"
    b"X-Empty:\r\n"
    b"X-Folded: one\r\n\t two\r\n"
    b"Connection: keep-alive, X-Hop\r\n"
    b"X-Hop: 1\r\n"
    b"Accept-Encoding: br;q=0.5, gzip\r\n"
    b"Content-Length: 14\r\n"
    b"Authorization: Bearer user-token\r\n"
    b"traceparent: 00-1-1-01\r\n"
    b"\r\n"
)
BODY = b'{"a": 1.50}\xff\r\n'


def gor(path: Path) -> Path:
    path.write_bytes(b"1 aaaaaaaaaaaaaaaaaaaaaaaa 1700000000000000000 0\n" + HEAD + BODY + "\n🐵🙈🙉\n".encode())
    return path


def test_a_raw_socket_receives_what_was_captured(cli, tmp_path: Path) -> None:
    with CannedServer(lambda head, body: [answer(b"x")]) as server:
        done = cli("replay", gor(tmp_path / "x.gor"), "--blue", server.url, "--green", server.url, "--out", tmp_path / "run",
                   "--allow-method", "POST", "--no-marker", "--no-control")  # fmt: skip
        seen = server.seen
    assert done.returncode == 3 and len(seen) == 2, done.stderr
    for head, body in seen:
        assert body == BODY
        lines = (
            b"POST /%7Ea//b/../c;p=1?x=%7E&y=[1]|2&z=a%20b+c%E4%BD%A0 HTTP/1.1\r\n"
            b"accept: text/html\r\n"
            b"HOST: " + server.url[7:].encode() + b"\r\n"
            b"X-b: 2\r\n"
            b"x-B: 1\r\n"
            b"X-b: 3\r\n"
            b"X-Latin: caf\xe9\r\n"
            b"X-Utf8: \xe4\xbd\xa0\xe5\xa5\xbd\r\n"
            b"X-Empty: \r\n"
            b"X-Folded: one two\r\n"
            b"Accept-Encoding: br;q=0.5, gzip\r\n"
            b"Content-Length: 14"
        ).split(b"\r\n")
        assert head.rstrip().split(b"\r\n") == lines


def test_a_cut_body_is_sent_only_on_demand_and_the_pair_says_so(cli, tmp_path: Path) -> None:
    log = tmp_path / "x.jsonl"
    lines = [
        {"id": "cut", "method": "POST", "target": "/", "body": '{"a":', "body_state": "truncated"},
        {"id": "gone", "method": "POST", "target": "/", "body_state": "missing"},
        {"id": "whole", "method": "POST", "target": "/", "body": "{}"},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with CannedServer(lambda head, body: [answer(b"x")]) as server:
        given = ("replay", log, "--blue", server.url, "--green", server.url, "--allow-method", "POST", "--no-control")
        done = cli(*given, "--out", tmp_path / "held", "--json")
        assert json.loads(done.stdout)["ledger"]["skipped"] == 2
        assert "body truncated in the capture (--send-incomplete sends what is left)" in done.stderr
        done = cli(*given, "--out", tmp_path / "sent", "--send-incomplete", "--json")
        bodies = {body for _, body in server.seen}
    assert json.loads(done.stdout)["ledger"]["sent"] == 3 and bodies == {b'{"a":', b"", b"{}"}
    tape = (tmp_path / "sent" / "comparisons.jsonl").read_text().splitlines()
    marks = {line["id"]: line.get("marks") for line in map(json.loads, tape)}
    assert marks == {"cut": ["body truncated"], "gone": ["body missing"], "whole": None}


def test_the_aiohttp_transport_keeps_target_and_body_and_invents_no_header(cli, tmp_path: Path) -> None:
    with CannedServer(lambda head, body: [answer(b"x")]) as server:
        cli("replay", gor(tmp_path / "x.gor"), "--blue", server.url, "--green", server.url, "--out", tmp_path / "run",
            "--allow-method", "POST", "--no-marker", "--no-control", "--transport", "aiohttp")  # fmt: skip
        seen = server.seen
    assert len(seen) == 2
    for head, body in seen:
        start, *lines = head.rstrip().split(b"\r\n")
        assert body == BODY and start == HEAD.split(b"\r\n")[0]
        names = {line.split(b":")[0].lower() for line in lines}
        assert names == {b"host", b"accept", b"x-b", b"x-latin", b"x-utf8", b"x-empty", b"x-folded", b"accept-encoding",
                         b"content-length"}  # fmt: skip
