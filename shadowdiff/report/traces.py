"""Spans of pairs by OTLP over HTTP: a trace a pair, children blue, green and twin, a link to the user's own trace.

Ids are made, not drawn (`model/trace`), so that spans are those whose `traceparent` went out on the wire. Exporting
happens in a thread of the SDK, behind a bounded queue that drops when it is full. Needs the extra `otel`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import shadowdiff
from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Observation, Pair
from shadowdiff.model.tally import Tally
from shadowdiff.model.trace import parent_of, span_id, trace_id
from shadowdiff.model.verdict import Verdict

QUEUE = 2_048
TIMEOUT_S = 5
_SCOPE = InstrumentationScope("shadowdiff", shadowdiff.__version__)


class Traces:
    """A sink."""

    def __init__(
        self,
        endpoint: str,
        headers: Mapping[str, str],
        *,
        service: str,
        candidate: str,
        hosts: Mapping[str, str],
        warn: Callable[[str], None],
    ) -> None:
        """`endpoint` is the collector's base URL; spans go to `/v1/traces` below it. `hosts` are targets by role.

        `warn` hears once that nothing can be exported; a run does not depend on it.
        """
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # said by `warn`, once
        url = endpoint.rstrip("/")
        url = url if url.endswith("/v1/traces") else f"{url}/v1/traces"
        self._processor = BatchSpanProcessor(
            _Saying(OTLPSpanExporter(url, headers=dict(headers), timeout=TIMEOUT_S), url, warn),
            max_queue_size=QUEUE,
            export_timeout_millis=TIMEOUT_S * 1000,
        )
        self._resource = Resource.create(
            {"service.name": "shadowdiff", "service.version": shadowdiff.__version__, "shadowdiff.service": service}
        )
        self._candidate = candidate
        self._hosts = dict(hosts)

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Hand over the spans of one pair."""
        for span in spans(comparison, pair, self._resource, self._candidate, self._hosts):
            self._processor.on_end(span)

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Send what waits, for a few seconds at most."""
        self._processor.force_flush(TIMEOUT_S * 1000)
        self._processor.shutdown()  # type: ignore[no-untyped-call]


class _Saying(SpanExporter):
    """An exporter that says its first failure."""

    def __init__(self, inner: SpanExporter, url: str, warn: Callable[[str], None]) -> None:
        self._inner = inner
        self._url = url
        self._warn = warn
        self._said = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS and not self._said:
            self._said = True
            self._warn(f"otel.endpoint: traces cannot be sent to {self._url}; the run goes on without them")
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def spans(
    comparison: Comparison, pair: Pair, resource: Resource, candidate: str, hosts: Mapping[str, str]
) -> list[ReadableSpan]:
    """The pair's own span first, then one for each target that was asked."""
    run, exchange = comparison.run, pair.exchange
    trace = int(trace_id(run, exchange.id), 16)
    root = _context(trace, span_id(run, exchange.id, ""))
    shift = time.time_ns() - time.monotonic_ns()
    shared = {
        "http.request.method": exchange.request.method,
        "http.route": redact.text(exchange.route.partition(" ")[2]),
        "user_agent.synthetic.type": "test",
        "shadowdiff.candidate": candidate or comparison.build,
    }
    found, begin, end = [], [], []
    for seen in (pair.blue, pair.green, pair.twin):
        if seen is None:
            continue
        start = _start_ns(seen, exchange.captured_at, shift)
        stop = start + int(seen.total_s * 1e9)
        begin.append(start)
        end.append(stop)
        role = str(seen.role)
        own: dict[str, Any] = shared | {"shadowdiff.side": role, "server.address": hosts.get(role, "")}
        if seen.status:
            own["http.response.status_code"] = seen.status
        failed = seen.failure is not None or seen.status >= 500
        if failed:
            own["error.type"] = str(seen.failure) if seen.failure is not None else str(seen.status)
        context = _context(trace, span_id(run, exchange.id, role))
        found.append(_span(role, context, root, resource, own, (), failed, start, stop, SpanKind.CLIENT))
    about = shared | {
        "shadowdiff.verdict": str(comparison.outcome),
        "shadowdiff.pair_id": comparison.id,
        "shadowdiff.rules": list(comparison.rules),
    }
    links = [Link(_context(int(one[0], 16), one[1], remote=True)) for one in _originals(pair)]
    differs = comparison.outcome is Outcome.MISMATCHED
    pair_span = _span(
        "shadowdiff.pair", root, None, resource, about, links, differs, min(begin), max(end), SpanKind.INTERNAL
    )
    return [pair_span, *found]


def _originals(pair: Pair) -> list[tuple[str, str]]:
    """The trace of the user whose request this was, where the capture has it."""
    headers = pair.exchange.request.headers
    found = [parent_of(value) for name, value in headers if name.lower() == "traceparent"]
    return [one for one in found[:1] if one is not None]


def _start_ns(seen: Observation, captured_at: float | None, shift: int) -> int:
    if seen.sent_at:
        return int(seen.sent_at * 1e9) + shift
    if captured_at is not None:
        return int(captured_at * 1e9)
    return time.time_ns() - int(seen.total_s * 1e9)


def _context(trace: int, span: str, remote: bool = False) -> SpanContext:
    return SpanContext(trace, int(span, 16), remote, TraceFlags(TraceFlags.SAMPLED))


def _span(
    name: str, context: SpanContext, parent: SpanContext | None, resource: Resource, attributes: Mapping[str, Any],
    links: Sequence[Link], failed: bool, start: int, end: int, kind: SpanKind,
) -> ReadableSpan:  # fmt: skip
    return ReadableSpan(
        name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=dict(attributes),
        links=tuple(links),
        kind=kind,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=start,
        end_time=end,
        instrumentation_scope=_SCOPE,
    )
