"""Render the page: verdict in words, routes, worst pairs side by side. No script, no outside request.

The style is inline and allowed by its hash alone; everything from a target passes through autoescape.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from shadowdiff import stored, tape
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.examples import Examples, came_back, findings, why
from shadowdiff.report.html.marks import marked
from shadowdiff.report.markdown import ledger_line
from shadowdiff.report.plain import one_line, safe
from shadowdiff.units import show_percent

MAX_SHOWN = 20_000
MAX_PAGE = 1_500_000
MAX_CAUSES = 30
_WORDS = {
    Status.PASS: "Go", Status.FAIL: "Stop", Status.INCONCLUSIVE: "Undecided", Status.ERROR: "Not measured",
    Status.ABORTED: "Interrupted",
}  # fmt: skip


def page(verdict: Verdict, examples: Examples) -> bytes:
    """The whole page as UTF-8, at most about 2 MB: later examples are left out first, and the page says so."""
    here = files(__package__)
    style = (here / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["pct"] = show_percent
    environment.filters["line"] = one_line
    environment.filters["safe_text"] = safe
    template = environment.from_string((here / "page.html.j2").read_text("utf-8"))
    shown: list[dict[str, Any]] = []
    room = MAX_PAGE
    for line in examples.lines:
        example = _example(line, examples.confirmed)
        room -= example["weight"]
        if room < 0:
            break
        shown.append(example)
    text = template.render(
        v=verdict,
        d=verdict.divergence,
        word=_WORDS[verdict.verdict],
        style=style,
        style_hash=digest,
        examples=shown,
        left_out=len(examples.lines) - len(shown),
        causes=examples.causes.top(MAX_CAUSES),
        differing=examples.causes.total,
        ledger=ledger_line(verdict.ledger),
        bar=_bar(verdict),
    )
    return text.encode("utf-8")


def _example(line: tape.Line, confirmed: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    blue, green = line.get("blue", {}), line.get("green", {})
    left = safe(stored.shown(blue))[:MAX_SHOWN]
    right = safe(stored.shown(green) or green.get("detail", ""))[:MAX_SHOWN]
    one, two = marked(left, right)
    request = line.get("request", {})
    return {
        "id": line["id"],
        "route": line["route"],
        "why": why(line),
        "rules": line["rules"],
        "request": f"{request.get('method', '')} {request.get('target', '')}",
        "body": safe(request.get("body", ""))[:4000],
        "blue": one,
        "green": two,
        "blue_head": _head(blue),
        "green_head": _head(green),
        "findings": findings(line)[:12],
        "after": line.get("after_divergence", False),
        "back": came_back(confirmed.get(line["id"])),
        "weight": 3 * (len(left) + len(right)) + 4000,
    }


def _head(side: dict[str, Any]) -> str:
    if "failure" in side:
        return f"{side['failure']}: {side['detail']}"
    return f"{side.get('status', '')} · {side.get('size', 0)} bytes" + (" (cut here)" if side.get("cut") else "")


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
        "top": top,
    }
