"""What is in a capture, for people: span, methods, routes, bodies, sessions, and what would be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from shadowdiff import redact
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger
from shadowdiff.report.keys import Keys
from shadowdiff.report.plain import one_line
from shadowdiff.report.rate import Rate
from shadowdiff.units import show_duration

MAX_ROUTES = 20
MAX_KINDS = 12
MAX_SCAN = 64 << 10


class Inspection:
    """Counts exchanges in bounded memory."""

    def __init__(self, formats: dict[str, str]) -> None:
        self._formats = formats
        self.n = 0
        self._methods: Counter[str] = Counter()
        self._routes: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()
        self._secrets: Counter[str] = Counter()
        self._keys = Keys()
        self._rate = Rate()
        self._sessions: set[int] = set()
        self._in_session = self._recorded = self._statuses = self._credentials = 0
        self._first: float | None = None
        self._last: float | None = None

    def add(self, exchange: Exchange, placed: Exchange, held: tuple[str, str] | None) -> None:
        """Count one exchange, as captured and as placed in its session; `held` says why it would not be sent."""
        self.n += 1
        self._keys.add(exchange)
        self._secrets.update(_secrets(exchange))
        request = exchange.request
        self._methods[request.method] += 1
        self._routes[exchange.route] += 1
        self._bodies[exchange.body_state] += 1
        if held is not None:
            self._held[held] += 1
        if placed.session is not None:
            self._in_session += 1
            if len(self._sessions) < 1_000_000:
                self._sessions.add(hash(placed.session))
        self._recorded += exchange.recorded is not None and bool(exchange.recorded.body)
        self._statuses += bool(exchange.recorded_status)
        self._credentials += any(name.lower() in ("authorization", "cookie") for name, _ in request.headers)
        if exchange.captured_at is not None:
            moment = exchange.captured_at
            self._rate.add(moment)
            self._first = moment if self._first is None else min(self._first, moment)
            self._last = moment if self._last is None else max(self._last, moment)

    def lines(self, ledger: Ledger) -> Iterator[str]:
        """The report, a line at a time."""
        for path, kind in self._formats.items():
            yield f"{one_line(path)}: {kind}"
        yield f"read {ledger.read}, exchanges {self.n}, unreadable {ledger.unreadable}"
        for reason, count in ledger.reasons.items():
            yield f"  {count} × {one_line(reason, 160)}"
        if not self.n:
            return
        if self._first is not None and self._last is not None:
            span = self._last - self._first
            rate = f", {self.n / span:.2f}/s on average" if span else ""
            yield f"time {_stamp(self._first)} to {_stamp(self._last)} ({show_duration(span)}{rate})"
            if chart := self._rate.line():
                yield f"rate {chart}"
        else:
            yield "time: none recorded (--speed cannot follow it)"
        yield f"methods {_counts(self._methods)}"
        yield f"request bodies {_counts(self._bodies)}"
        if self._bodies[BodyState.MISSING]:
            yield "  access logs carry no bodies: those exchanges cannot be sent as they were"
        yield f"recorded answers {self._recorded} with body, {self._statuses} with status"
        if self._sessions:
            yield f"sessions {len(self._sessions)} over {self._in_session} exchanges"
        else:
            yield "sessions: none found (--session-by names them)"
        yield from self._keys.lines()
        if self._recorded:
            yield "  --session-by minted: requests that carry what an earlier answer made up"
        if self._secrets:
            shown = ", ".join(
                f"{one_line(kind, 60)} ×{count}" for kind, count in self._secrets.most_common(MAX_KINDS)
            )
            yield f"secrets found (redacted wherever we write): {shown}"
        if self._credentials:
            yield f"credentials in {self._credentials} exchanges: stripped unless --forward-auth"
        held = sum(self._held.values())
        yield f"would send {self.n - held}, would hold back {held}"
        for (name, reason), count in self._held.most_common():
            yield f"  {count} × {name}: {reason}"
        yield f"routes ({len(self._routes)})"
        for route, count in self._routes.most_common(MAX_ROUTES):
            yield f"  {count:>8}  {one_line(route, 120)}"
        if len(self._routes) > MAX_ROUTES:
            yield f"  … {len(self._routes) - MAX_ROUTES} more"


def _secrets(exchange: Exchange) -> set[str]:
    """Kinds of secrets in one exchange, each once."""
    request = exchange.request
    body = request.body[:MAX_SCAN].decode("utf-8", "replace")
    return set(redact.found(request.headers, request.target, body))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
