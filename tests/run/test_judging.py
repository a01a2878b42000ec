"""Judging: small pairs at once, large ones in another process, with the same result."""

from __future__ import annotations

import asyncio
import gzip
import json

import msgspec

from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Pair, Role
from shadowdiff.run.judging import INLINE_BYTES, Judging, as_recorded
from shadowdiff.score.fuzzy import Fuzzy
from shadowdiff.score.length import Length
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Panel
from shadowdiff.score.structure import Structure
from shadowdiff.testing import decoding, exchange_of, pair_of, response_of


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


def test_ids_of_one_target_alone_are_compared_as_the_recorded_ones() -> None:
    names = {Role.BLUE: {"b-1": "rec"}, Role.GREEN: {"g-22": "rec"}}
    one = response_of('{"id":"b-1","n":1}', content_type="application/json", Location="/t/b-1")
    two = response_of('{"id":"g-22","n":1}', content_type="application/json", Location="/t/g-22")
    pair = msgspec.structs.replace(pair_of(one, two), minted=names)
    made = as_recorded(pair)
    assert made.blue.response == made.green.response
    assert made.green.response.body == b'{"id":"rec","n":1}' and made.green.response.size == 18


def test_packed_answers_are_unpacked_before_ids_are_compared() -> None:
    packed = response_of(gzip.compress(b'{"id":"g-22"}'), Content_Encoding="gzip")
    pair = msgspec.structs.replace(pair_of(response_of('{"id":"rec"}'), packed), minted={Role.GREEN: {"g-22": "rec"}})
    made = as_recorded(pair).green.response
    assert (made.body, made.header("content-encoding")) == (b'{"id":"rec"}', None)


def test_a_canned_reply_is_found_beside_other_pairs() -> None:
    canned = "The moon is very bright above the quiet harbor tonight, so we walk home along the water."
    words = ["cats sleep long", "tea cools fast", "rain fills wells", "maps fade out", "bees come back"]
    panel = Panel([Structure(profile="sampled")], paired=False)

    async def main() -> list[Outcome]:
        judging = Judging(decoding(), panel, Learner(), profile="sampled")
        found = []
        for number, word in enumerate(words):
            blue = (
                f"In the long run {word}, and it is known that {word} more often than you might think at first sight."
            )
            pair = bare(pair_of(blue, canned, exchange=exchange_of(id=f"x{number}", unit=f"x{number}")))
            comparison, _ = await judging.compare(pair)
            found.append(comparison.outcome)
            assert comparison.outcome is Outcome.MATCHED or comparison.rules == ("reuse",)
        return found

    assert asyncio.run(main()) == [Outcome.MATCHED] * 2 + [Outcome.MISMATCHED] * 3
