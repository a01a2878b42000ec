"""What no language changes: which sentence is said, and its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from shadowdiff.gate.criteria import Reading
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Divergence
from shadowdiff.units import show_percent as pct


def top(reasons: dict[str, int], kinds: tuple[str, ...]) -> str:
    """The commonest reason of some kinds with its count, or an empty string."""
    found = [(count, key) for key, count in reasons.items() if key.split(": ")[0] in kinds]
    if not found:
        return ""
    count, key = max(found)
    return f"{count} × {key.split(': ', 1)[1]}"


def coins(log: float) -> str:
    """A pot given as its logarithm."""
    return f"{math.exp(log):,.0f}" if log < 30 else f"10^{log / math.log(10):.0f}"


def too_few(d: Divergence, min_fail: int, min_pass: int) -> int | None:
    """Units that a pass needs where too few were seen; None where the limit lies inside the interval."""
    if d.n < min_pass and (d.n < min_fail or d.rate <= d.limit):
        return max(min_pass, math.ceil(3.9 / d.limit)) if d.limit else min_pass
    return None


def filled(sentence: str, reading: Reading) -> str:
    """`sentence` with the numbers of a criterion."""
    return sentence.format(
        estimate=pct(max(reading.estimate, 0.0)),
        n=reading.n,
        low=pct(max(reading.low, 0.0)),
        limit=pct(reading.limit),
    )


def cause(total: Shard, sentences: Mapping[str, str], why: str) -> str:
    """The likely cause from the statuses that were no baseline, in the words of `sentences`."""
    if not total.blue_statuses:
        return top(total.ledger.reasons, ("errored",)) or sentences["errored"]
    status, count = max(total.blue_statuses.items(), key=lambda item: item[1])
    kind = "other"
    if status in (401, 403, 407):
        kind = "credentials"
    elif status == 429:
        kind = "limited"
    elif status >= 500:
        kind = "failing"
    elif status == 0:
        kind = "silent"
    return sentences[kind].format(status=status, count=count, why=why)
