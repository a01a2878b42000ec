"""New rules are tried on the last pairs: bounded, and only on what was evidence."""

from __future__ import annotations

import asyncio

from shadowdiff.config import load
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Outcome
from shadowdiff.run.recent import Recent
from shadowdiff.run.scoring import judging
from shadowdiff.score.noise import Learner
from shadowdiff.testing import comparison_of, pair_of


def test_it_says_how_many_outcomes_would_change() -> None:
    one = Recent(pairs=4)
    for n in range(6):
        one.add(
            comparison_of(Outcome.MISMATCHED, n, id=f"x{n}"), pair_of('{"at": 1, "a": 2}', f'{{"at": {n}, "a": 2}}')
        )
    one.add(comparison_of(Outcome.ERRORED, 7), pair_of("a", "b"))
    config = load(None, {"score.ignore": ["/at"]}, {})
    trial = asyncio.run(one.trial(judging(config, "r", Limits(), Learner(), print)))
    assert (trial.pairs, trial.changed) == (3, 3) and "x3 mismatched → ignored" in trial.example
    assert "of the last 3 pairs 3 would come out otherwise" in str(trial)


def test_bytes_are_bounded_too() -> None:
    one = Recent(max_bytes=100)
    for n in range(50):
        one.add(comparison_of(Outcome.MATCHED, n), pair_of("a" * 40, "a" * 40))
    assert len(one._pairs) == 1
