"""The small Protocols that plugins and built-ins share; nothing else.

Built-ins register through the same entry-point groups as anybody's:
shadowdiff.sources, .transports, .decoders, .scorers, .gates, .actions, .sinks.
`shadowdiff.testing` has a conformance check for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from shadowdiff.model.comparison import Comparison, Score
from shadowdiff.model.exchange import Document, Exchange, Observation, Pair, Request, Response, Role
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Verdict


class TextNoise(msgspec.Struct, frozen=True):
    """How blue's texts differ from themselves on one route.

    `length` and `topic` are limits (quantiles of what was seen, 0..1), None without enough pairs; `demoted`
    are kinds of signs that blue sets off itself, `volatile` shapes of lines whose values change, `sticky`
    pieces that stand in nearly every answer, `weights` idf by token (empty: all weigh the same).
    """

    pairs: int = 0
    length: float | None = None
    topic: float | None = None
    demoted: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    sticky: frozenset[str] = frozenset()
    weights: Mapping[str, float] = {}


class Baseline(msgspec.Struct, frozen=True):
    """What is known about how blue varies: immutable and versioned, so a score can be repeated.

    `noise` maps a route to the (path, kind) findings that blue showed against itself, `texts` to how its
    texts vary.
    """

    version: int = 0
    noise: Mapping[str, frozenset[tuple[str, str]]] = {}
    texts: Mapping[str, TextNoise] = {}

    def knows(self, route: str, path: str, kind: str) -> bool:
        """Whether blue differed from itself at this path in this way on this route."""
        known = self.noise.get(route)
        return known is not None and (path, kind) in known


class Deadlines(msgspec.Struct, frozen=True):
    """Split timeouts in seconds: connect, first answer byte, silence between bytes, everything."""

    connect_s: float = 5.0
    ttfb_s: float = 30.0
    idle_s: float = 30.0
    total_s: float = 300.0


class Call(msgspec.Struct, frozen=True):
    """One request to one target, ready to send: rewritten, with its Host header, due at `due_at`."""

    role: Role
    endpoint: int
    """Index into the endpoints the transport was built with."""
    request: Request
    due_at: float = 0.0


@runtime_checkable
class Source(Protocol):
    """Reads a capture. Blocking iteration is fine: files are read a line at a time."""

    def stream(self) -> Iterator[Exchange]:
        """Every exchange in capture order; what cannot be parsed is counted in the ledger, not raised.

        A live source yields `model.exchange.Later` where it has nothing yet.
        """
        ...


@runtime_checkable
class Transport(Protocol):
    """Sends the calls of one exchange together; a failing target is data, never an exception."""

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """One observation a call, in the order of `calls`."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """Turns the bytes of an answer into a Document. Any bytes may come; none may crash it."""

    def priority(self, response: Response, head: bytes) -> float:
        """How well this decoder fits; below 0: not mine; the highest wins. `head` is the decoded body's start."""
        ...

    def decode(self, response: Response, body: bytes) -> Document:
        """The document in `body`, which is `response.body` after content decoding."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Compares one pair. Pure and picklable: no I/O, no clock, it may run in another process."""

    name: str
    on_equal: bool
    """Whether it must look even when both answers are byte for byte the same."""

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """The divergence and its findings."""
        ...


@runtime_checkable
class Gate(Protocol):
    """Turns counts into a decision. Pure: the same tally gives the same verdict."""

    def judge(self, tally: Tally) -> Verdict:
        """The verdict on what has been counted so far."""
        ...


@runtime_checkable
class Action(Protocol):
    """Does something about a verdict. The guard adds dry run, once, deadline, retry and the audit line."""

    def plan(self, verdict: Verdict) -> str:
        """What `act` would do, exactly, for a dry run; secrets are left out."""
        ...

    async def act(self, verdict: Verdict) -> str:
        """Do it; return one line for the audit log. Raises `ActionRefused` where trying again cannot help."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Receives comparisons as they settle; must not block."""

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Take one settled comparison."""
        ...

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Finish; `verdict` is None when the run broke off before one was reached."""
        ...
