"""Argo Rollouts: abort or pause, as its kubectl plugin does (delivery-contracts.md 1.1).

Abort is a patch of the status and needs `patch` on `rollouts/status`; pause changes the spec, which GitOps may undo.
`promoteFull` is never sent: it skips the analysis.
"""

from __future__ import annotations

from shadowdiff.act.http import judged
from shadowdiff.act.kube import Cluster
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Verdict

MERGE = "application/merge-patch+json"
_BASE = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts/{}"


class _Rollout:
    """A patch of one rollout."""

    body = b""
    sub = ""

    def __init__(self, rollout: str, cluster: Cluster) -> None:
        """`rollout` is NAMESPACE/NAME. Raises `UsageError`."""
        namespace, slash, name = rollout.partition("/")
        if not slash or not namespace or not name or "/" in name:
            raise UsageError(f"actions.rollout: {rollout!r}: write NAMESPACE/NAME, e.g. shop/web")
        self._rollout = rollout
        self._path = _BASE.format(namespace, name)
        self._cluster = cluster

    def plan(self, verdict: Verdict) -> str:
        """What would be patched."""
        return str(self._cluster.planned("PATCH", self._path + self.sub, self.body, MERGE))

    async def rehearse(self) -> str:
        """Have the API server try it and keep nothing."""
        return f"rollout {self._rollout} could be patched, {await self._patched(rehearse=True)}"

    async def _patched(self, rehearse: bool = False) -> str:
        """How it went; before version 0.10 rollouts had no subresource for their status."""
        status, text = await self._cluster.call("PATCH", self._path + self.sub, self.body, MERGE, rehearse)
        if status == 404 and self.sub:
            status, text = await self._cluster.call("PATCH", self._path, self.body, MERGE, rehearse)
        return judged(status, text)


class Abort(_Rollout):
    """An action: back to the stable version."""

    body = b'{"status":{"abort":true}}'
    sub = "/status"

    async def act(self, verdict: Verdict) -> str:
        """Patch the status."""
        return f"rollout {self._rollout} aborted, {await self._patched()}"


class Pause(_Rollout):
    """An action: stay where it is until somebody decides."""

    body = b'{"spec":{"paused":true}}'

    async def act(self, verdict: Verdict) -> str:
        """Patch the spec."""
        return f"rollout {self._rollout} paused, {await self._patched()}"
