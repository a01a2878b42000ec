"""Patches of a cluster: what was tested for is changed, what somebody moved is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shadowdiff.act import guard as module
from shadowdiff.act.guard import Guard, Step
from shadowdiff.act.kube import cluster
from shadowdiff.act.patch import Patch
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict
from tests.servers.kube import Kube, kubeconfig, kubernetes

FAIL = Verdict(verdict=Status.FAIL, reason="too different", exit_code=1)
SERVICE = "networking.istio.io/v1/virtualservices/shop/web"
PATH = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web"
BACK = [
    {"op": "test", "path": "/spec/http/0/name", "value": "primary"},
    {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 100},
    {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 0},
]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(module.asyncio, "sleep", at_once)


def act(kube: Kube, folder: Path, **given) -> list[str]:
    action = Patch(given.pop("resource", SERVICE), cluster(kubeconfig(folder, kube.url)), **given)
    return asyncio.run(Guard(None, [Step("back", ("fail",), action)]).act(FAIL, "r"))


def routed(name: str = "primary") -> dict:
    return {"spec": {"http": [{"name": name, "route": [{"weight": 75}, {"weight": 25}]}]}}


def test_traffic_goes_back_to_blue(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = routed()
        assert act(kube, tmp_path, patch=BACK) == []
    assert [route["weight"] for route in kube.objects[PATH]["spec"]["http"][0]["route"]] == [100, 0]


def test_a_route_that_somebody_moved_is_left_alone(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = routed("debug")
        failed = act(kube, tmp_path, patch=BACK)
    assert "422" in failed[0] and kube.objects[PATH] == routed("debug")


def test_a_conflict_is_tried_again(tmp_path: Path) -> None:
    with kubernetes() as kube:
        kube.objects[PATH] = routed()
        kube.conflicts = 1
        assert act(kube, tmp_path, patch=BACK) == [] and len(kube.seen) == 2


def test_a_deployment_is_scaled_down_by_a_merge_patch(tmp_path: Path) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments/web-green"
    with kubernetes() as kube:
        kube.objects[path] = {"spec": {"replicas": 3, "paused": False}}
        given = {"resource": "apps/v1/deployments/shop/web-green", "merge": {"spec": {"replicas": 0}}}
        assert act(kube, tmp_path, **given) == []
    assert kube.objects[path]["spec"] == {"replicas": 0, "paused": False}


def test_core_resources_have_no_group(tmp_path: Path) -> None:
    action = Patch("v1/services/shop/web", cluster(kubeconfig(tmp_path, "http://k")), merge={"spec": {}})
    assert action.plan(FAIL).startswith("PATCH http://k/api/v1/namespaces/shop/services/web")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"resource": "web", "merge": {"a": 1}}, "write "),
        ({}, "either patch"),
        ({"patch": BACK, "merge": {"a": 1}}, "either patch"),
        ({"patch": BACK[1:]}, "a `test` first"),
        ({"patch": [BACK[0], {"op": "nonsense", "path": "/a"}]}, "a `test` first"),
    ],
)
def test_what_could_overwrite_by_accident_is_a_usage_error(tmp_path: Path, given: dict, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Patch(given.pop("resource", SERVICE), cluster(kubeconfig(tmp_path, "http://k")), **given)
