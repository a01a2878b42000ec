"""mitmproxy flows of every format version; torn files; streamed bodies are not empty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.mitm import MitmSource
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger


def read(path: Path) -> tuple[list[Exchange], Ledger, list[str]]:
    ledger, said = Ledger(), []
    found = list(MitmSource(path, Builder(ledger, warn=said.append)).stream())
    assert ledger.read == len(found) + ledger.unreadable
    return found, ledger, said


def net(value: object) -> bytes:
    """A tnetstring."""
    if value is None:
        data, kind = b"", b"~"
    elif isinstance(value, bytes):
        data, kind = value, b","
    elif isinstance(value, str):
        data, kind = value.encode(), b";"
    elif isinstance(value, bool):
        data, kind = str(value).lower().encode(), b"!"
    elif isinstance(value, int):
        data, kind = str(value).encode(), b"#"
    elif isinstance(value, float):
        data, kind = repr(value).encode(), b"^"
    elif isinstance(value, list):
        data, kind = b"".join(map(net, value)), b"]"
    else:
        data, kind = b"".join(net(k) + net(v) for k, v in value.items()), b"}"  # type: ignore[attr-defined]
    return b"%d:%s%s" % (len(data), data, kind)


def flow(**more: object) -> dict:
    request = {"method": b"POST", "scheme": b"http", "host": "h", "port": 8080, "path": b"/p?x=%7E", "headers": [[b"A", b"1"], [b":path", b"x"]],
               "content": b"\xff\x00", "timestamp_start": 1700000000.5}  # fmt: skip
    return {
        "type": "http",
        "version": 21,
        "request": request,
        "response": {"status_code": 201, "headers": [], "content": b"ok"},
    } | more


@pytest.mark.parametrize(
    ("name", "count", "unreadable"),
    [
        ("dumpfile-010", 1, 0), ("dumpfile-011", 1, 0), ("dumpfile-018", 1, 0), ("dumpfile-019", 1, 0), ("dumpfile-10", 1, 0),
        ("dumpfile-7", 2, 0), ("dumpfile-7-websocket", 3, 3), ("corrupted_gzip_body", 1, 0), ("error_log", 2, 0), ("event_stream", 2, 0),
        ("incomplete_log", 4, 0), ("successful_log", 2, 0), ("websocket", 0, 3),
    ],
)  # fmt: skip
def test_every_sample_is_read_and_agrees_with_its_har(samples: Path, name: str, count: int, unreadable: int) -> None:
    found, ledger, _ = read(samples / "mitm" / f"{name}.mitm")
    assert (len(found), ledger.unreadable) == (count, unreadable)
    assert all(any(n.lower() == "host" for n, _ in e.request.headers) for e in found)
    twin = samples / "har" / f"mitm_flow_{name}.har"
    if twin.exists() and count:
        from shadowdiff.capture.har import HarSource

        other = list(HarSource(twin, Builder(Ledger())).stream())
        assert [(e.request.method, e.request.target) for e in found] == [
            (e.request.method, e.request.target) for e in other
        ]


def test_bytes_survive_and_missing_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.mitm"
    streamed = flow(response={"status_code": 200, "headers": [], "content": None})
    streamed["request"]["content"] = None
    path.write_bytes(net(flow()) + net(streamed))
    first, second = read(path)[0]
    assert (first.request.body, first.request.target, first.captured_at) == (b"\xff\x00", "/p?x=%7E", 1700000000.5)
    assert first.request.headers == (("Host", "h:8080"), ("A", "1"))
    assert first.recorded is not None and (first.recorded_status, first.recorded.body) == (201, b"ok")
    assert (second.body_state, second.recorded, second.recorded_status) == (BodyState.MISSING, None, 200)


def test_a_torn_last_flow_ends_the_file_quietly_and_junk_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.mitm"
    whole = net(flow())
    path.write_bytes(whole + whole[:-30])
    found, ledger, said = read(path)
    assert (len(found), ledger.unreadable) == (1, 0) and "cut" in said[0]
    path.write_bytes(whole + b"junk")
    assert "no flow data" in read(path)[2][0]


def test_broken_flows_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.mitm"
    path.write_bytes(net(["no flow"]) + net({"type": "dns"}) + b"5:abcde?" + net(flow()))
    found, ledger, _ = read(path)
    assert (len(found), ledger.unreadable) == (1, 3)
