"""The Kubernetes API by plain HTTPS: who we are inside a pod, or as a kubeconfig says.

A kubeconfig is read as kubectl does, as far as actions need it: current or named context, CA, client certificate,
token, token file, and `exec` credentials. YAML needs the extra `formats`; JSON does not.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shadowdiff.act.http import SHOWN, Call, judged, send
from shadowdiff.errors import ActionRefused, UsageError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
EXEC_S = 30.0
AGENT = "shadowdiff"
REHEARSE = "?dryRun=All"
"""Kubernetes' own dry run: admission, permission and the patch's tests, but nothing is kept."""
MAX_OBJECT = 1 << 20


class Cluster:
    """Where the API is, and as whom."""

    def __init__(
        self, server: str, context: ssl.SSLContext, user: Mapping[str, Any], token: Path | None = None
    ) -> None:
        """`user` as in a kubeconfig; `token` is a file that is read anew for each call, since it is rotated."""
        self.server = server.rstrip("/")
        self._context = context
        self._user = user
        self._token = token

    async def call(
        self, method: str, path: str, body: bytes, kind: str, rehearse: bool = False, shown: int = SHOWN
    ) -> tuple[int, str]:
        """(status, text) of one call. With `rehearse` the API server does all but keep the change.

        Raises `OSError` when there is no answer.
        """
        made = self.planned(method, path + REHEARSE * rehearse, body, kind)
        token = await self._bearer()
        if token:
            made = Call(method, made.url, (*made.headers, ("Authorization", f"Bearer {token}")), body)
        return await send(made, self._context, shown)

    async def read(self, path: str) -> dict[str, Any]:
        """One object. Raises `OSError` and `ActionRefused` as actions do."""
        status, text = await self.call("GET", path, b"", "application/json", shown=MAX_OBJECT)
        judged(status, text[:SHOWN])
        try:
            found = json.loads(text)
        except ValueError:
            raise ActionRefused(f"{path}: no JSON, or more than {MAX_OBJECT} bytes of it") from None
        return found if isinstance(found, dict) else {}

    def planned(self, method: str, path: str, body: bytes, kind: str) -> Call:
        """The call, without who makes it."""
        fixed = (("Content-Type", kind), ("Accept", "application/json"), ("User-Agent", AGENT))
        return Call(method, self.server + path, fixed, body)

    async def _bearer(self) -> str:
        user = self._user
        file = self._token or user.get("tokenFile")
        if file:
            return (await asyncio.to_thread(Path(file).read_text)).strip()
        if user.get("token"):
            return str(user["token"])
        return await _from_command(user["exec"]) if user.get("exec") else ""


def cluster(kubeconfig: str = "", context: str = "") -> Cluster:
    """The cluster of `kubeconfig` ($KUBECONFIG, ~/.kube/config), or the one this pod runs in. Raises `UsageError`."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if host and not kubeconfig and (ACCOUNT / "token").exists():
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        return Cluster(server, ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")), {}, ACCOUNT / "token")
    named = kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    path = Path(named).expanduser()
    tree = _read(path)
    chosen = context or tree.get("current-context", "")
    about = _named(tree, "contexts", chosen, path)["context"]
    where = _named(tree, "clusters", about.get("cluster", ""), path)["cluster"]
    user = _named(tree, "users", about.get("user", ""), path).get("user") or {}
    try:
        return Cluster(str(where["server"]), _tls(where, user), user)
    except (KeyError, OSError, ssl.SSLError) as error:
        raise UsageError(f"{path}: context {chosen!r} cannot be used ({error})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(
            f"actions: no Kubernetes here: not in a pod, and {path} cannot be read ({error.strerror}); "
            "name one with actions.kubeconfig"
        ) from None
    try:
        tree = json.loads(text)
    except json.JSONDecodeError:
        try:
            import yaml
        except ImportError:
            raise UsageError(f"{path}: YAML needs the extra: pip install 'shadowdiff-gate[formats]'") from None
        try:
            tree = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"{path}: no kubeconfig ({error})") from None
    if not isinstance(tree, dict):
        raise UsageError(f"{path}: no kubeconfig")
    return tree


def _named(tree: dict[str, Any], kind: str, name: str, path: Path) -> dict[str, Any]:
    for one in tree.get(kind) or ():
        if isinstance(one, dict) and one.get("name") == name:
            return one
    raise UsageError(f"{path}: has no {kind.removesuffix('s')} called {name!r}")


def _tls(where: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    inline = where.get("certificate-authority-data")
    text = base64.b64decode(inline).decode() if inline else None
    context = ssl.create_default_context(cafile=where.get("certificate-authority"), cadata=text)
    if where.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder:  # the ssl module reads keys from files only
        files = [_file(user, part, Path(folder) / part) for part in ("certificate", "key")]
        if all(files):
            context.load_cert_chain(files[0], files[1])
    return context


def _file(user: dict[str, Any], part: str, place: Path) -> str:
    """Where the client's certificate or key is, after writing inline data to `place`; empty where there is none."""
    data = user.get(f"client-{part}-data")
    if not data:
        return str(user.get(f"client-{part}", ""))
    place.touch(0o600)
    place.write_bytes(base64.b64decode(data))
    return str(place)


async def _from_command(given: Mapping[str, Any]) -> str:
    """The token that an `exec` credential plugin prints (client.authentication.k8s.io)."""
    more = {one["name"]: one["value"] for one in given.get("env") or ()}
    version = given.get("apiVersion", "client.authentication.k8s.io/v1")
    info = {"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": False}}
    process = await asyncio.create_subprocess_exec(
        given["command"], *map(str, given.get("args") or ()), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, stdin=asyncio.subprocess.DEVNULL,
        env=os.environ | more | {"KUBERNETES_EXEC_INFO": json.dumps(info)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(EXEC_S):
            said, _ = await process.communicate()
        return str(json.loads(said)["status"]["token"])
    except (TimeoutError, ValueError, KeyError, TypeError):
        raise ActionRefused(f"{given['command']} gave no token") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
