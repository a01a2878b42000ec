"""Who we are in a cluster: inside a pod, or as a kubeconfig says; over TLS that is verified."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from shadowdiff.act import kube as module
from shadowdiff.act.kube import cluster
from shadowdiff.errors import ActionRefused, UsageError
from tests.servers.certificates import certificate
from tests.servers.kube import MERGE, kubeconfig, kubernetes

PATH = "/api/v1/namespaces/a/services/b"


def call(where) -> tuple[int, str]:
    return asyncio.run(where.call("PATCH", PATH, b"{}", MERGE))


def test_in_a_pod_the_mounted_account_is_used_and_a_rotated_token_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = certificate(tmp_path, "localhost")
    account = tmp_path / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(authority.read_bytes())
    monkeypatch.setattr(module, "ACCOUNT", account)
    with kubernetes(context) as kube:
        kube.objects[PATH] = {}
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "localhost")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", kube.url.rpartition(":")[2])
        (account / "token").write_text("first\n")
        where = cluster()
        assert call(where)[0] == 200
        (account / "token").write_text("second\n")
        assert call(where)[0] == 200
    assert kube.tokens == ["Bearer first", "Bearer second"]


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    _, context = certificate(tmp_path, "localhost")
    with kubernetes(context) as kube, pytest.raises(aiohttp.ClientError):
        call(cluster(kubeconfig(tmp_path, kube.url.replace("127.0.0.1", "localhost"), token="t")))


def test_a_kubeconfig_may_hold_its_authority_and_a_token_file(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "localhost")
    (tmp_path / "token").write_text("from-a-file")
    with kubernetes(context) as kube:
        kube.objects[PATH] = {}
        path = Path(
            kubeconfig(tmp_path, kube.url.replace("127.0.0.1", "localhost"), tokenFile=str(tmp_path / "token"))
        )
        tree = json.loads(path.read_text())
        tree["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(
            authority.read_bytes()
        ).decode()
        path.write_text(json.dumps(tree))
        assert call(cluster(str(path)))[0] == 200
    assert kube.tokens == ["Bearer from-a-file"]


def test_credentials_may_come_from_a_command_as_clouds_have_it(tmp_path: Path) -> None:
    code = "import json; print(json.dumps({'status': {'token': 'minted'}}))"
    with kubernetes() as kube:
        kube.objects[PATH] = {}
        given = {"command": sys.executable, "args": ["-c", code], "env": [{"name": "A", "value": "b"}]}
        assert call(cluster(kubeconfig(tmp_path, kube.url, exec=given)))[0] == 200
        assert kube.tokens == ["Bearer minted"]
        given["args"] = ["-c", "print('no')"]
        with pytest.raises(ActionRefused, match="gave no token"):
            call(cluster(kubeconfig(tmp_path, kube.url, exec=given)))


def test_yaml_is_read_and_another_context_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        "current-context: a\ncontexts:\n- {name: a, context: {cluster: one, user: u}}\n"
        "- {name: b, context: {cluster: two, user: u}}\nclusters:\n- {name: one, cluster: {server: 'http://one'}}\n"
        "- {name: two, cluster: {server: 'http://two/'}}\nusers:\n- {name: u, user: {token: t}}\n"
    )
    assert cluster(str(path)).server == "http://one" and cluster(str(path), "b").server == "http://two"
    with pytest.raises(UsageError, match="no context called 'c'"):
        cluster(str(path), "c")


def test_no_cluster_is_a_usage_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UsageError, match=r"not in a pod.*actions\.kubeconfig"):
        cluster(str(tmp_path / "none"))
