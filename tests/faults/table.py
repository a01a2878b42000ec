"""The table of faults in the reference, from what runs saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.faults.kit import Fault
from tests.faults.runs import Seen

HEAD = """# What a faulty target leads to

Each cell is a run of the real command against servers that do it, by `make test-long` (`tests/long/test_faults.py`), which also checks that no pair is lost (`read` is the sum of what became of each), that nothing crashes, and that behind a proxy no client notices what green or the twin does. A cell says what the pairs came to, and the [exit code](exit-codes.md). Time limits in these runs are 1 s to connect, to the first byte and of silence, and 3 s in all.

*errored*: no baseline, counted neither for nor against green. *skipped*: the client behind the proxy gave up before blue's answer ended. *none*: the run ended before anything was sent.

| what the target does | green, replay | green, proxy | blue, replay | blue, proxy | twin, replay | twin, proxy |
|---|---|---|---|---|---|---|
"""
FOOT = """
A certificate that is wrong is the caller's to put right and never a bad release: exit code 2 before anything is sent. A proxy starts without its blue, since blue may come later, and answers 502 until then. A clock that jumps by hours changes nothing (`tests/long/test_clock.py`), nor does a server that closes idle connections as the next request comes (`tests/long/test_keepalive.py`). A twin that fails or is unlike blue in more than half of the answers makes the run inconclusive, whatever green does.
"""


def rows(faults: Sequence[Fault], seen: Mapping[tuple[str, str, str], Seen]) -> list[list[str]]:
    """A row a fault."""
    order = [(role, how) for role in ("green", "blue", "twin") for how in ("replay", "proxy")]
    return [[fault.name, *(_cell(seen.get((fault.name, *place))) for place in order)] for fault in faults]


def written(lines: Sequence[Sequence[str]]) -> str:
    """The page."""
    return HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines) + FOOT


def _cell(seen: Seen | None) -> str:
    if seen is None:
        return "?"
    came = sorted(seen.outcomes)
    if not came:
        came = ["skipped"] if seen.ledger.get("skipped") else ["none"]
    return f"{', '.join(came)}: {seen.code}"
