"""Charts as plain SVG: no library, since the page allows no outside request and must read without its script.

Every chart is a row of shapes over one scale; what its axes span is said beside it as text, which scales with the
page and can be read aloud.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec
from markupsafe import Markup, escape

from shadowdiff.report.spread import LOWEST_S, STEPS, Spread, quantile, upper
from shadowdiff.report.trail import Look, Trail

WIDTH, HEIGHT = 1000.0, 180.0
FLOOR = -1.5
"""Lowest log10 of evidence that is drawn: below it there is only less of the same."""


class Chart(msgspec.Struct, frozen=True):
    """An SVG with the ends of its axes as numbers, for the text beside it."""

    svg: Markup
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0


class Quantiles(msgspec.Struct, frozen=True):
    """One side's distribution in numbers, seconds."""

    side: str
    n: int
    p50: float
    p90: float
    p99: float
    most: float


def estimate(trail: Trail, limit: float) -> Chart:
    """The estimate with its interval over units, and the limit."""
    looks = [look for look in trail.looks if look.n]
    top = min(1.0, max([2 * limit, 0.02, *(1.4 * look.rate for look in looks[len(looks) // 4 :])]))
    right = max([look.n for look in looks], default=1)

    def at(n: float, value: float) -> str:
        return _point(n / right, value / top)

    band = [at(look.n, look.high) for look in looks] + [at(look.n, look.low) for look in reversed(looks)]
    shapes = [
        _shape("polygon", "band", points=" ".join(band)),
        _line("limit", limit / top),
        _shape("polyline", "rate", points=" ".join(at(look.n, look.rate) for look in looks)),
    ]
    return Chart(_svg(shapes), 0, right, top)


def evidence(trail: Trail, floor: float = FLOOR) -> Chart:
    """log10 of the evidence for FAIL and for PASS over units, and what each verdict needs."""
    looks = [look for look in trail.looks if look.n]
    seen = [value for look in looks for value in (look.fail, look.passing) if math.isfinite(value)]
    top = max(1.25 * max(trail.fail_at, trail.pass_at), min(max(seen, default=0.0), 4 * trail.fail_at))
    right = max([look.n for look in looks], default=1)

    def line(name: str, values: Iterable[tuple[int, float]]) -> Markup:
        points = [_point(n / right, (max(floor, min(top, value)) - floor) / (top - floor)) for n, value in values]
        return _shape("polyline", name, points=" ".join(points))

    def level(value: float) -> float:
        return (value - floor) / (top - floor)

    shapes = [
        _line("zero", level(0.0)),
        _line("need fails", level(trail.fail_at)),
        _line("need passes", level(trail.pass_at)),
        line("fails", ((look.n, look.fail) for look in looks)),
        line("passes", ((look.n, look.passing) for look in looks)),
    ]
    for verdict in ("fail", "pass"):
        crossing = trail.crossed(verdict)
        if crossing is not None:
            shapes.append(_mark(f"{verdict}es" if verdict == "pass" else "fails", crossing, right))
    return Chart(_svg(shapes), 0, right, top)


def distribution(spread: Spread, measure: str) -> Chart | None:
    """Share of answers that took at most so long, a line a side, on a log scale; None where nothing was measured."""
    sides = list(spread.sides(measure))
    if not sides:
        return None
    used = [place for _, counts in sides for place, count in enumerate(counts) if count]
    first, last = max(0, min(used) - 1), max(used) + 1
    shapes = [_line("zero", 0.5)]
    for side, counts in sides:
        total, seen, points = sum(counts), 0, [_point(0, 0)]
        for place in range(first, last + 1):
            x = (place - first) / (last - first + 1)
            points.append(_point(x, seen / total))
            seen += counts[place] if place < len(counts) else 0
            points.append(_point(x, seen / total))
        points.append(_point(1, 1))
        shapes.append(_shape("polyline", side, points=" ".join(points)))
    return Chart(_svg(shapes), LOWEST_S * 10 ** (first / STEPS), upper(last), 1.0)


def quantiles(spread: Spread, measure: str) -> list[Quantiles]:
    """The same in numbers."""
    return [
        Quantiles(side, sum(counts), *(quantile(counts, share) for share in (0.5, 0.9, 0.99, 1.0)))
        for side, counts in spread.sides(measure)
    ]


def arrivals(blue: Sequence[tuple[float, float]], green: Sequence[tuple[float, float]]) -> Chart | None:
    """Bytes over milliseconds of two streams; None where neither came in pieces."""
    if len(blue) < 2 and len(green) < 2:
        return None
    both = [*blue, *green]
    right = max(1.0, max(ms for ms, _ in both))
    top = max(1.0, max(size for _, size in both))
    shapes = []
    for side, events in (("blue", blue), ("green", green)):
        points, height = [_point(0, 0)], 0.0
        for ms, size in events:
            points.append(_point(ms / right, height / top))
            height = size
            points.append(_point(ms / right, height / top))
        if events:
            shapes.append(_shape("polyline", side, points=" ".join(points)))
    return Chart(_svg(shapes, "chart low"), 0, right, top)


def bar(share: float) -> Markup:
    """A small bar for a share of 0 to 1."""
    made = (
        f'<svg class="bar" viewBox="0 0 100 8" aria-hidden="true"><rect width="{100 * share:.1f}" height="8"/></svg>'
    )
    return Markup(made)  # noqa: S704 - a number


def _point(x: float, y: float) -> str:
    y = min(1.0, max(0.0, y))
    return f"{WIDTH * x:.1f},{HEIGHT * (1 - y):.1f}"


def _line(name: str, level: float) -> Markup:
    y = f"{HEIGHT * (1 - min(1.0, max(0.0, level))):.1f}"
    return _shape("line", name, x1="0", x2=f"{WIDTH:.0f}", y1=y, y2=y)


def _mark(name: str, look: Look, right: float) -> Markup:
    x = f"{WIDTH * look.n / right:.1f}"
    return _shape("line", f"crossed {name}", x1=x, x2=x, y1="0", y2=f"{HEIGHT:.0f}")


def _shape(tag: str, name: str, **attributes: str) -> Markup:
    given = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f'<{tag} class="{escape(name)}"{given}/>')  # noqa: S704 - every value is escaped


def _svg(shapes: Sequence[Markup], name: str = "chart") -> Markup:
    box = f'viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none"'
    return Markup(f'<svg class="{name}" {box} aria-hidden="true">') + Markup("").join(shapes) + Markup("</svg>")  # noqa: S704 - made of numbers
