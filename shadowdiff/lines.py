"""What a line of results must look like: files are edited, cut and merged by other hands before they are judged."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from shadowdiff.model.comparison import Outcome, Severity, Timings

Share = Annotated[float, msgspec.Meta(ge=-1, le=2)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class _Finding(msgspec.Struct):
    path: str
    kind: str
    severity: Severity
    blue: str
    green: str
    noisy: str = ""


class _Score(msgspec.Struct):
    divergence: Share
    findings: list[_Finding] = []
    more: Count = 0
    skipped: str = ""


class _Request(msgspec.Struct):
    method: str
    target: str
    headers: list[tuple[str, str]] = []
    body: str = ""


class _Side(msgspec.Struct):
    status: int = 0
    headers: list[tuple[str, str]] = []
    kind: str = ""
    value: Any = None
    body: str = ""
    failure: str = ""
    detail: str = ""
    size: Count = 0
    cut: bool = False
    events: list[tuple[float, int]] = []


class _Line(msgspec.Struct):
    id: str
    seq: Count
    route: str
    outcome: Outcome
    unit: str
    rules: list[str]
    scores: dict[str, _Score]
    timings: Timings
    bets: dict[str, Share]
    status: tuple[int, int]
    run: str = ""
    session: str | None = None
    turn: Count = 0
    marks: list[str] = []
    control: tuple[Outcome, Outcome] | None = None
    reask: bool = False
    baseline: bool = True
    green_down: bool = False
    after_divergence: bool = False
    tokens: Count = 0
    same: bool = False
    why: str = ""
    source: str = ""
    build: str = ""
    config: str = ""
    request: _Request | msgspec.UnsetType = msgspec.UNSET
    blue: _Side | msgspec.UnsetType = msgspec.UNSET
    green: _Side | msgspec.UnsetType = msgspec.UNSET
    twin: _Side | msgspec.UnsetType = msgspec.UNSET


def fault(line: Any) -> str:
    """What is wrong with a decoded line of the present version, or an empty string."""
    try:
        msgspec.convert(line, _Line)
    except msgspec.ValidationError as error:
        return str(error)
    return ""
