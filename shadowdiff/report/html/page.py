"""Render the page: stop or go, why, what changed, show me, how to reproduce it, what to ignore, the numbers.

Style and script are inline and allowed by their hashes alone; everything from a target passes through autoescape, and
what the script searches is a block of JSON without `<`. Without the script the page still reads from top to bottom.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import orjson
from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from shadowdiff.model.verdict import Verdict
from shadowdiff.report.causes import Cause
from shadowdiff.report.html import charts
from shadowdiff.report.ledger import ledger_line
from shadowdiff.report.material import Material
from shadowdiff.report.plain import one_line, seconds
from shadowdiff.report.rows import ROOM, packed
from shadowdiff.report.verdicts import HEADLINE
from shadowdiff.report.view import MAX_SHOWN, View, shortened, view
from shadowdiff.report.words import Words
from shadowdiff.units import show_percent

MAX_PAGE = 1_950_000
MAX_CAUSES = 30
ACCEPTED_DAYS = 90
LEAST_SHOWN = 300
"""Characters of an answer that are shown however many examples there are."""
_STRINGS = (
    "all outcomes", "all causes", "all routes", "order of the log", "slowest green first", "largest slowdown first",
    "{a} to {b} of {n} pairs", "no pair matches",
    "{n} pairs of {all} are on this page; the rest are in comparisons.jsonl.",
    "Its answers are not on this page. See them with:", "copied", "turn",
)  # fmt: skip


class Example(msgspec.Struct):
    """One pair view with what the page adds to it."""

    number: int
    cause: str
    v: View
    arrivals: charts.Chart | None
    twin: bool
    show: str
    html: str = ""


def page(verdict: Verdict, collected: Material, folder: str = "RUN") -> bytes:
    """The whole page as UTF-8, under 2 MB: answers are shortened first, then examples left out, and it says so."""
    words, causes = collected.words, collected.causes
    environment = _environment(words)
    shown = causes.handful(MAX_CAUSES)
    rows = packed(
        collected.rows.chosen(), {name: number for number, name in enumerate(causes.found)},
        lambda why: one_line(words.why(why)),
    )  # fmt: skip
    data = _data(collected, rows, words)
    style, script = _read("page.css"), _read("page.js")
    fixed = len(data.encode("utf-8")) + len(style) + len(script)
    room = MAX_PAGE - fixed - 400 * (len(verdict.routes[:100]) + len(shown)) - 60_000
    examples, left_out = _examples(collected, shlex.quote(folder), room, environment.get_template("pair.html.j2"))
    by_cause, rest = _placed(examples, shown)
    drawn = collected.trail.looks if verdict.divergence.n else []
    noisy = [cause for cause in causes.top(len(causes.found)) if cause.own_noise]
    text = environment.get_template("page.html.j2").render(
        v=verdict,
        d=verdict.divergence,
        word=words(HEADLINE[verdict.verdict]),
        style=style, style_hash=_digest(style), script=script, script_hash=_digest(script),
        trail=collected.trail,
        evidence=charts.evidence(collected.trail) if drawn and collected.trail.decides else None,
        estimate=charts.estimate(collected.trail, verdict.divergence.limit) if drawn else None,
        crossed=_crossed(collected, words),
        causes=shown, cause_count=len(causes.found), differing=causes.total, by_cause=by_cause, rest=rest,
        left_out=left_out,
        shifts=collected.shifts, compared_to=one_line(collected.compared_to),
        noisy=noisy[:MAX_CAUSES], asked=any(cause.asked for cause in causes.found.values()),
        latencies=_latencies(collected, words),
        commands=_commands(folder, words),
        until=_until(verdict),
        ledger=ledger_line(verdict.ledger, words),
        bar=_bar(verdict),
        share_bar=charts.bar,
        pair=lambda example: Markup(example.html),  # noqa: S704 - rendered with autoescape
        data=data,
    )  # fmt: skip
    return text.encode("utf-8")


def _environment(words: Words) -> Environment:
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_read)
    )
    made.globals["t"] = words
    filters: dict[str, Callable[..., Any]] = {
        "pct": show_percent, "line": one_line, "seconds": seconds, "t": words,
    }  # fmt: skip
    made.filters.update(filters)
    return made


def _read(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _data(collected: Material, rows: Any, words: Words) -> Markup:
    """What the script searches, as JSON in which no `<` stands."""
    found = collected.causes.found
    tree = {
        "t": {english: words(english) for english in _STRINGS},
        "outcomes": [words(outcome) for outcome in ROOM],
        "causes": [[cause.name, one_line(cause.title(words)), cause.count] for cause in found.values()],
        "folds": {
            cause.name: [name for name, one in found.items() if one.path in cause.places and
                         (one.rule, one.kind, one.shape) == (cause.rule, cause.kind, cause.shape)]
            for cause in collected.causes.handful(MAX_CAUSES) if cause.places
        },
        "routes": rows.routes,
        "whys": rows.whys,
        "rows": rows.rows,
        "all": collected.rows.total,
    }  # fmt: skip
    text = orjson.dumps(tree).decode("utf-8").replace("<", "\\u003c").replace("\u2028", "").replace("\u2029", "")
    return Markup(text)  # noqa: S704 - JSON without <


def _examples(collected: Material, folder: str, room: int, template: Template) -> tuple[list[Example], int]:
    """As many as fit into `room` bytes: answers are shortened together before any example is left out."""
    chosen = [
        (cause, view(line, collected.words, collected.targets, collected.confirmed.get(line["id"])))
        for cause, line in collected.examples.chosen(collected.causes)
    ]
    share = MAX_SHOWN
    while True:
        made = [
            _example(number, cause, shortened(seen, share), folder, template)
            for number, (cause, seen) in enumerate(chosen)
        ]
        size = sum(len(example.html.encode("utf-8")) for example in made)
        if size <= room or share <= LEAST_SHOWN:
            break
        share = max(LEAST_SHOWN, min(share // 2, int(0.9 * share * room / size)))
    while made and size > room:
        size -= len(made.pop().html.encode("utf-8"))
    return made, len(chosen) - len(made)


def _example(number: int, cause: str, seen: View, folder: str, template: Template) -> Example:
    arrivals = charts.arrivals(seen.blue.events, seen.green.events)
    twin = any(row[3] is not None for row in seen.times)
    made = Example(number, cause, seen, arrivals, twin, f"shadowdiff show {folder} {shlex.quote(seen.id)}")
    made.html = template.render(e=made)
    return made


def _placed(examples: list[Example], shown: list[Cause]) -> tuple[dict[str, list[Example]], list[Example]]:
    """The two examples that stand under each shown cause, and the rest."""
    home: dict[str, list[Example]] = defaultdict(list)
    by_id = {example.v.id: example for example in examples}
    taken: set[int] = set()
    for cause in shown:
        own = [by_id[id] for id in dict.fromkeys((cause.worst, cause.first)) if id in by_id]
        own += [example for example in examples if example.cause == cause.name and example not in own]
        home[cause.name] = [example for example in own if example.number not in taken][:2]
        taken |= {example.number for example in home[cause.name]}
    return home, [example for example in examples if example.number not in taken]


def _crossed(collected: Material, words: Words) -> str:
    """Where the evidence reached a verdict, in a sentence."""
    found = []
    for verdict, text in (
        ("fail", "The evidence for stopping was enough after {n} units ({settled} pairs)."),
        ("pass", "The evidence for passing was enough after {n} units ({settled} pairs)."),
    ):
        look = collected.trail.crossed(verdict)
        if look is not None:
            found.append(words(text, n=look.n, settled=look.settled))
    return " ".join(found) or words("Neither line was reached.")


def _latencies(collected: Material, words: Words) -> list[tuple[str, charts.Chart, list[charts.Quantiles]]]:
    out = []
    for measure, title in (("total", "Time to the whole answer"), ("ttft", "Time to the first words of a stream")):
        chart = charts.distribution(collected.spread, measure)
        if chart is not None:
            out.append((words(title), chart, charts.quantiles(collected.spread, measure)))
    return out


def _commands(folder: str, words: Words) -> list[tuple[str, str]]:
    run = shlex.quote(str(Path(folder)))
    return [
        (words("the same verdict again"), f"shadowdiff gate {run}"),
        (words("every cause, and one pair side by side"), f"shadowdiff show {run}"),
        (words("the stored answers under other rules"), f"shadowdiff rescore {run} -c shadowdiff.toml"),
        (words("what blue's own noise would ignore"), f"shadowdiff calibrate {run}"),
    ]


def _until(verdict: Verdict) -> str:
    """The day on which an accepted difference would expire: a quarter after the verdict."""
    try:
        day = datetime.fromisoformat(verdict.updated_at or verdict.started_at).date()
    except ValueError:
        day = datetime.now(UTC).date()
    return (day + timedelta(days=ACCEPTED_DAYS)).isoformat()


def _bar(verdict: Verdict) -> dict[str, float]:
    """Positions in percent for the interval picture, on a scale that shows limit and interval."""
    d = verdict.divergence
    top = max(min(1.0, max(d.high, d.limit * 2, d.rate) * 1.1), 0.01)

    def place(value: float) -> float:
        return round(100 * max(0.0, min(value, top)) / top, 2)

    return {
        "low": place(d.low),
        "width": round(place(d.high) - place(d.low), 2),
        "rate": place(d.rate),
        "limit": place(d.limit),
    }
