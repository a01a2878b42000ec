"""Make dashboard.json: `python deploy/grafana/make.py`. Written as code, so that a panel is a line."""

from __future__ import annotations

import json
from pathlib import Path

LOST = 'ledger=~"dropped|skipped|unreadable|errored"'
WHO = 'service=~"$service",candidate=~"$candidate"'


def panel(number: int, kind: str, title: str, unit: str, *queries: tuple[str, str]) -> dict:
    """One panel, two in a row."""
    return {
        "id": number,
        "type": kind,
        "title": title,
        "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
        "gridPos": {"h": 8, "w": 12, "x": 12 * ((number - 1) % 2), "y": 8 * ((number - 1) // 2)},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(65 + n), "expr": expr, "legendFormat": legend, "exemplar": "bucket" in expr}
            for n, (expr, legend) in enumerate(queries)
        ],
    }


def quantile(share: float, side: str) -> tuple[str, str]:
    """A quantile of one side's durations."""
    rate = f'sum by (le) (rate(shadowdiff_response_duration_seconds_bucket{{{WHO},side="{side}"}}[5m]))'
    return f"histogram_quantile({share}, {rate})", f"{side} p{share * 100:.0f}"


PANELS = [
    panel(1, "stat", "Verdict", "none", (f"shadowdiff_gate_state{{{WHO}}} == 1", "{{state}}")),
    panel(
        2, "timeseries", "Divergence with its interval", "percentunit",
        (f"shadowdiff_divergence_ratio{{{WHO}}}", "estimate"), (f"shadowdiff_divergence_low_ratio{{{WHO}}}", "low"),
        (f"shadowdiff_divergence_high_ratio{{{WHO}}}", "high"),
        (f"shadowdiff_divergence_limit_ratio{{{WHO}}}", "limit"),
    ),
    panel(
        3, "timeseries", "Pairs a second", "ops",
        (f"sum by (verdict) (rate(shadowdiff_pairs_total{{{WHO}}}[1m]))", "{{verdict}}"),
    ),
    panel(
        4, "timeseries", "Rules that fired", "ops",
        (f"sum by (rule) (rate(shadowdiff_rule_hits_total{{{WHO}}}[5m]))", "{{rule}}"),
    ),
    panel(
        5, "timeseries", "Latency, blue against green", "s",
        quantile(0.5, "blue"), quantile(0.5, "green"), quantile(0.95, "blue"), quantile(0.95, "green"),
    ),
    panel(
        6, "timeseries", "What was not compared", "ops",
        (f"sum by (ledger) (rate(shadowdiff_exchanges_total{{{WHO},{LOST}}}[5m]))", "{{ledger}}"),
    ),
]  # fmt: skip


def variable(name: str) -> dict:
    """A variable with the values of one label."""
    query = f"label_values(shadowdiff_gate_state, {name})"
    source = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
    about = {"type": "query", "datasource": source, "query": query, "refresh": 2, "includeAll": True}
    return {"name": name, **about}


def dashboard() -> dict:
    """The whole document."""
    return {
        "__inputs": [
            {"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}
        ],
        "uid": "shadowdiff",
        "title": "shadowdiff",
        "schemaVersion": 39,
        "tags": ["release"],
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [variable("service"), variable("candidate")]},
        "panels": PANELS,
    }


if __name__ == "__main__":
    (Path(__file__).parent / "dashboard.json").write_text(json.dumps(dashboard(), indent=1) + "\n", "utf-8")
