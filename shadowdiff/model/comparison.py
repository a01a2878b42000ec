"""How two answers differ: findings, scores, and the outcome of one exchange."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What one exchange says about green.

    matched: no rule fired. mismatched: a rule fired, or green failed while blue was good.
    ignored: every finding that would have fired was accepted; counts as not diverged.
    errored: no baseline, or our own fault; counts neither for nor against green.
    """

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    IGNORED = "ignored"
    ERRORED = "errored"


class Severity(StrEnum):
    """`info` is reported and never fires a rule; `major` and `critical` do."""

    INFO = "info"
    MAJOR = "major"
    CRITICAL = "critical"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference.

    `path` is a JSON Pointer into the decoded answer, `header:name`, `event[3]`, or empty for the whole answer.
    `kind` is one of missing, extra, type, value, order, length, text, markup, status, header, keyword,
    similarity, kind, failure. `blue` and `green` are short excerpts. `noisy` names why it was
    accepted (`ignored by rule`, `learnt from blue`), empty when it stands.
    """

    path: str
    kind: str
    severity: Severity = Severity.MAJOR
    blue: str = ""
    green: str = ""
    noisy: str = ""

    @property
    def fires(self) -> bool:
        """Whether this finding alone makes the pair a mismatch."""
        return not self.noisy and self.severity is not Severity.INFO


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one scorer saw: divergence 0 (same) to 1 (nothing in common), and its findings.

    `skipped` gives the reason where the scorer could not or need not look.
    """

    scorer: str
    divergence: float = 0.0
    findings: tuple[Finding, ...] = ()
    skipped: str = ""


class Timings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Seconds from send to first byte and to end, for each role asked; `lag_s` = sent - due."""

    blue_ttfb_s: float = 0.0
    blue_s: float = 0.0
    green_ttfb_s: float = 0.0
    green_s: float = 0.0
    twin_s: float = 0.0
    blue_ttft_s: float | None = None
    green_ttft_s: float | None = None
    twin_ttft_s: float | None = None
    lag_s: float = 0.0


class Comparison(msgspec.Struct, frozen=True):
    """The judged pair.

    `bets` are the values the gate counts, by criterion, fixed here; empty when errored. "divergence" is
    0 or 1 without a control, and with a twin (1 + D) / 2 where D = (blue≠green + twin≠green) / 2 - blue≠twin.
    `control` holds the blue/twin and twin/green outcomes where a twin was asked; `reask` marks a
    control made by asking blue again, which teaches but is never subtracted.
    `why` is one line that explains the outcome. `tokens` counts what the answers said they used. `turn` is the
    place in the session, from 1. `marks` say what was unusual about what was sent, e.g. `body truncated`. `same` says
    that all answers were the same bytes, so that other rules would find the same. `build` is what green's answer
    called itself and `config` the hash of the rules that judged, both empty outside a service.
    """

    id: str
    seq: int
    route: str
    outcome: Outcome
    unit: str
    run: str = ""
    bets: dict[str, float] = {}
    session: str | None = None
    turn: int = 0
    window: str = ""
    due_at: float = 0.0
    control: tuple[Outcome, Outcome] | None = None
    reask: bool = False
    rules: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    timings: Timings = Timings()
    blue_status: int = 0
    green_status: int = 0
    baseline: bool = True
    green_down: bool = False
    why: str = ""
    source: str = ""
    after_divergence: bool = False
    marks: tuple[str, ...] = ()
    tokens: int = 0
    same: bool = False
    build: str = ""
    config: str = ""
