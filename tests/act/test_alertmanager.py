"""Alerts: one identity, firing while it fails, resolved when it does not; and the real Alertmanager in tests/real."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from shadowdiff.act.alertmanager import NAME, Alertmanager
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.testing import CannedServer, answer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def verdict(status: Status, reason: str = "too different") -> Verdict:
    return Verdict(
        verdict=status, reason=reason, exit_code=1, service="shop", candidate="v2", report="run/report.html"
    )


def posted(*verdicts: Verdict, **given) -> list[dict]:
    with CannedServer(lambda head, body: [answer(b"{}")]) as server:
        alert = Alertmanager(server.url, now=lambda: NOW, **given)
        for one in verdicts:
            asyncio.run(alert.act(one))
        assert all(head.startswith(b"POST /api/v2/alerts ") for head, _ in server.seen)
        return [json.loads(body)[0] for _, body in server.seen]


def test_a_fail_fires_for_three_intervals_and_a_pass_resolves_the_same_alert() -> None:
    fired, resolved = posted(verdict(Status.FAIL), verdict(Status.PASS, "fine"), resend_s=60.0)
    assert fired["labels"] == resolved["labels"] == {
        "alertname": NAME, "severity": "critical", "service": "shop", "candidate": "v2",
    }  # fmt: skip
    assert datetime.fromisoformat(fired["endsAt"]) - NOW == timedelta(seconds=180)
    assert datetime.fromisoformat(resolved["endsAt"]) == NOW
    assert "too different" in fired["annotations"]["summary"]


def test_labels_and_annotations_may_be_added_and_nothing_that_changes_is_a_label() -> None:
    first, second = posted(
        verdict(Status.FAIL, "12% differ"), verdict(Status.FAIL, "13% differ"), labels={"team": "ai", "severity": "page"},
        annotations={"runbook": "http://w"}, lasts_s=3600.0,
    )  # fmt: skip
    assert first["labels"] == second["labels"] and first["labels"]["severity"] == "page"
    assert first["annotations"]["runbook"] == "http://w"
    assert datetime.fromisoformat(first["endsAt"]) - NOW == timedelta(hours=1)


def test_a_url_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="alertmanager:9093"):
        Alertmanager("alertmanager:9093")
