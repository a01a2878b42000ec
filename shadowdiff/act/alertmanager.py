"""Raise an alert in Alertmanager (API v2) while the verdict is FAIL, and take it back when it no longer is.

An alert is its labels, so nothing that changes is a label. It ends by itself when it is not sent again in time
(delivery-contracts.md 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from shadowdiff.act.http import Call, done, headers
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict

NAME = "ShadowdiffReleaseBlocked"
LASTS = 3
"""An alert lasts so many times the interval at which it is sent again."""


class Alertmanager:
    """An action. It acts on every verdict: what is not FAIL takes the alert back."""

    def __init__(
        self,
        url: str,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        resend_s: float = 60.0,
        lasts_s: float = 0.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`resend_s` is how often a service sends it again; `lasts_s` how long it then stays [3 times that]."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"actions.url: {url!r} is no http URL; write e.g. http://alertmanager:9093")
        url = url.rstrip("/")
        self._url = url if url.endswith("/api/v2/alerts") else f"{url}/api/v2/alerts"
        self._labels = dict(labels or {})
        self._annotations = dict(annotations or {})
        self._headers = dict(headers or {})
        self.resend_s = resend_s
        self._lasts = timedelta(seconds=lasts_s or LASTS * resend_s)
        self._now = now

    def plan(self, verdict: Verdict) -> str:
        """What would be posted."""
        return str(self._call(verdict))

    async def act(self, verdict: Verdict) -> str:
        """Post it."""
        said = await done(self._call(verdict))
        return f"alert {'raised' if verdict.verdict is Status.FAIL else 'resolved'}, {said}"

    def _call(self, verdict: Verdict) -> Call:
        now = self._now()
        failed = verdict.verdict is Status.FAIL
        labels = {
            "alertname": NAME, "severity": "critical", "service": verdict.service, "candidate": verdict.candidate,
        } | self._labels  # fmt: skip
        alert = {
            "labels": {name: str(value) for name, value in labels.items() if value},
            "annotations": {"summary": f"release blocked: {verdict.reason}", "report": verdict.report}
            | self._annotations,
            "startsAt": verdict.updated_at or now.isoformat(),
            "endsAt": (now + self._lasts if failed else now).isoformat(),
        }
        return Call(
            "POST",
            self._url,
            headers(self._headers, Content_Type="application/json"),
            msgspec.json.encode([alert]),
        )
