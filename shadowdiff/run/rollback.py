"""`check --rollback`: can the release be taken back? Asked before traffic moves, when the answer can still be used.

Blue must be there to go back to, and each action that would take the release back is rehearsed by the API server,
which checks permission, object and the patch's own tests and keeps nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from shadowdiff import units
from shadowdiff.act.guard import Step
from shadowdiff.act.kube import Cluster, cluster
from shadowdiff.errors import ActionRefused, Exit, UsageError
from shadowdiff.run.actions import steps
from shadowdiff.settings import Config, Rollback

DEADLINE_S = 15.0


def rollback(config: Config, say: Callable[[str], None]) -> Exit:
    """Say one line a check: PASS, or FAIL where there is no way back. Raises `UsageError` where nothing is named."""
    wanted = config.rollback
    acts = [step for step in steps(config) if "fail" in step.on and hasattr(step.action, "rehearse")]
    if not wanted.deployment and not acts:
        raise UsageError(
            "--rollback: nothing to look at: name blue's Deployment in rollback.deployment (NAMESPACE/NAME), "
            "or an action that takes the release back (kube-patch, argo-abort)"
        )
    if wanted.min_ready < 1:
        raise UsageError(f"rollback.min_ready = {wanted.min_ready}: at least 1")
    if wanted.deployment and wanted.deployment.count("/") != 1:
        raise UsageError(f"rollback.deployment: {wanted.deployment!r}: write NAMESPACE/NAME, e.g. shop/web-blue")
    found = cluster(wanted.kubeconfig, wanted.context) if wanted.deployment else None
    return asyncio.run(_look(wanted, found, acts, say))


async def _look(wanted: Rollback, found: Cluster | None, acts: list[Step], say: Callable[[str], None]) -> Exit:
    worst = Exit.PASS
    if found is not None:
        worst = max(worst, await _said("blue", _replicas(wanted, found), DEADLINE_S, say))
    for step in acts:
        worst = max(worst, await _said(step.name, step.action.rehearse(), step.deadline_s, say))  # type: ignore[attr-defined]
    say("rollback: ready" if worst is Exit.PASS else "rollback: NOT ready: do not move traffic before this is mended")
    return worst


async def _said(name: str, work: Awaitable[str], deadline_s: float, say: Callable[[str], None]) -> Exit:
    try:
        async with asyncio.timeout(deadline_s):
            say(f"rollback: {name}: {await work}")
    except TimeoutError:
        say(f"rollback: {name}: FAILED: no answer within {units.show_duration(deadline_s)}")
    except (ActionRefused, OSError, aiohttp.ClientError) as error:
        say(f"rollback: {name}: FAILED: {error}")
    else:
        return Exit.PASS
    return Exit.FAIL


async def _replicas(wanted: Rollback, found: Cluster) -> str:
    """How many of blue's replicas are ready. Raises `ActionRefused` when they are too few."""
    namespace, _, name = wanted.deployment.partition("/")
    told = await found.read(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    ready = (told.get("status") or {}).get("readyReplicas", 0)
    asked = (told.get("spec") or {}).get("replicas", 1)
    said = f"deployment {wanted.deployment} has {ready} of {asked} replicas ready"
    if ready < wanted.min_ready:
        raise ActionRefused(f"{said}; {wanted.min_ready} needed to go back to")
    return said
