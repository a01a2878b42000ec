"""Make the calls of one exchange: what was captured, but for the changes listed in docs/reference/fidelity.md.

Stripped: hop-by-hop headers and those `Connection` names, Content-Length (written anew), Expect,
conditional headers and Range (a 304 hides the body), tracing headers (shadow spans must not join the
user's trace), and Authorization and Cookie unless forwarding is asked for. Set: Host, the headers
given per target, our marker, and where traces are wanted a `traceparent` of our own. Then, in this
order: values the target minted (correlation), ids the client supplied (isolation), and the user's own edits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from shadowdiff.contracts import Call
from shadowdiff.model.exchange import Exchange, Headers, Observation, Request, Role, header_bytes
from shadowdiff.model.trace import traceparent
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.tee.correlate import Correlator
from shadowdiff.tee.edit import Edit
from shadowdiff.tee.handover import Handover
from shadowdiff.tee.isolate import Isolator
from shadowdiff.tee.own import NOTHING, Own

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
        "trailer", "transfer-encoding", "upgrade", "content-length", "expect", "http2-settings",
    }
)  # fmt: skip
CONDITIONAL = frozenset(
    {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"}
)
TRACING = frozenset({"traceparent", "tracestate", "baggage"})
CREDENTIALS = frozenset({"authorization", "cookie"})
MAX_BLOCKS = 4096
"""Header blocks remembered: captures repeat them, and rewriting one costs more than sending it."""


class Target:
    """One target's share of the rewriting: its endpoint, the headers set for it, its edits."""

    def __init__(
        self, role: Role, index: int, endpoint: Endpoint, headers: Mapping[str, str], edits: Sequence[Edit] = ()
    ) -> None:
        self.role = role
        self.index = index
        self.endpoint = endpoint
        self.edits = tuple(edits)
        self.headers = tuple(headers.items())
        self.replaces = frozenset(name.lower() for name in headers)


class Rewriter:
    """Turns an exchange into one call a target."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        run: str,
        isolator: Isolator | None = None,
        correlator: Correlator | None = None,
        handover: Handover | None = None,
        forward_auth: bool = False,
        marker: bool = True,
        trace: str = "",
        own: Own | None = None,
    ) -> None:
        """`trace` is the run that a `traceparent` of our own is made of, empty for none; `own` tells answers that
        name the address they came from.

        With a `handover`, role green is a lane that changes between the blue and the green target."""
        self._targets = {target.role: target for target in targets}
        self.correlator = correlator
        self._handover = handover
        self._isolator = isolator
        self._strip = HOP_BY_HOP | CONDITIONAL | TRACING | (frozenset() if forward_auth else CREDENTIALS)
        self._marker = run if marker else ""
        self._trace = trace
        self._own = own
        self._kept_blocks: dict[Headers, _Kept] = {}
        self._pending: dict[str, dict[Role, dict[str, str]]] = {}
        self.stripped_credentials = 0
        """Exchanges whose Authorization or Cookie was held back, for the low-fidelity hint."""

    @property
    def isolated(self) -> dict[str, int]:
        """Rewritten ids by place."""
        return dict(self._isolator.counts) if self._isolator else {}

    def calls(self, exchange: Exchange, roles: Sequence[Role], due_at: float) -> list[Call]:
        """The calls for `roles`, in that order. Raises `ValueError` for a header that would split a request."""
        request = exchange.request
        kept = self._kept_blocks.get(request.headers)
        if kept is None:
            kept = self._keep(request.headers)
            if len(self._kept_blocks) >= MAX_BLOCKS:
                self._kept_blocks.clear()
            self._kept_blocks[request.headers] = kept
        self.stripped_credentials += kept.held_back
        calls = [self._call(exchange, kept, role, due_at) for role in roles]
        if self._isolator is not None and self._isolator.made:
            self._pending[exchange.id] = self._isolator.made
            self._isolator.made = {}
        return calls

    def saw(self, exchange: Exchange, seen: Sequence[Observation]) -> dict[Role, dict[str, str]]:
        """Learn from a turn's answers before the next turn of its session goes out.

        Returns, by role, what stands for recorded values in this target's answer: ids that it minted itself or that
        isolation gave it, and its own address.
        """
        found = self._pending.pop(exchange.id, NOTHING)
        if self._own is not None and self._handover is None:
            found = _both(found, self._own.names(exchange, seen))
        if self.correlator is not None and exchange.session is not None:
            self.correlator.learn(exchange, seen)
            found = _both(found, self.correlator.same(exchange))
        return found

    def _keep(self, headers: Headers) -> _Kept:
        kept = []
        named: set[str] = set()
        held_back = False
        strip = self._strip
        text = "".join([part for pair in headers for part in pair])
        if "\n" in text or "\r" in text or "\0" in text:
            raise ValueError("a header holds a control character")
        if not text.isascii():
            for name, value in headers:
                header_bytes(name + value)  # a lone surrogate stands for no bytes
        for pair in headers:
            lower = pair[0].lower()
            if lower in strip:
                if lower == "connection":
                    named.update(part.strip().lower() for part in pair[1].split(","))
                held_back = held_back or lower in CREDENTIALS
            else:
                kept.append(pair)
        if named:
            kept = [pair for pair in kept if pair[0].lower() not in named]
        isolated = self._isolator is not None and any(self._isolator.touches(name) for name, _ in kept)
        return _Kept(tuple(kept), held_back, isolated, {})

    def _call(self, exchange: Exchange, kept: _Kept, role: Role, due_at: float) -> Call:
        target = self._targets[role] if self._handover is None else self._lane(self._handover, exchange, role)
        captured = exchange.request
        headers = kept.ready.get((role, target.index))
        if headers is None:
            headers = kept.ready[role, target.index] = self._headers(kept.pairs, target, role)
        path, body = captured.target, captured.body
        minted: Collection[str] = ()
        if self.correlator is not None and exchange.session is not None:
            path, headers, body, minted = self.correlator.apply(exchange, role, headers, target.endpoint.prefix)
        if self._isolator is not None:
            if kept.isolated:
                headers = self._isolator.headers(headers, role, minted)
            if self._isolator.in_target:
                path = self._isolator.target(path, role, minted)
            if body:
                body = self._isolator.body(body, headers, role, minted)
        if self._trace:
            headers = (*headers, ("traceparent", traceparent(self._trace, exchange.id, role)))
        for edit in target.edits:
            if edit.applies(captured):
                path, headers, body = edit.apply(path, headers, body)
        sent = Request(method=captured.method, target=target.endpoint.prefix + path, headers=headers, body=body)
        return Call(role=role, endpoint=target.index, request=sent, due_at=due_at)

    def _lane(self, handover: Handover, exchange: Exchange, role: Role) -> Target:
        """The lane under test is on blue until it is handed over."""
        return self._targets[Role.BLUE if role is Role.GREEN and not handover.on_green(exchange) else role]

    def _headers(self, kept: Headers, target: Target, role: Role) -> Headers:
        host = target.endpoint.host_header
        headers: list[tuple[str, str]] = []
        seen_host = False
        for name, value in kept:
            lower = name.lower()
            if lower == "host":
                if not seen_host:
                    headers.append((name, host))
                    seen_host = True
            elif lower not in target.replaces:
                headers.append((name, value))
        if not seen_host:
            headers.insert(0, ("Host", host))
        headers.extend(target.headers)
        if self._marker:
            headers.append(("X-Shadowdiff-Run", f"{self._marker}-{role}"))
        return tuple(headers)


def _both(one: dict[Role, dict[str, str]], two: dict[Role, dict[str, str]]) -> dict[Role, dict[str, str]]:
    if not one or not two:
        return one or two
    return {role: {**one.get(role, {}), **two.get(role, {})} for role in one.keys() | two.keys()}


class _Kept(msgspec.Struct, frozen=True):
    """What is left of a header block, whether credentials were in it, whether an id to isolate is; `ready` holds
    what each target gets of it."""

    pairs: Headers
    held_back: bool
    isolated: bool
    ready: dict[tuple[Role, int], Headers]
