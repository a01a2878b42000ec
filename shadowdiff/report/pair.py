"""One pair in the terminal: what was asked, what differs, both answers side by side, curl lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadowdiff import stored, tape
from shadowdiff.report.examples import came_back, findings, why
from shadowdiff.report.html.marks import Piece, marked
from shadowdiff.report.plain import one_line, safe

MAX_SHOWN = 6000
_STYLE = {"": "", "gone": "bold red underline", "new": "bold blue underline"}


def show_pair(
    line: tape.Line,
    curls: Sequence[tuple[str, str]],
    out: Console | None = None,
    confirmed: tuple[int, int] | None = None,
) -> None:
    """Print one tape line for a person, on stdout; `confirmed` is how often it came back when asked again."""
    out = out or Console(highlight=False)
    out.print(f"{one_line(line['id'])}  {one_line(line['route'])}", markup=False, style="bold")
    out.print(f"{line['outcome']}: {one_line(why(line)) or 'no rule fired'}", markup=False)
    if line.get("after_divergence"):
        out.print("an earlier turn of its session had already diverged", markup=False)
    if back := came_back(confirmed):
        out.print(f"asked again, the difference {back}", markup=False)
    request = line.get("request")
    if request is None:
        out.print("bodies were not stored for this outcome (--store-bodies all keeps every one)", markup=False)
        return
    out.print(f"\n{request['method']} {one_line(request['target'])}", markup=False)
    if request.get("body"):
        out.print(safe(request["body"][:2000]), markup=False)
    found = findings(line)
    if found:
        table = Table(box=None, header_style="bold")
        for name in ("rule", "where", "kind", "blue", "green"):
            table.add_column(name, overflow="fold")
        for f in found[:20]:
            where = one_line(f["path"]) + (f" ({f['noisy']})" if f.get("noisy") else "")
            cells = (f["scorer"], where, f["kind"], one_line(f["blue"], 120), one_line(f["green"], 120))
            table.add_row(*map(Text, cells))
        out.print(table)
    left, right = _sides(line)
    both = Table(box=None, header_style="bold", expand=True)
    both.add_column(f"blue {_head(line['blue'])}", ratio=1, overflow="fold")
    both.add_column(f"green {_head(line['green'])}", ratio=1, overflow="fold")
    both.add_row(left, right)
    out.print(both)
    for role, curl in curls:
        out.print(f"\n# {role}\n{safe(curl)}", markup=False, soft_wrap=True)


def _sides(line: tape.Line) -> tuple[Text, Text]:
    one = safe(stored.shown(line["blue"]))[:MAX_SHOWN]
    two = safe(stored.shown(line["green"]))[:MAX_SHOWN]
    left, right = marked(one, two)
    return _text(left), _text(right)


def _text(pieces: Sequence[Piece]) -> Text:
    text = Text()
    for piece, mark in pieces:
        text.append(piece, _STYLE[mark])
    return text


def _head(side: dict[str, object]) -> str:
    if "failure" in side:
        return f"({one_line(str(side['failure']))}: {one_line(str(side['detail']), 80)})"
    return f"({side.get('status', '')})"
