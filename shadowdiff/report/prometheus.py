"""`metrics.prom`: the run as OpenMetrics text, for GitLab's metrics report or a node exporter's textfile.

Labels are bounded: service, candidate, role, rule, verdict; never a path or a text.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from shadowdiff.model.tally import BUCKETS, Shard
from shadowdiff.model.verdict import Verdict

NAMES = (
    "shadowdiff_pairs_total",
    "shadowdiff_exchanges_total",
    "shadowdiff_rule_hits_total",
    "shadowdiff_response_duration_seconds",
    "shadowdiff_divergence_ratio",
    "shadowdiff_divergence_low_ratio",
    "shadowdiff_divergence_high_ratio",
    "shadowdiff_divergence_limit_ratio",
    "shadowdiff_fidelity_ratio",
    "shadowdiff_gate_state",
    "shadowdiff_build_info",
)


def metrics(verdict: Verdict, total: Shard) -> bytes:
    """OpenMetrics text, ending in `# EOF`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(verdict, total))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


class _Run(Collector):
    def __init__(self, verdict: Verdict, total: Shard) -> None:
        self._verdict = verdict
        self._total = total

    def collect(self) -> list[Metric]:
        v, total = self._verdict, self._total
        base = [v.service, v.candidate]
        labels = ["service", "candidate"]
        pairs = CounterMetricFamily("shadowdiff_pairs", "Exchanges judged, by outcome", labels=[*labels, "verdict"])
        for name in ("matched", "mismatched", "ignored", "errored"):
            pairs.add_metric([*base, name], v.ledger.get(name, 0))
        flow = CounterMetricFamily("shadowdiff_exchanges", "Exchanges by ledger name", labels=[*labels, "ledger"])
        for name, count in v.ledger.items():
            flow.add_metric([*base, name], count)
        hits = CounterMetricFamily(
            "shadowdiff_rule_hits", "Exchanges in which a rule fired", labels=[*labels, "rule"]
        )
        rules: dict[str, int] = {}
        for counts in total.routes.values():
            for rule, count in counts.rules.items():
                rules[rule] = rules.get(rule, 0) + count
        for rule, count in sorted(rules.items()):
            hits.add_metric([*base, rule], count)
        d = v.divergence
        families: list[Metric] = [pairs, flow, hits, self._latency(base, labels)]
        for name, text, value in (
            ("divergence", "Estimated divergence, 0 to 1", d.rate),
            ("divergence_low", "Lower bound of the divergence", d.low),
            ("divergence_high", "Upper bound of the divergence", d.high),
            ("divergence_limit", "Allowed divergence", d.limit),
            ("fidelity", "Share of blue answers that were as in production", v.fidelity),
        ):
            if value is not None:
                gauge = GaugeMetricFamily(f"shadowdiff_{name}_ratio", text, labels=labels)
                gauge.add_metric(base, value)
                families.append(gauge)
        state = GaugeMetricFamily("shadowdiff_gate_state", "1 for the verdict reached", labels=[*labels, "state"])
        for name in ("pass", "fail", "inconclusive", "error", "aborted"):
            state.add_metric([*base, name], 1.0 if str(v.verdict) == name else 0.0)
        build = InfoMetricFamily("shadowdiff_build", "The tool that measured", value={"version": v.tool_version})
        return [*families, state, build]

    def _latency(self, base: list[str], labels: list[str]) -> Metric:
        family = HistogramMetricFamily(
            "shadowdiff_response_duration_seconds", "Send to end of the answer", labels=[*labels, "side"]
        )
        for side, counts in sorted(self._total.latency.items()):
            running, buckets = 0, []
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric([*base, side], buckets, sum_value=self._total.seconds[side])
        return family
