"""The last pairs of a service, to try new rules on before they are in force."""

from __future__ import annotations

from collections import deque

from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.run.judging import Judging
from shadowdiff.run.reload import Trial

PAIRS = 200
MAX_BYTES = 16 << 20


class Recent:
    """A sink."""

    def __init__(self, pairs: int = PAIRS, max_bytes: int = MAX_BYTES) -> None:
        self._pairs: deque[tuple[Comparison, Pair, int]] = deque()
        self._most = pairs
        self._max = max_bytes
        self._bytes = 0

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Keep a pair, and let go of the oldest."""
        size = sum(
            len(seen.response.body)
            for seen in (pair.blue, pair.green, pair.twin)
            if seen is not None and seen.response is not None
        )
        self._pairs.append((comparison, pair, size))
        self._bytes += size
        while len(self._pairs) > self._most or (self._bytes > self._max and len(self._pairs) > 1):
            self._bytes -= self._pairs.popleft()[2]

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Nothing to do."""

    async def trial(self, judging: Judging) -> Trial:
        """What `judging` makes of them."""
        changed, example, tried = 0, "", 0
        for before, pair, _ in list(self._pairs):
            if before.outcome is Outcome.ERRORED:
                continue
            tried += 1
            after = await judging.look(pair)
            if after.outcome is not before.outcome:
                changed += 1
                example = example or f"{before.id} {before.outcome} → {after.outcome}"
        return Trial(tried, changed, example)
