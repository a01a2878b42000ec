"""Vegeta targets, curl lines and OpenAI Batch files: read, never run, and no file read from elsewhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.curl import CurlSource
from shadowdiff.capture.openai_batch import BatchSource
from shadowdiff.capture.vegeta import VegetaSource
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger


def read(source: type, path: Path, text: str) -> tuple[list[Exchange], Ledger]:
    path.write_text(text)
    ledger = Ledger()
    return list(source(path, Builder(ledger)).stream()), ledger


def curl(line: str, folder: Path = Path("/nowhere")) -> Exchange:
    return CurlSource(folder / "x", Builder(Ledger())).one("x:1", line.encode())


def test_vegeta_http_and_json(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"a":1}')
    coded = base64.b64encode(b"hi").decode()
    text = (
        "# first\nGET http://h:1/a?x=1\nX-Case: One\nx-case: two\n\nPOST http://h/b\n@body.json\nPOST http://h/c\n@/etc/hostname\n"
        f'{{"method":"PUT","url":"http://h/d","header":{{"A":["1","2"]}},"body":"{coded}"}}\n{{"method":"GET"}}\n'
    )
    found, ledger = read(VegetaSource, tmp_path / "t", text)
    assert [(e.request.method, e.request.target, e.request.body, str(e.body_state)) for e in found] == [
        ("GET", "/a?x=1", b"", "empty"), ("POST", "/b", b'{"a":1}', "present"), ("POST", "/c", b"", "missing"), ("PUT", "/d", b"hi", "present"),
    ]  # fmt: skip
    assert found[0].request.headers == (("Host", "h:1"), ("X-Case", "One"), ("x-case", "two"))
    assert ledger.unreadable == 1


@pytest.mark.parametrize(
    ("line", "method", "target", "body"),
    [
        ("curl http://h/a", "GET", "/a", b""), ("curl -XPUT 'http://h/a' -d x", "PUT", "/a", b"x"),
        ("curl http://h/a -d a=1 --data 'b=2'", "POST", "/a", b"a=1&b=2"), ("curl -G http://h/a?z=0 -d q=1", "GET", "/a?z=0&q=1", b""),
        ("curl 'http://h/a' --data-raw $'{\"t\":\"it\\'s \\u4f60\"}' --compressed", "POST", "/a", '{"t":"it\'s 你"}'.encode()),
        ("curl --json '{\"a\":1}' --url http://h/j", "POST", "/j", b'{"a":1}'), ("curl -I http://h/", "HEAD", "/", b""),
        ("curl h:8080/x -o out --max-time 5", "GET", "/x", b""), ("curl --data-urlencode 'q=a b&c' http://h/", "POST", "/", b"q=a%20b%26c"),
        ("curl --request=DELETE http://h/x", "DELETE", "/x", b""),
    ],
)  # fmt: skip
def test_curl_lines_as_people_paste_them(line: str, method: str, target: str, body: bytes) -> None:
    request = curl(line).request
    assert (request.method, request.target, request.body) == (method, target, body)


def test_curl_headers_and_credentials() -> None:
    headers = dict(curl("curl http://h/ -H 'X-A: 1' -u me:pw -b s=1 -A agent -e ref").request.headers)
    assert headers == {
        "Host": "h",
        "X-A": "1",
        "Authorization": "Basic bWU6cHc=",
        "Cookie": "s=1",
        "User-Agent": "agent",
        "Referer": "ref",
    }


def test_curl_never_reads_a_file_from_elsewhere_and_never_runs_anything(tmp_path: Path) -> None:
    assert curl("curl http://h/ -d @/etc/hostname", tmp_path).body_state is BodyState.MISSING
    assert curl("curl http://h/ -d @../x", tmp_path).body_state is BodyState.MISSING
    (tmp_path / "in.json").write_text("{}")
    assert curl("curl http://h/ -d @in.json", tmp_path).request.body == b"{}"
    assert curl("curl http://h/$(touch${IFS}x)", tmp_path).request.target == "/$(touch${IFS}x)"
    assert curl("curl -F f=@x http://h/").body_state is BodyState.MISSING


def test_curl_lines_are_joined_and_others_counted(tmp_path: Path) -> None:
    found, ledger = read(
        CurlSource,
        tmp_path / "c",
        "# note\ncurl http://h/a \\\n  -H 'A: 1' \\\n  -d x\n\nwget http://h/\ncurl 'http://h/b\n",
    )
    assert [e.request.target for e in found] == ["/a"] and ledger.unreadable == 2
    with pytest.raises(Unreadable):
        curl("curl -H 'A: 1'")


def test_batch_bodies_go_out_byte_for_byte(tmp_path: Path) -> None:
    body = '{"model":"m",  "n": 1.50}'
    text = f'{{"custom_id":"q1","method":"POST","url":"/v1/x","body":{body}}}\n{{"custom_id":"q2","body":{{}}}}\n{{"custom_id":"q3"}}\n'
    found, ledger = read(BatchSource, tmp_path / "b", text)
    assert [(e.id, e.request.target, e.request.body) for e in found] == [
        ("q1", "/v1/x", body.encode()), ("q2", "/v1/chat/completions", b"{}"),
    ]  # fmt: skip
    assert ledger.unreadable == 1


def test_each_is_told_by_its_lines(tmp_path: Path) -> None:
    from shadowdiff.capture.sniff import sniff

    for text, name in (
        ("GET http://h/a\n", "vegeta"), ("curl http://h/a\n", "curl"), (json.dumps({"custom_id": "a", "body": {}}) + "\n", "batch"),
        ('{"method":"GET","url":"http://h","header":{}}\n', "vegeta"), ('{"request_uri":"/","status":200}\n', "jsonlog"),
        ('{"log":"x\\n","stream":"stdout"}\n', "container"), ("2026-06-01T08:00:00.1Z stdout F hello\n", "container"),
        ("1 " + "a" * 24 + " 1700000000000000000 0\nGET / HTTP/1.1\r\n\r\n", "gor"), ('{"url":"http://h/a"}\n', "jsonl"),
    ):  # fmt: skip
        path = tmp_path / "x"
        path.write_text(text)
        assert sniff(path) == name, text


def test_words_that_are_no_utf8_do_not_break_a_curl_line() -> None:
    source = CurlSource(Path("/nowhere/x"), Builder(Ledger()))
    for line in (
        b"curl -u \xff:\xfe http://h/",
        b"curl --data-urlencode a=\xff http://h/",
        b"curl -d \xff http://h/ -H 'A: \xff'",
    ):
        assert source.one("x:1", line).request.target == "/"
