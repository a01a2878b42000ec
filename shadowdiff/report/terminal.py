"""The terminal: progress while running, the route table and the verdict line at the end, warnings.

Everything goes to stderr; stdout is for `--json`. With no terminal it is plain lines, one every few
seconds. Answer text is neutralized before it is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.causes import Causes
from shadowdiff.report.ledger import ledger_line
from shadowdiff.report.plain import one_line
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.units import show_percent as pct

REPAINT_S = 0.3
PLAIN_S = 5.0
MAX_ROUTES = 12
MAX_SAID = 100
MAX_CAUSES = 5
_WIDTHS = {"judged": 6, "differ": 6, "rate": 5, "interval": 11}
_COLOR = {
    Status.PASS: "bold green", Status.FAIL: "bold red", Status.INCONCLUSIVE: "bold yellow",
    Status.ERROR: "bold yellow", Status.ABORTED: "bold yellow",
}  # fmt: skip


def console(quiet: bool = False) -> Console:
    """stderr, honoring NO_COLOR; `quiet` keeps it silent."""
    return Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)


def warner(out: Console, words: Words | None = None) -> Callable[[str], None]:
    """What says a warning on `out`."""
    said = words or ENGLISH
    return lambda text: out.print(f"{said('warning')}: {said.said(text)}", markup=False)


def show_causes(out: Console, causes: Causes, words: Words = ENGLISH) -> None:
    """What differs, the most frequent first."""
    lines = causes.lines(MAX_CAUSES, words)
    if lines:
        more = len(causes.handful(len(causes.found))) - len(lines)
        rest = words(" ({n} more in the report)", n=more) if more > 0 else ""
        out.print(words("{n} differences, by cause{rest}:", n=causes.total, rest=rest))
    for what, then in lines:
        out.print(f"  {what}\n      {then}", markup=False)


class Live:
    """Progress from plain counters, repainted a few times a second."""

    def __init__(
        self,
        out: Console,
        shard: Callable[[], Shard],
        in_flight: Callable[[], int],
        interval: Callable[[], tuple[float, float]],
        words: Words = ENGLISH,
    ) -> None:
        self._words = words
        self._out = out
        self._shard = shard
        self._in_flight = in_flight
        self._interval = interval
        self._painted = time.monotonic()
        self._last = 0
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        if out.is_terminal and not out.quiet:
            self._progress = Progress(
                TextColumn("[bold]{task.description}"), BarColumn(20, pulse_style="cyan"),
                TextColumn("{task.fields[state]}"), TimeElapsedColumn(), console=out, auto_refresh=False,
                transient=True,
            )  # fmt: skip
            self._task = self._progress.add_task("replay", total=None, state="")
            self._progress.start()

    def tick(self) -> None:
        """Called after every comparison; cheap unless it is time to paint."""
        moment = time.monotonic()
        if moment - self._painted < (REPAINT_S if self._progress else PLAIN_S):
            return
        text = self._text(moment)
        self._painted = moment
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, state=text)
            self._progress.refresh()
        else:
            self._out.print(text, markup=False)

    def stop(self) -> None:
        """Take the progress line away."""
        if self._progress is not None:
            self._progress.stop()

    def _text(self, moment: float) -> str:
        shard = self._shard()
        rate = (shard.upto - self._last) / max(moment - self._painted, 1e-3)
        self._last = shard.upto
        low, high = self._interval()
        share = shard.ledger.mismatched / max(1, shard.ledger.sent - shard.ledger.errored)
        return self._words(
            "{n} settled, {speed}/s, {flying} in flight, divergence {rate} ({low} to {high} so far)",
            n=shard.upto, speed=f"{rate:.0f}", flying=self._in_flight(), rate=pct(share), low=pct(low),
            high=pct(high),
        )  # fmt: skip


class Mismatches:
    """A sink that says each mismatch as it settles, the first hundred."""

    def __init__(self, out: Console, words: Words = ENGLISH) -> None:
        self._words = words
        self._out = out
        self._said = 0

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Say it, if it is one."""
        if comparison.outcome is not Outcome.MISMATCHED or self._said >= MAX_SAID:
            return
        self._said += 1
        self._out.print(
            f"{one_line(comparison.id)} {one_line(comparison.route)}: {self._why(comparison)}", markup=False
        )
        if self._said == MAX_SAID:
            more = self._words("… further mismatches are in comparisons.jsonl (said {n})", n=MAX_SAID)
            self._out.print(more, markup=False)

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Nothing to finish."""

    def _why(self, comparison: Comparison) -> str:
        return one_line(self._words.why(redact.text(comparison.why)), 200)


def show_verdict(out: Console, verdict: Verdict, folder: str = "", words: Words = ENGLISH) -> None:
    """Route table, ledger, notes, then the verdict line."""
    if verdict.routes and not out.quiet:
        out.print(_table(verdict, out.width, words), soft_wrap=False)
    out.print(f"{words('ledger')}: {ledger_line(verdict.ledger, words)}", markup=False)
    for reason, count in list(verdict.reasons.items())[:6]:
        out.print(f"  {count} × {words.said(one_line(reason, 200))}", markup=False)
    for note in verdict.notes:
        out.print(f"{words('note')}: {words.said(one_line(note))}", markup=False)
    said = words(str(verdict.verdict).upper())
    out.print(f"[{_COLOR[verdict.verdict]}]{said}[/]: {escape(words.said(one_line(verdict.reason)))}")
    code = words("exit code {code}", code=verdict.exit_code)
    d = verdict.divergence
    if d.n:
        told = words(
            "divergence {rate} of {n} {unit}, interval {low} to {high}, limit {limit}",
            rate=pct(d.rate), n=d.n, unit=words(d.unit + "s"), low=pct(d.low), high=pct(d.high), limit=pct(d.limit),
        )  # fmt: skip
        code = f"{told}, {code}"
    out.print(code, markup=False)
    for rule in verdict.rules[1:]:
        told = words(
            "{name} {rate} of {n} units, interval {low} to {high}, limit {limit}: {status}",
            name=words(rule.name), rate=pct(rule.estimate), n=rule.n, low=pct(rule.low), high=pct(rule.high),
            limit=pct(rule.limit), status=words(str(rule.status)),
        )  # fmt: skip
        out.print(told, markup=False)
    moved = [signal for signal in verdict.signals if signal.low > 0]
    if moved:
        each = [words("{name} +{excess} (at least {low})", name=words(s.name), excess=f"{s.excess:.3f}",
                      low=f"{s.low:.3f}") for s in moved]  # fmt: skip
        out.print(words("signals beyond blue's own noise: {listed}", listed=", ".join(each)), markup=False)
    if folder:
        out.print(words("results: {folder}", folder=folder), markup=False)


def _table(verdict: Verdict, width: int, words: Words) -> Table:
    """Latency is left out where the terminal is narrow, so that route and rules stay readable."""
    wide = width >= 100
    table = Table(box=None, pad_edge=False, header_style="bold")
    rules = 24 if wide else 16
    room = max(24, width - rules - (58 if wide else 38))  # what the numbers and the gaps leave
    table.add_column(words("route"), overflow="ellipsis", no_wrap=True, max_width=room)
    for name in ("judged", "differ", "rate", "interval", *(("blue ms", "green ms") if wide else ())):
        table.add_column(words(name), justify="right", no_wrap=True, min_width=_WIDTHS.get(name, 8))
    table.add_column(words("rules"), overflow="ellipsis", no_wrap=True, max_width=rules)
    for r in verdict.routes[:MAX_ROUTES]:
        style = "red" if r.low > verdict.divergence.limit else ""
        cells = [
            escape(one_line(r.route, 70)),
            str(r.n),
            str(r.mismatched),
            pct(r.rate),
            f"{pct(r.low)}-{pct(r.high)}",
        ]
        if wide:
            cells += [f"{r.blue_ms:.1f}", f"{r.green_ms:.1f}"]
        table.add_row(*cells, escape(one_line(", ".join(map(words, r.rules)), 80)), style=style)
    rest = verdict.routes[MAX_ROUTES:]
    if rest:
        table.add_row(
            words("… {n} more routes", n=len(rest)), str(sum(r.n for r in rest)), str(sum(r.mismatched for r in rest))
        )
    return table
