"""Controllers as their code behaves: Argo's `web` metric and its counting, Flagger's webhooks.

Semantics from delivery-contracts.md 1.1 and 1.2 (Argo Rollouts v1.9.1, Flagger v1.44.0), traps included.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

_CONDITION = re.compile(r'result\.(\w+) == "(\w+)"')


def fetch(url: str, headers: dict[str, str], body: bytes | None = None, timeout: float = 10) -> tuple[int, bytes]:
    """(status, body); status 0 when there is no answer."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def argo_measures(metric: dict[str, Any], arguments: dict[str, str]) -> str:
    """One measurement of a `web` metric: Successful, Failed, Inconclusive or Error."""
    web = metric["provider"]["web"]

    def filled(text: str) -> str:
        return re.sub(r"\{\{args\.([\w-]+)\}\}", lambda found: arguments[found[1]], text)

    headers = {one["key"]: filled(one["value"]) for one in web.get("headers", ())}
    status, body = fetch(filled(web["url"]), headers, timeout=web.get("timeoutSeconds", 10))
    if not 200 <= status < 300:
        return "Error"
    try:
        result = json.loads(body)
    except ValueError:
        return "Successful"  # v1.9.1: a body that is no JSON passes without a look at any condition (#4535)
    assert web.get("jsonPath", "{$}") == "{$}"
    holds: Callable[[str], bool] = lambda text: _holds(text, result)  # noqa: E731
    if not metric.get("successCondition") and not metric.get("failureCondition"):
        return "Successful"
    if metric.get("failureCondition") and holds(metric["failureCondition"]):
        return "Failed"
    if metric.get("successCondition") and holds(metric["successCondition"]):
        return "Successful"
    return "Inconclusive" if metric.get("successCondition") and metric.get("failureCondition") else "Failed"


def argo_decides(metric: dict[str, Any], measure: Callable[[], str]) -> tuple[str, list[str]]:
    """(what the Rollout does: promote, abort or pause; the measurements) after counting as an AnalysisRun does."""
    seen: list[str] = []
    errors = row = 0
    while True:
        phase = measure()
        seen.append(phase)
        errors = errors + 1 if phase == "Error" else 0
        row = row + 1 if phase == "Successful" else 0
        counted = [one for one in seen if one != "Error"]
        if counted.count("Failed") > metric.get("failureLimit", 0) or errors > metric.get("consecutiveErrorLimit", 4):
            return "abort", seen
        if metric.get("consecutiveSuccessLimit") and row >= metric["consecutiveSuccessLimit"]:
            return "promote", seen
        if counted.count("Inconclusive") > metric.get("inconclusiveLimit", 0):
            return "pause", seen
        if len(counted) >= metric["count"]:
            return ("promote" if counted.count("Successful") == len(counted) else "pause"), seen


def flagger_decides(base: str, hooks: list[dict[str, Any]], threshold: int = 2) -> tuple[str, list[str]]:
    """(promoted, rolled back or waiting; the hooks' answers) after some intervals of a canary analysis."""
    said: list[str] = []

    def call(kind: str, phase: str) -> tuple[bool, str]:
        hook = next(one for one in hooks if one["type"] == kind)
        payload = {
            "name": "web",
            "namespace": "shop",
            "phase": phase,
            "checksum": "1",
            "metadata": hook.get("metadata", {}),
        }
        path = re.sub(r"^https?://[^/]+", "", hook["url"])
        status, body = fetch(base + path, {"Content-Type": "application/json"}, json.dumps(payload).encode())
        said.append(f"{kind} {status}")
        return 0 < status <= 202 and status != 0, body.decode()  # 204 counts as a failure

    failed = 0
    for _ in range(4):
        back, _ = call("rollback", "Progressing")
        if back:
            return "rolled back", said
        ok, _ = call("rollout", "Progressing")
        failed += not ok
        if failed >= threshold:
            return "rolled back", said
    ok, _ = call("confirm-promotion", "WaitingPromotion")
    return ("promoted" if ok else "waiting"), said


def _holds(condition: str, result: Any) -> bool:
    found = _CONDITION.fullmatch(condition)
    assert found is not None, f"not understood here: {condition}"
    return isinstance(result, dict) and result.get(found[1]) == found[2]
