"""A Kubernetes API as far as actions need it: paths, content types, patch semantics, permissions, real TLS if asked."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonpatch

MERGE, PATCH = "application/merge-patch+json", "application/json-patch+json"


class Kube:
    """Objects by path. `forbidden` and `missing` are paths that answer 403 and 404."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.forbidden: set[str] = set()
        self.missing: set[str] = set()
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.tokens: list[str] = []
        self.conflicts = 0
        self.url = ""

    def patch(self, path: str, kind: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """(status, answer), as the API server gives them."""
        path, rehearsed, _ = path.partition("?dryRun=All")
        base, sub, _ = path.partition("/status")
        before = json.loads(json.dumps(self.objects.get(base, {})))
        if base in self.forbidden or path in self.forbidden:
            return 403, _status(403, "Forbidden", f"cannot patch resource at {path}")
        if path in self.missing or base not in self.objects:
            return 404, _status(404, "NotFound", "the server could not find the requested resource")
        if self.conflicts:
            self.conflicts -= 1
            return 409, _status(409, "Conflict", "the object has been modified")
        if kind == MERGE:
            change = json.loads(body)
            if sub:
                change = {"status": change.get("status", {})}  # the subresource takes nothing else
            self.objects[base] = _merged(self.objects[base], change)
        elif kind == PATCH:
            try:
                self.objects[base] = jsonpatch.apply_patch(self.objects[base], json.loads(body))
            except jsonpatch.JsonPatchTestFailed:
                return 422, _status(422, "Invalid", "the server rejected our request: test operation failed")
            except jsonpatch.JsonPatchException as error:
                return 422, _status(422, "Invalid", str(error))
        else:
            return 415, _status(
                415, "UnsupportedMediaType", f"the body of the request was in an unknown format - {kind}"
            )
        made = self.objects[base]
        if rehearsed:
            self.objects[base] = before
        return 200, made


@contextlib.contextmanager
def kubernetes(context: ssl.SSLContext | None = None, kube: Kube | None = None) -> Iterator[Kube]:
    """A running one."""
    kube = kube or Kube()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kube.seen.append((self.command, self.path, "", b""))
            known = kube.objects.get(self.path)
            self._answer(*((200, known) if known is not None else (404, _status(404, "NotFound", "no such object"))))

        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers["Content-Type"]
            kube.seen.append((self.command, self.path, kind, body))
            kube.tokens.append(self.headers.get("Authorization", ""))
            self._answer(*kube.patch(self.path, kind, body))

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        kube.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield kube
        server.shutdown()
        thread.join()


def kubeconfig(folder: Path, server: str, **user) -> str:
    """A kubeconfig as JSON, which YAML is a superset of."""
    path = folder / "config"
    path.write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [{"name": "k", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    return str(path)


def _merged(old: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return change
    out = dict(old) if isinstance(old, dict) else {}
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
