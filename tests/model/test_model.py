"""The nouns: merging is order-free and idempotent, headers keep their bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.model.exchange import header_bytes, json_at
from shadowdiff.model.tally import BUCKETS, Ledger, RouteCounts, Shard, Tally, merge, quantile

shards = st.builds(
    lambda name, upto: Shard(
        id=name, upto=upto, units=upto, bets={"divergence": {0: upto}}, ledger=Ledger(read=upto, sent=upto, matched=upto),
        routes={"GET /": RouteCounts(sent=upto, matched=upto)}, latency={"blue": [upto] * (len(BUCKETS) + 1)}, seconds={"blue": 1.0},
    ),
    st.sampled_from("abc"), st.integers(0, 50),
)  # fmt: skip
tallies = st.lists(shards, max_size=4).map(lambda found: Tally(shards={s.id: s for s in found}))


@given(tallies, tallies, tallies)
def test_merging_is_order_free_and_idempotent(a: Tally, b: Tally, c: Tally) -> None:
    def counts(tally: Tally) -> dict[str, int]:
        return {name: shard.upto for name, shard in tally.shards.items()}

    assert counts(merge(a, b)) == counts(merge(b, a))
    assert counts(merge(merge(a, b), c)) == counts(merge(a, merge(b, c)))
    assert counts(merge(merge(a, b), b)) == counts(merge(a, b))


@given(tallies)
def test_the_total_is_the_sum_and_its_ledger_balances(tally: Tally) -> None:
    total = tally.total()
    assert total.upto == sum(shard.upto for shard in tally.shards.values())
    assert total.ledger.balances
    assert total.routes.get("GET /", RouteCounts()).judged == total.ledger.matched


@given(st.binary(max_size=50))
def test_header_text_carries_any_bytes(raw: bytes) -> None:
    assert header_bytes(raw.decode("latin-1")) == raw


def test_hand_written_headers_beyond_latin_1_go_out_as_utf_8() -> None:
    assert header_bytes("你好") == "你好".encode()


def test_json_at_reads_scalars_only() -> None:
    body = b'{"a":{"b":[{"c":5}]},"t":true,"~x/y":"z"}'
    assert [json_at(body, p) for p in ("/a/b/0/c", "/t", "/a", "/~0x~1y", "/no/way")] == ["5", "", "", "z", ""]
    assert json_at(b"no json", "/a") == ""


def test_quantiles_are_bucket_bounds() -> None:
    counts = [0] * (len(BUCKETS) + 1)
    counts[2], counts[5] = 90, 10
    assert (quantile(counts, 0.5), quantile(counts, 0.99)) == (BUCKETS[2], BUCKETS[5])
    assert quantile([0] * (len(BUCKETS) + 1), 0.5) is None
