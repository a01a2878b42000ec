"""Patch one object of the cluster: traffic back to blue in a mesh, a Deployment down, an Ingress turned.

For teams without a controller. A JSON Patch must begin with a `test`: lists are changed by number, and a route that
somebody moved must not be overwritten. What a controller owns (weights, replicas) it will change back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shadowdiff.act.http import judged
from shadowdiff.act.kube import Cluster
from shadowdiff.act.rollouts import MERGE
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Verdict

JSON = "application/json-patch+json"
_RESOURCE = re.compile(
    r"(?:(?P<group>[a-z0-9.-]+)/)?(?P<version>v[0-9a-z]+)/(?P<plural>[a-z]+)/(?P<ns>[a-z0-9-]+)/(?P<name>[a-z0-9.-]+)"
)
_OPS = frozenset({"add", "remove", "replace", "move", "copy", "test"})


class Patch:
    """An action."""

    def __init__(
        self,
        resource: str,
        cluster: Cluster,
        patch: Sequence[Mapping[str, Any]] = (),
        merge: Mapping[str, Any] | None = None,
    ) -> None:
        """`resource` is [GROUP/]VERSION/PLURAL/NAMESPACE/NAME. One of `patch` (RFC 6902) and `merge` (RFC 7386).

        Raises `UsageError`.
        """
        found = _RESOURCE.fullmatch(resource)
        if found is None:
            raise UsageError(
                f"actions.resource: {resource!r}: write [GROUP/]VERSION/PLURAL/NAMESPACE/NAME, "
                "e.g. networking.istio.io/v1/virtualservices/shop/web"
            )
        if bool(patch) == bool(merge):
            raise UsageError("actions: kube-patch takes either patch (a JSON Patch) or merge (a merge patch)")
        if patch:
            unknown = [step.get("op") for step in patch if step.get("op") not in _OPS or "path" not in step]
            if unknown or patch[0].get("op") != "test":
                raise UsageError(
                    "actions.patch: a list of {op, path, value}, a `test` first, e.g. "
                    '{op = "test", path = "/spec/http/0/name", value = "primary"}'
                )
        base = f"/apis/{found['group']}" if found["group"] else "/api"
        self._path = f"{base}/{found['version']}/namespaces/{found['ns']}/{found['plural']}/{found['name']}"
        self._resource = f"{found['plural']}/{found['ns']}/{found['name']}"
        self._body = msgspec.json.encode(list(patch) or merge)
        self._kind = JSON if patch else MERGE
        self._cluster = cluster

    def plan(self, verdict: Verdict) -> str:
        """What would be patched."""
        return str(self._cluster.planned("PATCH", self._path, self._body, self._kind))

    async def act(self, verdict: Verdict) -> str:
        """Patch it."""
        return f"{self._resource} patched, {await self._patched()}"

    async def rehearse(self) -> str:
        """Have the API server try it and keep nothing."""
        return f"{self._resource} could be patched, {await self._patched(rehearse=True)}"

    async def _patched(self, rehearse: bool = False) -> str:
        return judged(*await self._cluster.call("PATCH", self._path, self._body, self._kind, rehearse))
