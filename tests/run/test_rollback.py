"""`check --rollback`: blue must be there, and each way back must be allowed, before traffic moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stories.cluster import BLUE, INGRESS
from tests.e2e.targets import twins
from tests.servers.kube import Kube, kubeconfig, kubernetes


@pytest.fixture
def kube():
    with kubernetes() as made:
        made.objects[BLUE] = {"spec": {"replicas": 3}, "status": {"readyReplicas": 3}}
        made.objects[INGRESS] = {"spec": {"rules": [{"host": "chat.example"}], "service": "kotaemon-green"}}
        yield made


def config(folder: Path, kube: Kube, more: str = "") -> str:
    kubeconfig(folder, kube.url)
    (folder / "r.toml").write_text(
        f"""[rollback]
deployment = "rag/kotaemon-blue"
kubeconfig = "{folder / "config"}"
{more}
[[actions]]
use = "kube-patch"
name = "ingress back to blue"
resource = "networking.k8s.io/v1/ingresses/rag/kotaemon"
kubeconfig = "{folder / "config"}"
patch = [
  {{ op = "test", path = "/spec/rules/0/host", value = "chat.example" }},
  {{ op = "replace", path = "/spec/service", value = "kotaemon-blue" }},
]
"""
    )
    return "r.toml"


def check(cli, *given: str):
    with twins() as (blue, green):
        return cli("check", "--rollback", "--blue", blue.url, "--green", green.url, *given)


def test_a_way_back_is_rehearsed_and_nothing_is_changed(cli, kube: Kube, tmp_path: Path) -> None:
    before = json.dumps(kube.objects)
    done = check(cli, "-c", config(tmp_path, kube))
    assert done.returncode == 0, done.stdout
    assert "deployment rag/kotaemon-blue has 3 of 3 replicas ready" in done.stdout
    assert "ingress back to blue: ingresses/rag/kotaemon could be patched" in done.stdout
    assert "rollback: ready" in done.stdout and json.dumps(kube.objects) == before
    assert [path for method, path, *_ in kube.seen if method == "PATCH"] == [f"{INGRESS}?dryRun=All"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda kube: kube.objects[BLUE].update(status={}), "0 of 3 replicas ready; 1 needed"),
        (lambda kube: kube.objects.pop(BLUE), "answered 404"),
        (lambda kube: kube.objects[INGRESS]["spec"]["rules"][0].update(host="else.example"), "test operation failed"),
        (lambda kube: kube.forbidden.add(INGRESS), "cannot patch resource"),
    ],
)
def test_no_way_back_exits_1_and_says_which(cli, kube: Kube, tmp_path: Path, broken, said: str) -> None:
    path = config(tmp_path, kube)
    broken(kube)
    done = check(cli, "-c", path)
    assert done.returncode == 1 and said in done.stdout and "NOT ready" in done.stdout


def test_too_few_replicas_by_the_team_s_own_number(cli, kube: Kube, tmp_path: Path) -> None:
    done = check(cli, "-c", config(tmp_path, kube, "min_ready = 4"))
    assert done.returncode == 1 and "3 of 3 replicas ready; 4 needed" in done.stdout


def test_nothing_to_look_at_is_a_usage_error(cli) -> None:
    done = check(cli)
    assert done.returncode == 2 and "rollback.deployment" in done.stderr


def test_a_cluster_that_does_not_answer_is_no_way_back(cli, kube: Kube, tmp_path: Path) -> None:
    path = config(tmp_path, kube)
    kubeconfig(tmp_path, "http://127.0.0.1:9")
    done = check(cli, "-c", path)
    assert done.returncode == 1 and "FAILED" in done.stdout
