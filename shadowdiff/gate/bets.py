"""The values the gate counts, one a criterion, fixed when a pair is scored: splits and merges then agree.

In:  a comparison and the pair behind it. Out: bets in [0, 1] by name. Only criteria that are on are measured.
Three engines watch latency (gate.md section 6): the typical request, the tail of the paired ratio, and the 95th
percentile of blue's past. Send order is random, so that neither side is always asked first.
"""

from __future__ import annotations

from collections import deque

from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Document, Observation, Pair

SPREAD = 0.25
"""R of gate.md 4.4: similarity drops are cut at this, so that few wild answers do not decide."""
TAIL = 3.0
WARM_UP = 200
"""Blue's latencies seen before its 95th percentile is used, refreshed every REFRESH."""
REFRESH = 100
KEPT = 5_000
LATENCIES = {"latency": "max_slowdown", "ttft": "max_ttft_slowdown"}
ENGINES = ("typical", "tail", "p95")


class Bets:
    """Measures what the limits ask for. Holds blue's past latencies; everything else depends on its pair alone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._on = frozenset(limits.criteria)
        self._pasts = {name: _Past() for name in LATENCIES if name in self._on}

    def of(self, comparison: Comparison, pair: Pair) -> dict[str, float]:
        """The bets of `comparison`, with those of the other criteria that are on."""
        if comparison.outcome is Outcome.ERRORED or len(self._on) == 1:
            return comparison.bets
        bets = dict(comparison.bets)
        limits, green = self._limits, pair.green
        failed = green.failure is not None
        bad = failed or green.status >= 500
        if "errors" in self._on:
            bets["errors"] = float(bad or (green.status >= 400 and comparison.blue_status < 400))
        if "server_errors" in self._on:
            bets["server_errors"] = float(bad)
        if limits.slo_ttfb_s is not None:
            bets["slo_ttfb"] = float(failed or green.first_byte_s > limits.slo_ttfb_s)
        if limits.slo_total_s is not None:
            bets["slo_total"] = float(failed or green.total_s > limits.slo_total_s)
        if limits.max_token_growth is not None and (growth := _growth(pair)) is not None:
            bets["tokens"] = (1 + growth) / 2
        if "similarity" in self._on and "similarity" in bets:
            drop = 2 * bets["similarity"] - 1
            bets["similarity"] = (1 + max(-SPREAD, min(SPREAD, drop)) / SPREAD) / 2
        if not bad:
            for name, past in self._pasts.items():
                bets |= _latency(name, past, pair, 1 + (getattr(limits, LATENCIES[name]) or 0.0))
        return bets


class _Past:
    """Blue's latencies so far, and their 95th percentile as of the last refresh."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=KEPT)
        self._count = 0
        self.p95: float | None = None

    def add(self, seconds: float) -> None:
        self._seen.append(seconds)
        self._count += 1
        if self._count >= WARM_UP and self._count % REFRESH == 0:
            self.p95 = sorted(self._seen)[int(0.95 * len(self._seen))]


def _latency(name: str, past: _Past, pair: Pair, tolerance: float) -> dict[str, float]:
    reference = pair.twin if pair.twin is not None and pair.twin.failure is None else pair.blue
    document = pair.twin_doc if reference is pair.twin else pair.blue_doc
    ours, theirs = _seconds(name, pair.green, pair.green_doc), _seconds(name, reference, document)
    if not ours or not theirs:
        return {}
    ratio = ours / (tolerance * theirs)
    bets = {
        f"{name}_typical": 1.0 if ratio > 1 else 0.0,
        f"{name}_tail": (1 + (ratio > TAIL) - (ratio < 1 / TAIL)) / 2,
    }
    if past.p95 is not None:
        bets[f"{name}_p95"] = (1 + (ours > tolerance * past.p95) - (theirs > past.p95)) / 2
    past.add(theirs)
    return bets


def _seconds(name: str, seen: Observation, document: Document | None) -> float | None:
    if name == "latency":
        return seen.total_s
    return document.chat.ttft_s if document is not None and document.chat is not None else None


def _growth(pair: Pair) -> float | None:
    """How many more tokens green says it used than blue, as a share of blue's, cut to [-1, 1]."""
    used = []
    for document in (pair.blue_doc, pair.green_doc):
        usage = dict(document.chat.usage) if document is not None and document.chat is not None else {}
        used.append(usage.get("total_tokens") or sum(usage.values()))
    return max(-1.0, min(1.0, used[1] / used[0] - 1)) if used[0] and used[1] else None
