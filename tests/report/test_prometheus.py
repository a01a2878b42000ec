"""Metrics: OpenMetrics that a parser reads, documented names, bounded labels."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from shadowdiff.model.tally import BUCKETS, RouteCounts, Shard
from shadowdiff.report.prometheus import NAMES, Reloads, metrics
from tests.report.test_html import HOSTILE, verdict


def total() -> Shard:
    counts = [1] * (len(BUCKETS) + 1)
    routes = {f"GET /{n}": RouteCounts(rules={"structure": 1}) for n in range(300)}
    return Shard(
        id="a", routes=routes, latency={"blue": counts, "green": counts}, seconds={"blue": 3.0, "green": 4.0}
    )


def test_parses_and_names_are_the_documented_ones() -> None:
    reloads = Reloads("abc", 2, 1, 0.5)
    text = metrics(verdict(service=HOSTILE[0], candidate='a"b\nc'), total(), reloads).decode()
    assert text.endswith("# EOF\n")
    names = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.add(sample.name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count"))
            assert "GET" not in str(sample.labels)
    assert names == set(NAMES)


def test_a_bucket_carries_its_exemplar() -> None:
    text = metrics(verdict(), total(), None, {("green", 3): ("ab" * 16, 0.009, 1795281536.5)}).decode()
    found = [
        (sample.labels["side"], sample.labels["le"], sample.exemplar.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert found == [("green", str(BUCKETS[3]), {"trace_id": "ab" * 16}, 0.009)]


def test_the_state_is_one_hot_and_counts_are_the_ledgers() -> None:
    samples = {
        (s.name, s.labels.get("state") or s.labels.get("verdict")): s.value
        for f in text_string_to_metric_families(metrics(verdict(), total()).decode())
        for s in f.samples
    }
    assert [samples[("shadowdiff_gate_state", state)] for state in ("pass", "fail")] == [0.0, 1.0]
    assert samples[("shadowdiff_pairs_total", "mismatched")] == 27
