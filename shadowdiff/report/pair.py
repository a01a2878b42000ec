"""One pair in the terminal: what was asked, what differs, both answers side by side, times, curl lines.

Marks are told apart without color: what is gone from blue is struck through, what is new in green underlined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from shadowdiff import tape
from shadowdiff.report.causes import Causes
from shadowdiff.report.marks import Piece
from shadowdiff.report.plain import bars, one_line, seconds
from shadowdiff.report.view import Side, View, view
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.units import show_percent as pct

MAX_SHOWN = 12_000
MAX_CAUSES = 50
SPARKS = 40
NARROW = 80
"""Columns under which the answers stand one above the other."""
_STYLE = {"": "", "gone": "bold bright_red strike", "new": "bold bright_blue underline", "fold": "dim italic"}


def show_pair(
    line: tape.Line,
    targets: Mapping[str, str],
    out: Console | None = None,
    confirmed: tuple[int, int] | None = None,
    words: Words = ENGLISH,
) -> None:
    """Print one tape line for a person; `confirmed` is how often it came back when asked again."""
    out = out or Console(highlight=False)
    seen = view(line, words, targets, confirmed, MAX_SHOWN)
    out.print(f"{seen.id}  {seen.route}", markup=False, style="bold")
    out.print(f"{words(seen.outcome)}: {seen.why or words('no rule fired')}", markup=False)
    for told in (
        seen.session,
        *seen.marks,
        words("asked again, the difference {back}", back=seen.back) if seen.back else "",
    ):
        if told:
            out.print(told, markup=False, style="dim")
    if seen.after:
        out.print(words("an earlier turn of its session had already diverged"), markup=False)
    if not seen.stored:
        out.print(words("Its answers were not stored (--store-bodies all keeps every one)."), markup=False)
        _findings(out, seen, words)
        return
    out.print(f"\n{seen.request}", markup=False)
    if seen.body:
        out.print(seen.body, markup=False)
    _findings(out, seen, words)
    _sides(out, seen)
    _headers(out, seen, words)
    _times(out, seen, words)
    for role, curl in seen.curls:
        out.print(f"\n# {role}\n{curl}", markup=False, soft_wrap=True)


def show_causes(causes: Causes, words: Words, out: Console) -> None:
    """Every cause of a run with its name and worst pair, to choose from."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("name", "pairs", "share", "what changed", "worst"):
        table.add_column(words(name), justify="right" if name in ("pairs", "share") else "left", overflow="fold")
    for cause in causes.top(MAX_CAUSES):
        share = pct(cause.count / max(1, causes.total))
        cells = (cause.name, str(cause.count), share, one_line(cause.title(words)), one_line(cause.worst))
        table.add_row(*map(escape, cells))
    out.print(table if causes.total else words("Nothing differs."))


def _findings(out: Console, seen: View, words: Words) -> None:
    if not seen.findings:
        return
    table = Table(box=None, header_style="bold")
    for name in ("rule", "where", "what"):
        table.add_column(words(name), overflow="fold")
    for name in ("blue", "green"):
        table.add_column(name, overflow="fold")
    for f in seen.findings:
        note = f" ({f.note})" if f.note else ""
        table.add_row(
            *map(Text, (words(f.rule), f.where, f.what + note, f.blue, f.green)), style="dim" if f.quiet else ""
        )
    out.print(table)
    if seen.more_findings:
        out.print(words("{n} more findings", n=seen.more_findings), style="dim")


def _sides(out: Console, seen: View) -> None:
    left, right = _text(seen.blue), _text(seen.green)
    heads = (f"blue  {seen.blue.head}", f"green  {seen.green.head}")
    if out.width < NARROW:
        for head, text in zip(heads, (left, right), strict=True):
            out.print(f"\n{head}", markup=False, style="bold")
            out.print(text)
        return
    both = Table(box=None, header_style="bold", expand=True)
    for head in heads:
        both.add_column(Text(head), ratio=1, overflow="fold")
    both.add_row(left, right)
    out.print(both)


def _text(side: Side) -> Text:
    text = Text()
    pieces: Sequence[Piece] = side.pieces
    for piece, mark in pieces:
        text.append(piece, _STYLE[mark])
    if side.cut:
        text.append(" …", "dim")
    return text


def _headers(out: Console, seen: View, words: Words) -> None:
    rows = [row for row in seen.headers if not row[3]]
    if not rows:
        return
    table = Table(box=None, header_style="bold")
    for name in (words("header"), "blue", "green"):
        table.add_column(name, overflow="fold")
    for name, one, two, _ in rows:
        table.add_row(Text(name), Text(one or "–"), Text(two or "–"))
    out.print(table)


def _times(out: Console, seen: View, words: Words) -> None:
    for what, blue, green, twin in seen.times:
        second = f", {words('second blue')} {seconds(twin)}" if twin else ""
        out.print(f"{what}: blue {seconds(blue)}, green {seconds(green)}{second}", markup=False)
    ends = [side.events[-1][0] for side in (seen.blue, seen.green) if len(side.events) > 1]
    for name, side in (("blue", seen.blue), ("green", seen.green)):
        if len(side.events) > 1:
            told = words("bytes over {ms} ms", ms=f"{max(ends):.0f}")
            out.print(f"{name:<5} {bars(_sparks(side.events, max(ends)))}  {told}", markup=False)


def _sparks(events: Sequence[tuple[float, float]], span: float) -> list[float]:
    """Bytes that came in each of `SPARKS` equal parts of the time."""
    out = [0.0] * SPARKS
    for (ms, size), (_, after) in zip(events, [*events[1:], events[-1]], strict=True):
        out[min(SPARKS - 1, int(SPARKS * ms / max(span, 1e-9)))] += max(0.0, after - size)
    return out
