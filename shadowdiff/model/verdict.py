"""What the gate decided, in the shape of `verdict.json` (schema shadowdiff.verdict/v1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

SCHEMA = "shadowdiff.verdict/v1"


class Status(StrEnum):
    """pass: evidence that green is within budget. fail: evidence that it is not.
    inconclusive: not enough to say either. error: could not measure. aborted: interrupted."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    ABORTED = "aborted"


class RuleResult(msgspec.Struct, frozen=True):
    """One criterion: its limit, the estimate with its interval, and how many units it rests on."""

    name: str
    status: Status
    limit: float
    estimate: float
    low: float
    high: float
    n: int
    note: str = ""


class RouteResult(msgspec.Struct, frozen=True):
    """One route for display: exchanges counted, rate of its units with interval, and which rules fired most.

    `covered` is False where even without a difference its units are too few to say that it is within its `limit`.
    """

    route: str
    n: int
    mismatched: int
    ignored: int
    errored: int
    rate: float
    low: float
    high: float
    rules: tuple[str, ...] = ()
    worst: str = ""
    blue_ms: float = 0.0
    green_ms: float = 0.0
    limit: float = 0.05
    covered: bool = True


class SignalResult(msgspec.Struct, frozen=True):
    """How much farther green is from blue than a twin is, on average, by one signal; 0 where it is another blue."""

    name: str
    n: int
    excess: float
    low: float
    high: float


class Divergence(msgspec.Struct, frozen=True):
    """The main criterion in numbers. `noise` is blue against its control, where there was one."""

    n: int = 0
    mismatched: int = 0
    rate: float = 0.0
    low: float = 0.0
    high: float = 1.0
    limit: float = 0.05
    unit: str = "request"
    log_e_fail: float = 0.0
    log_e_pass: float = 0.0
    noise: dict[str, Any] = {}


class Verdict(msgspec.Struct, frozen=True):
    """The decision with everything it rests on. Field names are an interface: see docs/reference/verdict.md."""

    verdict: Status
    reason: str
    exit_code: int
    service: str = ""
    candidate: str = ""
    step: str = ""
    window: str = ""
    fidelity: float | None = None
    ledger: dict[str, int] = {}
    divergence: Divergence = Divergence()
    rules: tuple[RuleResult, ...] = ()
    routes: tuple[RouteResult, ...] = ()
    signals: tuple[SignalResult, ...] = ()
    latency: dict[str, Any] = {}
    config_hash: str = ""
    tool_version: str = ""
    started_at: str = ""
    updated_at: str = ""
    report: str = ""
    explanation: str = ""
    reasons: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    confirmed: dict[str, int] = {}
    schema: str = SCHEMA

    @property
    def stops(self) -> bool:
        """Whether the release must stop."""
        return self.verdict is Status.FAIL
