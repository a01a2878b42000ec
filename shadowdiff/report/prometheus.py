"""`metrics.prom`: the run as OpenMetrics text, for GitLab's metrics report or a node exporter's textfile.

Labels are bounded: service, candidate, role, rule, verdict; never a path or a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
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
from prometheus_client.samples import Exemplar, Timestamp

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
    "shadowdiff_config_info",
    "shadowdiff_config_reload_total",
    "shadowdiff_config_reload_errors_total",
    "shadowdiff_config_reload_duration_seconds",
)


class Reloads(msgspec.Struct, frozen=True):
    """How often a service took and refused a configuration, and how long the last one took."""

    hash: str
    taken: int = 0
    refused: int = 0
    seconds: float = 0.0


def metrics(
    verdict: Verdict,
    total: Shard,
    reloads: Reloads | None = None,
    exemplars: Mapping[tuple[str, int], tuple[str, float, float]] | None = None,
) -> bytes:
    """OpenMetrics text, ending in `# EOF`.

    `exemplars` are (trace id, seconds, epoch seconds) by (side, bucket) of the durations.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(verdict, total, reloads, exemplars or {}))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


class _Run(Collector):
    def __init__(
        self,
        verdict: Verdict,
        total: Shard,
        reloads: Reloads | None,
        exemplars: Mapping[tuple[str, int], tuple[str, float, float]],
    ) -> None:
        self._verdict = verdict
        self._total = total
        self._reloads = reloads
        self._exemplars = exemplars

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
        return [*families, state, build, *self._configs()]

    def _configs(self) -> Iterator[Metric]:
        found = self._reloads
        if found is None:
            return
        yield InfoMetricFamily("shadowdiff_config", "The configuration in force", value={"hash": found.hash})
        for name, text, count in (
            ("reload", "Configurations taken while running", found.taken),
            ("reload_errors", "Configurations refused while running", found.refused),
        ):
            yield CounterMetricFamily(f"shadowdiff_config_{name}", text, value=count)
        yield GaugeMetricFamily(
            "shadowdiff_config_reload_duration_seconds", "How long the last reload took", value=found.seconds
        )

    def _latency(self, base: list[str], labels: list[str]) -> Metric:
        family = HistogramMetricFamily(
            "shadowdiff_response_duration_seconds", "Send to end of the answer", labels=[*labels, "side"]
        )
        for side, counts in sorted(self._total.latency.items()):
            running: int = 0
            buckets: list[Any] = []
            for number, (bound, count) in enumerate(zip((*map(str, BUCKETS), "+Inf"), counts, strict=True)):
                running += count
                found = self._exemplars.get((side, number))
                buckets.append((bound, running, _exemplar(*found)) if found else (bound, running))
            family.add_metric([*base, side], buckets, sum_value=self._total.seconds[side])
        return family


def _exemplar(trace: str, seconds: float, at: float) -> Exemplar:
    return Exemplar({"trace_id": trace}, seconds, Timestamp(int(at), int(at % 1 * 1e9)))
