"""Traces at a real collector's address: ids of the wire, children of one pair, a link to the user's own trace."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Failure, Pair, Role
from shadowdiff.model.tally import Tally
from shadowdiff.model.trace import span_id, trace_id
from shadowdiff.testing import comparison_of, exchange_of, observed, request_of, response_of

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shadowdiff.report.traces import Traces

PARENT = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list]]:
    """An OTLP endpoint that keeps what it is sent."""
    kept: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((self.path, dict(self.headers), ExportTraceServiceRequest.FromString(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", kept
        server.shutdown()
        thread.join()


def pair() -> Pair:
    exchange = exchange_of(request_of("GET", "/a", traceparent=PARENT), id="x1")
    return Pair(exchange, observed(Role.BLUE, response_of("a")), observed(Role.GREEN, Failure.TIMEOUT))


def traces(url: str, said: list[str]) -> Traces:
    hosts = {"blue": "shop-blue", "green": "shop-green"}
    return Traces(url, {"x-key": "k"}, service="shop", candidate="v2", hosts=hosts, warn=said.append)


def attributes(span) -> dict:
    return {
        one.key: one.value.string_value
        or one.value.int_value
        or [v.string_value for v in one.value.array_value.values]
        for one in span.attributes
    }


def test_a_pair_is_one_trace_with_a_child_for_each_side_and_a_link() -> None:
    said: list[str] = []
    with collector() as (url, kept):
        sink = traces(url, said)
        sink.add(comparison_of(Outcome.MISMATCHED, id="x1", run="r1", rules=("status",)), pair())
        sink.close(Tally(), None)
    path, headers, request = kept[0]
    assert path == "/v1/traces" and headers["x-key"] == "k" and not said
    root, blue, green = request.resource_spans[0].scope_spans[0].spans
    assert root.name == "shadowdiff.pair" and [blue.name, green.name] == ["blue", "green"]
    assert {one.trace_id.hex() for one in (root, blue, green)} == {trace_id("r1", "x1")}
    assert blue.parent_span_id == root.span_id and green.span_id.hex() == span_id("r1", "x1", "green")
    assert root.links[0].trace_id.hex() == "ab" * 16 and root.links[0].span_id.hex() == "cd" * 8
    about = attributes(root)
    assert about["shadowdiff.verdict"] == "mismatched" and about["shadowdiff.rules"] == ["status"]
    assert attributes(green)["error.type"] == "timeout" and attributes(green)["server.address"] == "shop-green"
    assert attributes(blue)["http.response.status_code"] == 200
    assert root.start_time_unix_nano <= green.start_time_unix_nano < green.end_time_unix_nano


def test_a_collector_that_refuses_is_said_once_and_nothing_else_happens() -> None:
    said: list[str] = []
    with collector(400) as (url, _):
        sink = traces(url, said)
        for _ in range(3):
            sink.add(comparison_of(id="x1", run="r1"), pair())
        sink.close(Tally(), None)
    assert len(said) == 1 and "goes on without them" in said[0]
