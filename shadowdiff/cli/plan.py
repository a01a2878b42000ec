"""How many requests, tokens and how much money a verdict needs: no traffic is sent."""

from __future__ import annotations

import math
from typing import Any

import click

from shadowdiff import units
from shadowdiff.cli import options as opt
from shadowdiff.config import load
from shadowdiff.errors import UsageError

RATES = (0.0, 0.01, 0.02, 0.03, 0.1, 0.2, 0.5)


@click.command()
@click.option("--expect", multiple=True, help="True divergence to plan for, e.g. 2%  [default: 0% to 50%].")
@click.option("--noise", default="0%", show_default=True, help="How often blue differs from itself; needs a twin.")
@click.option("--twin/--no-twin", "twin", default=None, help="Plan for a twin [default: when there is noise].")
@click.option("--turns", default=1.0, show_default=True, help="Turns of a session: a session is one unit.")
@click.option("--tokens", default=0, help="Tokens an answer uses, question included.")
@click.option("--price", default=0.0, help="Money for a million tokens.")
@opt.config_option
@opt.with_options(opt.JUDGING)
def plan(
    expect: tuple[str, ...], noise: str, twin: bool | None, turns: float, tokens: int, price: float, **given: Any
) -> int:
    """How many units (requests, tokens, money) a verdict needs, by the divergence that a release truly has.

    Sends nothing. The gate looks after every unit, so that clear cases end early; near the limit nothing decides,
    and a margin (gate.margin) helps.
    """
    from shadowdiff.gate import plan as planning
    from shadowdiff.run.limits import gate_limits

    varies = units.percent(noise, "--noise")
    paired = bool(twin) or (twin is None and varies > 0)
    if varies > 0 and not paired:
        raise UsageError("--noise: without a twin the gate cannot tell noise from a change; add --twin")
    if turns < 1:
        raise UsageError("--turns: a session has at least one turn")
    limits = gate_limits(load(given["config"], opt.gathered(given)), paired)
    rates = [units.percent(text, "--expect") for text in expect] or [r for r in RATES if r != limits.max_divergence]
    targets = 3 if paired else 2
    click.echo(
        f"limit {units.show_percent(limits.max_divergence)}, false stops {units.show_percent(limits.alpha)}, "
        f"false passes {units.show_percent(limits.beta)}"
        + (f", with a twin, noise {units.show_percent(varies)}" if paired else "")
    )
    head = f"{'diverges':>9}  {'verdict':<22}  {'units':>7}  {'9 in 10':>8}  {'requests':>9}"
    click.echo(head + (f"  {'tokens':>12}" if tokens else "") + (f"  {'cost':>9}" if tokens and price else ""))
    tables = None if paired else planning.boundaries(limits, planning.HORIZON)
    for rate in rates:
        if tables is None:
            needed = planning.paired_units(rate, varies, limits)
            verdict = "-" if needed is None else "fail" if rate > limits.max_divergence else "pass"
            middle, most = needed, None if needed is None else math.ceil(2 * needed)
        else:
            found = planning.forecast(rate, *tables)
            middle, most = (found.units[1], found.units[2]) if found.units else (None, None)
            verdict = f"fail {found.fails:.1%}, pass {found.passes:.1%}"
        click.echo(_row(rate, verdict, middle, most, targets * turns, tokens, price))
    if paired:
        click.echo("with a twin these are estimates (1.3 times the information limit; 9 in 10 within twice that)")
    return 0


def _row(
    rate: float, verdict: str, middle: int | None, most: int | None, factor: float, tokens: int, price: float
) -> str:
    if middle is None or most is None:
        return f"{units.show_percent(rate):>9}  {verdict:<22}  too near the limit: nothing decides in good time"
    asked = math.ceil(most * factor)
    row = f"{units.show_percent(rate):>9}  {verdict:<22}  {middle:>7}  {most:>8}  {asked:>9}"
    if tokens:
        row += f"  {asked * tokens:>12,}"
        if price:
            row += f"  {asked * tokens * price / 1e6:>9,.2f}"
    return row
