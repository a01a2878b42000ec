"""Metrics: OpenMetrics that a parser reads, documented names, bounded labels."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from shadowdiff.model.tally import BUCKETS, RouteCounts, Shard
from shadowdiff.report.prometheus import NAMES, metrics
from tests.report.test_html import HOSTILE, verdict


def total() -> Shard:
    counts = [1] * (len(BUCKETS) + 1)
    routes = {f"GET /{n}": RouteCounts(rules={"structure": 1}) for n in range(300)}
    return Shard(
        id="a", routes=routes, latency={"blue": counts, "green": counts}, seconds={"blue": 3.0, "green": 4.0}
    )


def test_parses_and_names_are_the_documented_ones() -> None:
    text = metrics(verdict(service=HOSTILE[0], candidate='a"b\nc'), total()).decode()
    assert text.endswith("# EOF\n")
    names = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.add(sample.name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count"))
            assert "GET" not in str(sample.labels)
    assert names == set(NAMES)


def test_the_state_is_one_hot_and_counts_are_the_ledgers() -> None:
    samples = {
        (s.name, s.labels.get("state") or s.labels.get("verdict")): s.value
        for f in text_string_to_metric_families(metrics(verdict(), total()).decode())
        for s in f.samples
    }
    assert [samples[("shadowdiff_gate_state", state)] for state in ("pass", "fail")] == [0.0, 1.0]
    assert samples[("shadowdiff_pairs_total", "mismatched")] == 27
