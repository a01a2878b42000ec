"""Judging: small pairs at once, large ones in another process, with the same result."""

from __future__ import annotations

import asyncio
import json

from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.run.judging import INLINE_BYTES, Judging
from shadowdiff.score.fuzzy import Fuzzy
from shadowdiff.score.length import Length
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Panel
from shadowdiff.score.structure import Structure
from shadowdiff.testing import decoding, pair_of


def bare(pair: Pair) -> Pair:
    return Pair(pair.exchange, pair.blue, pair.green, pair.twin)


def test_a_large_pair_is_judged_elsewhere_with_the_same_result() -> None:
    one = json.dumps({"items": [{"id": n, "text": f"article {n}"} for n in range(2000)]})
    two = one.replace("article 77", "article 78")
    judging = Judging(decoding(), Panel([Structure(), Length(), Fuzzy()], paired=False), Learner())

    async def main() -> tuple:
        pair = bare(pair_of(one, two))
        assert len(one) > INLINE_BYTES
        there, _ = await judging.compare(pair)
        assert judging._pool is not None
        judging._strict_inline = True
        here, _ = await judging.compare(pair)
        return there, here

    try:
        there, here = asyncio.run(main())
    finally:
        judging.close()
    assert there == here and there.outcome is Outcome.MISMATCHED


def test_equal_answers_are_not_decoded() -> None:
    judging = Judging(decoding(), Panel([Structure()], paired=False), Learner())
    comparison, pair = asyncio.run(judging.compare(bare(pair_of('{"a":1}', '{"a":1}'))))
    assert comparison.outcome is Outcome.MATCHED and pair.blue_doc is None


def test_what_blue_does_to_itself_is_learnt() -> None:
    learner = Learner()
    judging = Judging(decoding(), Panel([Structure()], paired=False), learner)
    asyncio.run(judging.compare(bare(pair_of('{"n":1}', '{"n":3}', '{"n":2}'))))
    assert learner.baseline.knows("GET /", "/n", "value")
    comparison, _ = asyncio.run(judging.compare(bare(pair_of('{"n":1}', '{"n":9}'))))
    assert comparison.outcome is Outcome.IGNORED
