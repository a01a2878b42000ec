"""What is shown of one pair, the same on the page and in the terminal: everything made safe, nothing laid out.

In:  a tape line. Out: a `View`: the request, what differs, both answers with marks, headers, times, arrivals, curl.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shadowdiff import redact, stored, tape
from shadowdiff.report.examples import came_back, findings, why
from shadowdiff.report.kinds import SCALAR
from shadowdiff.report.marks import Piece, folded, marked
from shadowdiff.report.plain import one_line, safe
from shadowdiff.report.shape import general
from shadowdiff.report.words import Words

MAX_SHOWN = 20_000
MAX_REQUEST = 3_000
MAX_FINDINGS = 14
MAX_HEADERS = 40
_TIMES = (
    ("first byte", "blue_ttfb_s", "green_ttfb_s", ""),
    ("first words", "blue_ttft_s", "green_ttft_s", "twin_ttft_s"),
    ("whole answer", "blue_s", "green_s", "twin_s"),
)


class Found(msgspec.Struct, frozen=True):
    """One finding in words. `quiet` where it fires nothing; `ignore` is the place that a rule would name, if any."""

    rule: str
    where: str
    ignore: str
    what: str
    blue: str
    green: str
    note: str
    quiet: bool


class Side(msgspec.Struct, frozen=True):
    """One answer: a line about it, its text in pieces, its arrivals as (milliseconds, bytes)."""

    head: str
    pieces: list[Piece]
    events: list[tuple[float, float]] = []
    cut: int = 0
    """Characters left out at the end."""


class View(msgspec.Struct, frozen=True):
    """One pair. `headers` are (name, blue, green, same), `times` (what, blue, green, twin) in seconds or None."""

    id: str
    route: str
    outcome: str
    why: str
    rules: list[str]
    request: str
    body: str
    sent: list[tuple[str, str]]
    findings: list[Found]
    more_findings: int
    stored: bool
    blue: Side
    green: Side
    headers: list[tuple[str, str, str, bool]]
    times: list[tuple[str, float | None, float | None, float | None]]
    marks: list[str]
    after: bool
    back: str
    session: str
    curls: list[tuple[str, str]]


def view(
    line: tape.Line,
    words: Words,
    targets: Mapping[str, str] | None = None,
    confirmed: tuple[int, int] | None = None,
    room: int = MAX_SHOWN,
) -> View:
    """The view of one line; at most `room` characters of each answer are shown, and no curl line far beyond it."""
    request = line.get("request") or {}
    blue, green = line.get("blue", {}), line.get("green", {})
    one, two = marked(_text(blue), _text(green))
    found = _grouped(findings(line))
    asked = f"{request['method']} {request['target']}" if request else ""
    return View(
        id=one_line(line["id"]),
        route=one_line(line["route"]),
        outcome=str(line["outcome"]),
        why=one_line(words.why(why(line))),
        rules=[one_line(rule) for rule in line["rules"]],
        request=one_line(asked),
        body=safe(_clip(str(request.get("body", "")), min(MAX_REQUEST, room))),
        sent=[(one_line(name), one_line(value)) for name, value in request.get("headers", ())][:MAX_HEADERS],
        findings=[_found(finding, words, times) for finding, times in found[:MAX_FINDINGS]],
        more_findings=max(0, len(found) - MAX_FINDINGS),
        stored=bool(request),
        blue=_side(blue, one, words, room),
        green=_side(green, two, words, room),
        headers=_headers(blue.get("headers", ()), green.get("headers", ())),
        times=_times(line["timings"], words),
        marks=[words.said(one_line(mark)) for mark in line.get("marks", ())],
        after=bool(line.get("after_divergence")),
        back=came_back(confirmed, words),
        session=_session(line, words),
        curls=[(role, safe(curl)) for role, curl in curl_lines(line, targets or {}) if len(curl) <= 4 * room + 2000],
    )


def shortened(seen: View, room: int) -> View:
    """The same with at most `room` characters of each answer; what was marked stays marked."""
    return msgspec.structs.replace(
        seen,
        body=_clip(seen.body, min(MAX_REQUEST, room)),
        blue=_cut(seen.blue, room),
        green=_cut(seen.green, room),
        curls=[(role, curl) for role, curl in seen.curls if len(curl) <= 4 * room + 2000],
    )


def curl_lines(line: Mapping[str, Any], targets: Mapping[str, str]) -> list[tuple[str, str]]:
    """(role, curl command) for each target; secrets stay redacted, so put your own in."""
    request = line.get("request")
    if request is None:
        return []
    out = []
    for role, base in targets.items():
        if base == "recorded":
            continue
        parts = ["curl", "-sS", "-i", "-X", request["method"]]
        for name, value in request["headers"]:
            if name.lower() not in ("host", "content-length", "connection"):
                parts += ["-H", f"{name}: {value}"]
        if request.get("body"):
            parts += ["--data-raw", request["body"]]  # unlike --data-binary it sends a leading @ as it is
        parts.append(redact.text(base.rstrip("/")) + request["target"])
        out.append((role, shlex.join(parts)))
    return out


def _text(side: Mapping[str, Any]) -> str:
    return safe(stored.shown(dict(side)) or str(side.get("detail", "")))


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _side(side: Mapping[str, Any], pieces: Sequence[Piece], words: Words, room: int) -> Side:
    shown = folded(pieces, lambda count: words("… {n} characters the same …", n=f"{count:,}"))
    events = [(float(ms), float(size)) for ms, size in side.get("events", ())]
    return _cut(Side(one_line(_head(side, words)), shown, events), room)


def _cut(side: Side, room: int) -> Side:
    kept: list[Piece] = []
    left = room
    for text, mark in side.pieces:
        if left <= 0:
            break
        kept.append((text[:left], mark))
        left -= len(text)
    lost = sum(len(text) for text, _ in side.pieces) - sum(len(text) for text, _ in kept)
    return msgspec.structs.replace(side, pieces=kept, cut=side.cut + lost)


def _head(side: Mapping[str, Any], words: Words) -> str:
    if "failure" in side:
        return f"{words(str(side['failure']))}: {words.said(str(side['detail']))}"
    if "status" not in side:
        return ""
    cut = words(" (cut here)") if side.get("cut") else ""
    return f"{side['status']} · " + words("{n} bytes", n=f"{side.get('size', 0):,}") + cut


def _grouped(found: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """The first of each kind at one place of a list, and how many there are."""
    groups: dict[tuple[object, ...], tuple[dict[str, Any], int]] = {}
    for finding in found:
        key = (
            finding["scorer"],
            general(finding["path"]),
            finding["kind"],
            finding["severity"],
            finding.get("noisy"),
        )
        first, count = groups.get(key, (finding, 0))
        groups[key] = (first, count + 1)
    return [
        ({**first, "path": general(first["path"])} if count > 1 else first, count) for first, count in groups.values()
    ]


def _found(finding: Mapping[str, Any], words: Words, times: int) -> Found:
    noisy = str(finding.get("noisy", ""))
    quiet = bool(noisy) or finding["severity"] == "info"
    return Found(
        rule=one_line(finding["scorer"]),
        where=one_line(finding["path"]),
        ignore=one_line(general(finding["path"])) if _ignorable(finding, quiet) else "",
        what=words.kind(finding["kind"]) + (f" ×{times}" if times > 1 else ""),
        blue=one_line(words.excerpt(finding["kind"], finding["blue"]), 300),
        green=one_line(words.excerpt(finding["kind"], finding["green"]), 300),
        note=words.said(noisy) or (words("told, not judged") if quiet else ""),
        quiet=quiet,
    )


def _ignorable(finding: Mapping[str, Any], quiet: bool) -> bool:
    return not quiet and finding["kind"] in SCALAR and finding["path"].startswith("/")


def _headers(blue: Sequence[Sequence[str]], green: Sequence[Sequence[str]]) -> list[tuple[str, str, str, bool]]:
    """Every header of either side by name, those that differ first."""
    sides = []
    for side in (blue, green):
        merged: dict[str, str] = {}
        for name, value in side:
            key = name.lower()
            merged[key] = f"{merged[key]}, {value}" if key in merged else value
        sides.append(merged)
    one, two = sides
    rows = [
        (
            one_line(name),
            one_line(one.get(name, ""), 300),
            one_line(two.get(name, ""), 300),
            one.get(name) == two.get(name),
        )
        for name in (*one, *(name for name in two if name not in one))
    ]
    return sorted(rows, key=lambda row: row[3])[:MAX_HEADERS]


def _times(timings: Mapping[str, float], words: Words) -> list[tuple[str, float | None, float | None, float | None]]:
    rows = []
    for what, *names in _TIMES:
        one, two, three = (timings.get(name) for name in names)
        if one or two or three:
            rows.append((words(what), one, two, three))
    return rows


def _session(line: tape.Line, words: Words) -> str:
    if not line.get("session"):
        return ""
    return words("turn {turn} of session {session}", turn=line.get("turn", 0), session=one_line(str(line["session"])))
