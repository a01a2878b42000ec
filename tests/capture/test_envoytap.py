"""Envoy taps: whole traces, cut bodies told, both spellings."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.envoytap import EnvoyTapSource
from shadowdiff.capture.sniff import sniff
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger


def read(path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(EnvoyTapSource(path, Builder(ledger)).stream()), ledger


def trace(body: dict, answer: dict | None = None, camel: bool = False) -> dict:
    pairs = [(":authority", "shop"), (":path", "/v1/chat?x=1"), (":method", "POST"), (":scheme", "http"),
             ("content-type", "application/json"), ("x-envoy-expected-rq-timeout-ms", "15000"), ("x-request-id", "r")]  # fmt: skip
    request = {"headers": [{"key": k, "value": v} for k, v in pairs], "body": body,
               "headers_received_time": "2026-01-01T00:00:00.250Z"}  # fmt: skip
    response = {
        "headers": [{"key": ":status", "value": "200"}],
        "body": answer or {"as_string": "ok", "truncated": False},
    }
    if camel:
        request["headersReceivedTime"] = request.pop("headers_received_time")
        return {"httpBufferedTrace": {"request": request, "response": response}}
    return {"http_buffered_trace": {"request": request, "response": response}}


@pytest.mark.parametrize("camel", [False, True])
@pytest.mark.parametrize("indent", [None, 1])
def test_traces_after_one_another_are_read(tmp_path: Path, camel: bool, indent: int | None) -> None:
    path = tmp_path / "tap.json"
    packed = {"asBytes" if camel else "as_bytes": base64.b64encode(b'{"q":1}').decode(), "truncated": False}
    answer = {"asString": "ok"} if camel else None
    path.write_text("\n".join(json.dumps(trace(packed, answer, camel), indent=indent) for _ in range(3)))
    assert sniff(path) == "envoytap"
    found, _ = read(path)
    assert len(found) == 3
    one = found[0]
    assert (one.request.method, one.request.target, one.request.body) == ("POST", "/v1/chat?x=1", b'{"q":1}')
    assert one.request.headers == (("host", "shop"), ("content-type", "application/json"))
    assert (one.recorded.status, one.recorded.body, one.captured_at) == (200, b"ok", 1767225600.25)


def test_what_the_tap_cut_is_not_sent_as_if_whole(tmp_path: Path) -> None:
    path = tmp_path / "tap.json"
    cut = {"as_string": "x" * 1024, "truncated": True}
    streamed = {"http_streamed_trace_segment": {"trace_id": "1"}}
    path.write_text("".join(json.dumps(one) for one in (trace(cut), trace({}, cut), streamed, {"other": 1}, 7)))
    found, ledger = read(path)
    assert [(e.body_state, e.recorded is None, e.recorded_status) for e in found] == [
        (BodyState.TRUNCATED, False, 200), (BodyState.EMPTY, True, 200),
    ]  # fmt: skip
    assert ledger.unreadable == 3 and any("streaming: false" in reason for reason in ledger.reasons)
