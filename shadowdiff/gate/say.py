"""The sentences of a verdict: one a tired person understands, and the longer why (gate.md section 8)."""

from __future__ import annotations

from shadowdiff.gate.criteria import Reading
from shadowdiff.gate.reasons import cause, coins, filled, too_few, top
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Divergence, Status
from shadowdiff.units import show_duration
from shadowdiff.units import show_percent as pct


def fail(d: Divergence) -> str:
    """FAIL by evidence."""
    if d.noise.get("excess"):
        return (
            f"green differs from blue in {pct(d.rate)} more {d.unit}s than a second blue does, at least "
            f"{pct(max(d.low, 0.0))}; {pct(d.limit)} is allowed ({d.n} {d.unit}s)"
        )
    return (
        f"green differs in {pct(d.rate)} of {d.n} {d.unit}s, at least {pct(d.low)} of this traffic; "
        f"{pct(d.limit)} is allowed"
    )


def passed(d: Divergence) -> str:
    """PASS by evidence."""
    over = " more than a second blue" if d.noise.get("excess") else ""
    return (
        f"green differs in {pct(max(d.rate, 0.0))} of {d.n} {d.unit}s{over}, at most {pct(max(d.high, 0.0))} "
        f"of this traffic; {pct(d.limit)} is allowed"
    )


def undecided(d: Divergence, min_fail: int, min_pass: int) -> str:
    """Not enough either way, and what would be."""
    between = f"between {pct(max(d.low, 0.0))} and {pct(max(d.high, 0.0))}"
    seen = f"green differs in {pct(max(d.rate, 0.0))} of {d.n} {d.unit}s ({between})"
    need = too_few(d, min_fail, min_pass)
    if need is not None:
        return f"too little evidence: {seen}; a pass at {pct(d.limit)} needs at least {need} {d.unit}s"
    return f"too close to call: {seen}; {pct(d.limit)} lies inside, more {d.unit}s would decide"


def route_fail(d: Divergence, routes: list[str]) -> str:
    """FAIL by routes, while all traffic together is within the limit or undecided."""
    return (
        f"green differs too much on {_list(routes)}; over all {d.n} {d.unit}s it differs in {pct(max(d.rate, 0.0))}, "
        f"and {pct(d.limit)} is allowed"
    )


def route_over(routes: list[str]) -> str:
    """All traffic would pass, one route does not."""
    return f"all traffic together is within the limit, but not {_list(routes)}"


def route_not_passed(routes: list[str], limit: float) -> str:
    """A route with a budget of its own has no PASS evidence."""
    return f"{_list(routes)} has a budget of its own ({pct(limit)}) and too little evidence to pass it"


_ALLOWED = ", at least {low}; {limit} is allowed"
_CRITERIA = {
    "errors": "green fails in {estimate} of {n} units where blue does not" + _ALLOWED,
    "critical": "critical findings are {estimate} more common than blue's own in {n} units" + _ALLOWED,
    "similarity": "green's texts are {estimate} less alike to blue's than the twin's over {n} units" + _ALLOWED,
    "latency": "green is slower than the {limit} allowed: {estimate} of {n} units exceed it",
    "ttft": "green's first words come later than the {limit} allowed: {estimate} of {n} units exceed it",
    "tokens": "green uses {estimate} more tokens an answer over {n} units" + _ALLOWED,
    "server_errors": "green answers {estimate} of {n} units with 5xx or not at all" + _ALLOWED,
    "slo_ttfb": "green's first byte is late in {estimate} of {n} units" + _ALLOWED,
    "slo_total": "green's answers are late in {estimate} of {n} units" + _ALLOWED,
}


def criterion_fail(reading: Reading) -> str:
    """FAIL by a criterion beside divergence."""
    return filled(_CRITERIA[reading.name], reading)


def criterion_open(reading: Reading) -> str:
    """Divergence would pass, another criterion has not shown that it does."""
    if not reading.n:
        return f"{reading.name} has a limit of {pct(reading.limit)}, but nothing was measured for it"
    return (
        f"divergence is within its limit, but {reading.name} is undecided: {pct(max(reading.estimate, 0.0))} of "
        f"{reading.n} units; its limit of {pct(reading.limit)} needs more"
    )


def correlated(correlation: float, limit: float) -> str:
    """Requests of a session are no units."""
    return (
        f"requests of one session differ together (correlation {correlation:.2f}, {limit:.2f} is too much), so they "
        'are no evidence of their own; count sessions: gate.unit = "auto"'
    )


def lost_pace(total: Shard) -> str:
    """Latencies of another load."""
    return (
        f"could not keep pace ({total.late} of {sum(total.lag)} exchanges went out late), so latencies are of "
        "another load and their limits cannot be judged; lower --rate or --speed, or raise --max-in-flight"
    )


def unit() -> str:
    """What a unit is."""
    return "A unit is a session, or a request that has none."


def excess() -> str:
    """What is decided on with a twin."""
    return "The gate decides on excess over noise: green's divergence less the twin's."


def correlation(value: float, sessions: int) -> str:
    """How sessions hang together."""
    return (
        f"Within sessions, differences are correlated {value:.2f} (0: spread like coins, 1: whole sessions; "
        f"{sessions} sessions of several turns)."
    )


def culprits(routes: list[str]) -> str:
    """Who."""
    return f"Routes that differ more than they may: {_list(routes)}."


def thin(routes: list[str]) -> str:
    """Routes about which nothing is said."""
    more = f" and {len(routes) - 5} more" if len(routes) > 5 else ""
    return f"Not covered, too few units to say anything of them alone: {', '.join(routes[:5])}{more}."


def family(count: int, alpha: float) -> str:
    """One error for all."""
    return (
        f"{count} criteria share one error: a release within all limits is stopped in at most {pct(alpha)} of runs."
    )


def census(wrong: int, judged: int, allowed: int) -> str:
    """Every question of a fixed set."""
    return f"green differs in {wrong} of the {judged} prepared questions; {allowed} are allowed"


def census_open(missing: int) -> str:
    """A set that was not judged whole."""
    return f"{missing} of the prepared questions could not be judged, and a census needs every one"


def epochs() -> str:
    """All of a window together differs too much, no part of it provably."""
    return "over the whole window green differs more than it may, but no epoch of it proves that alone"


def waiting() -> str:
    """Nothing was sent yet in a window."""
    return "nothing has come since this window was opened"


def stale(seconds: float) -> str:
    """Old evidence."""
    return f"the evidence is stale: the last pair was counted {show_duration(seconds)} ago"


def young(seconds: float, least: float) -> str:
    """A window that has not been open long enough."""
    return f"this window has been open for {show_duration(seconds)}; a pass needs {show_duration(least)}"


def green_down(total: Shard) -> str:
    """Green refused everything."""
    return f"green is down: it refused all {total.green_down} connections while blue answered"


def blue_unreachable(total: Shard) -> str:
    """Nothing to measure against."""
    return (
        f"blue gave no answer to any of {total.blue_asked} requests, so nothing could be measured"
        f"{_why(total)}; check the address with: shadowdiff check"
    )


def nothing_judged(total: Shard) -> str:
    """No pair counted for or against green."""
    ledger = total.ledger
    if not ledger.read:
        return "nothing was read: the log is empty"
    if not ledger.sent:
        why = top(ledger.reasons, ("skipped", "filtered", "unreadable", "sampled_out"))
        held = ledger.read - ledger.unsent
        return f"nothing was sent: all {held} exchanges read were held back or unreadable ({why})"
    return f"no pair could be judged: {_cause(total)}"


def low_fidelity(total: Shard, fidelity: float) -> str:
    """Blue does not behave as in production."""
    return (
        f"blue behaved as in production in only {pct(fidelity)} of {total.blue_asked} requests "
        f"(90% needed): {_cause(total)}"
    )


def unreliable(total: Shard, limit: float) -> str:
    """Blue disagrees with itself."""
    rate = total.controls_mismatched / total.controls
    return (
        f"unreliable baseline: asked twice, blue disagreed with itself in {pct(rate)} of {total.controls} "
        f"exchanges, above the limit of {pct(limit)}; give a --twin so that noise is subtracted, "
        "or ignore what varies"
    )


def unlike_twin(total: Shard) -> str:
    """Blue and its twin are not the same release."""
    rate = total.controls_mismatched / total.controls
    return (
        f"unreliable baseline: the twin answered otherwise than blue in {pct(rate)} of {total.controls} exchanges; "
        "is it the same release, with the same data?"
    )


def not_covered(missing: list[str]) -> str:
    """Required routes that were not seen."""
    return f"required routes were not seen: {', '.join(missing[:5])}"


def errored(count: int, sent: int, limit: float) -> str:
    """Too many pairs without a baseline for a pass."""
    return f"{count} of {sent} exchanges had no baseline ({pct(count / sent)}); a pass allows {pct(limit)}"


def simple(n: int, rate: float, limit: float, where: str) -> str:
    """The plain rule."""
    return f"{pct(rate)} of {n} exchanges differ, {where} the limit of {pct(limit)} (simple mode: no error guarantee)"


def simple_too_few(n: int, after: int) -> str:
    """The plain rule without enough pairs."""
    return f"too little evidence: {n} exchanges judged, simple mode looks after {after}"


def explain(status: Status, d: Divergence, alpha: float, beta: float) -> str:
    """The wager, in the words of gate.md section 8; empty when there is nothing to explain."""
    if status is Status.FAIL and d.low >= d.limit and d.noise.get("excess"):
        return (
            f"You allow green to differ in {pct(d.limit)} more {d.unit}s than a second blue does. Over {d.n} it "
            f"differs in {pct(d.rate)} more. A fair wager against the claim that this release is within budget would "
            f"ever reach {1 / alpha:.0f} coins in at most {pct(alpha)} of runs if the claim were true, however often "
            f"one looks and however much blue varies; it got there. What we can say: at least {pct(d.low)} more of "
            "this traffic differs. What we cannot say: the exact rate."
        )
    if status is Status.FAIL and d.low >= d.limit:
        expected = d.limit * d.n
        pot = coins(d.log_e_fail)
        return (
            f"You allow {pct(d.limit)} of {d.unit}s to differ. Of {d.n}, {pct(d.rate)} differed; at the limit we "
            f"would expect about {expected:.0f}. A fair wager against the claim that this release is within "
            f"budget started with 1 coin and holds {pot}. If the claim were true, it would ever reach "
            f"{1 / alpha:.0f} in at most {pct(alpha)} of runs, however often one looks. What we can say: at least "
            f"{pct(d.low)} of this traffic differs. What we cannot say: the exact rate."
        )
    if status is Status.PASS:
        return (
            f"A release that differs in {pct(d.limit)} or more would pass in at most {pct(beta)} of runs. What we "
            f"can say: on traffic like this, at most {pct(max(d.high, 0.0))} of {d.unit}s differ."
        )
    return ""


def _list(routes: list[str]) -> str:
    return ", ".join(routes[:3]) + (f" and {len(routes) - 3} more" if len(routes) > 3 else "")


def _cause(total: Shard) -> str:
    return cause(total, _CAUSES, _why(total))


_ANSWERED = "blue answered {status} {count} times"
_CAUSES = {
    "errored": "every pair was errored",
    "credentials": _ANSWERED + "; captured credentials are stripped, so give blue its own: "
    "--blue-header 'Authorization: …' (and --green-header), or --forward-auth",
    "limited": _ANSWERED + ": it is rate limited; lower --rate or ask for a higher quota",
    "failing": _ANSWERED + ": blue itself is failing",
    "silent": "blue gave no whole answer {count} times{why}",
    "other": _ANSWERED
    + " where the capture has another status class: does blue hold the same data as when captured?",
}


def _why(total: Shard) -> str:
    reason = top(total.ledger.reasons, ("errored",))
    return f" ({reason})" if reason else ""
