"""Traces are off until asked for, and what cannot work is said before the first request."""

from __future__ import annotations

import sys

import pytest

from shadowdiff.config import load
from shadowdiff.errors import UsageError
from shadowdiff.run.telemetry import traced, tracing


def test_nothing_goes_out_unless_asked() -> None:
    config = load(None, {}, {})
    assert tracing(config, print) == [] and traced(config, "r") == ""
    assert traced(load(None, {"otel.propagate": True}, {}), "r") == "r"
    assert traced(load(None, {"otel.endpoint": "http://c:4318"}, {}), "r") == "r"


def test_an_address_that_is_none_and_a_missing_extra_are_usage_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no http URL"):
        tracing(load(None, {"otel.endpoint": "collector:4318"}, {}), print)
    monkeypatch.setitem(sys.modules, "shadowdiff.report.traces", None)
    with pytest.raises(UsageError, match=r"shadowdiff-gate\[otel\]"):
        tracing(load(None, {"otel.endpoint": "http://collector:4318"}, {}), print)
