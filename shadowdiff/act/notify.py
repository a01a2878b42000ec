"""Tell people through apprise: Slack, DingTalk, Feishu, WeCom, Teams, PagerDuty and others. Extra `notify`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shadowdiff.errors import ActionRefused, UsageError
from shadowdiff.model.verdict import Status, Verdict

_WORDS = {Status.PASS: "passes", Status.FAIL: "is stopped", Status.INCONCLUSIVE: "is undecided"}


class Notify:
    """An action."""

    def __init__(self, urls: Sequence[str]) -> None:
        """`urls` as apprise writes them. Raises `UsageError` for one that it does not know."""
        try:
            import apprise
        except ImportError:
            raise UsageError("actions: notify needs the extra: pip install 'shadowdiff-gate[notify]'") from None
        if not urls:
            raise UsageError("actions.urls: write where to send it, e.g. slack://... (apprise's URLs)")
        self._apprise = apprise.Apprise()
        self._schemes = [url.partition(":")[0] for url in urls]
        for number, url in enumerate(urls):
            if not self._apprise.add(url):
                scheme = url.partition(":")[0]
                raise UsageError(f"actions.urls[{number}]: apprise cannot use this {scheme}:// URL")
        self._types = apprise.NotifyType

    def plan(self, verdict: Verdict) -> str:
        """What would be said, and where."""
        title, body = text(verdict)
        return f"apprise to {', '.join(f'{scheme}://…' for scheme in self._schemes)}\n{title}\n\n{body}"

    async def act(self, verdict: Verdict) -> str:
        """Say it; in a thread, since apprise blocks. Raises `ActionRefused` when a channel did not take it."""
        title, body = text(verdict)
        kind = self._types.FAILURE if verdict.verdict is Status.FAIL else self._types.INFO
        if verdict.verdict is Status.PASS:
            kind = self._types.SUCCESS
        sent = await asyncio.to_thread(self._apprise.notify, body=body, title=title, notify_type=kind)
        if not sent:
            raise ActionRefused(f"at least one of {', '.join(self._schemes)} did not take it")
        return f"sent by {', '.join(self._schemes)}"


def text(verdict: Verdict) -> tuple[str, str]:
    """(title, body)."""
    name = " ".join(part for part in (verdict.service, verdict.candidate) if part) or "the release"
    title = f"shadowdiff: {name} {_WORDS.get(verdict.verdict, 'could not be measured')}"
    lines = [verdict.reason]
    worst = [route for route in verdict.routes if route.mismatched][:3]
    lines += [f"{route.route}: {route.mismatched} of {route.n} differ" for route in worst]
    if verdict.report:
        lines.append(f"report: {verdict.report}")
    return title, "\n".join(lines)
