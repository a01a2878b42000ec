"""Argo Rollouts: the very patches of its kubectl plugin, against an API that checks them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shadowdiff.act import guard as module
from shadowdiff.act.guard import Guard, Step
from shadowdiff.act.kube import cluster
from shadowdiff.act.rollouts import Abort, Pause
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict
from tests.servers.kube import MERGE, Kube, kubeconfig, kubernetes

FAIL = Verdict(verdict=Status.FAIL, reason="too different", exit_code=1)
PATH = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(module.asyncio, "sleep", at_once)


def act(kind, kube: Kube, folder: Path) -> list[str]:
    action = kind("shop/web", cluster(kubeconfig(folder, kube.url, token="t0ken")))
    return asyncio.run(Guard(None, [Step("stop", ("fail",), action)]).act(FAIL, "r"))


def test_abort_patches_the_status_as_the_plugin_does(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = {"spec": {"paused": False}, "status": {"phase": "Progressing"}}
        assert act(Abort, kube, tmp_path) == []
    assert kube.seen == [("PATCH", f"{PATH}/status", MERGE, b'{"status":{"abort":true}}')]
    assert kube.objects[PATH]["status"] == {"phase": "Progressing", "abort": True}
    assert kube.tokens == ["Bearer t0ken"]


def test_an_old_rollout_without_a_status_subresource_is_aborted_too(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = {"status": {}}
        kube.missing.add(f"{PATH}/status")
        assert act(Abort, kube, tmp_path) == []
    assert [path for _, path, *_ in kube.seen] == [f"{PATH}/status", PATH] and kube.objects[PATH]["status"]["abort"]


def test_pause_patches_the_spec(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = {"spec": {"replicas": 3}}
        assert act(Pause, kube, tmp_path) == []
    assert kube.objects[PATH]["spec"] == {"replicas": 3, "paused": True}


def test_missing_rights_and_a_missing_rollout_are_said_once(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = {}
        kube.forbidden.add(f"{PATH}/status")
        failed = act(Abort, kube, tmp_path)
        assert "403" in failed[0] and "cannot patch" in failed[0] and len(kube.seen) == 1
        kube.objects.clear()
        kube.forbidden.clear()
        assert "404" in act(Abort, kube, tmp_path)[0]


def test_a_dry_run_shows_the_patch_and_no_token(tmp_path: Path) -> None:
    told = Abort("shop/web", cluster(kubeconfig(tmp_path, "https://k:6443", token="t0ken-of-mine"))).plan(FAIL)
    assert told.startswith(f"PATCH https://k:6443{PATH}/status") and '{"status":{"abort":true}}' in told
    assert "t0ken" not in told


@pytest.mark.parametrize("name", ["web", "a/b/c", "/web", "shop/"])
def test_a_rollout_without_its_namespace_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="NAMESPACE/NAME"):
        Abort(name, cluster(kubeconfig(tmp_path, "http://k")))
