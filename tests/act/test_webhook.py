"""Webhooks are signed so that a receiver can check them, and keep their id when tried again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json

import pytest

from shadowdiff.act import guard as module
from shadowdiff.act.guard import Guard, Step
from shadowdiff.act.webhook import Webhook
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.testing import CannedServer, answer

FAIL = Verdict(verdict=Status.FAIL, reason="too different", exit_code=1, service="shop", candidate="v2")
KEY = base64.b64encode(b"k" * 24).decode()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(module.asyncio, "sleep", at_once)


def headers(head: bytes) -> dict[str, str]:
    return {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.decode().split("\r\n")[1:] if line)
    }


def act(server: CannedServer, **more) -> list[str]:
    hook = Webhook(f"{server.url}/hook", **more)
    return asyncio.run(Guard(None, [Step("hook", ("fail",), hook)]).act(FAIL, "r"))


@pytest.mark.parametrize("secret", ["plain", f"whsec_{KEY}"])
def test_the_signature_is_that_of_the_standard(secret: str) -> None:
    with CannedServer(lambda head, body: [answer(b"ok")]) as server:
        assert act(server, secret=secret, headers={"X-Team": "sre"}) == []
    head, body = server.seen[0]
    got = headers(head)
    key = b"k" * 24 if secret.startswith("whsec_") else b"plain"
    signed = f"{got['webhook-id']}.{got['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got["webhook-signature"] == f"v1,{wanted}" and got["x-team"] == "sre"
    assert json.loads(body)["verdict"] == "fail" and got["content-type"] == "application/json"


def test_a_server_error_is_tried_again_under_the_same_id() -> None:
    replies = iter([answer(b"", "503 Service Unavailable"), answer(b"", "429 Too Many Requests"), answer(b"ok")])
    with CannedServer(lambda head, body: [next(replies)]) as server:
        assert act(server) == []
    ids = {headers(head)["idempotency-key"] for head, _ in server.seen}
    assert len(server.seen) == 3 and len(ids) == 1


def test_a_refusal_is_final_and_redirects_are_not_followed() -> None:
    with CannedServer(lambda head, body: [answer(b"who are you", "401 Unauthorized")]) as server:
        assert act(server) == ["hook: answered 401: who are you"] and len(server.seen) == 1
    with (
        CannedServer(lambda head, body: [answer(b"ok")]) as other,
        CannedServer(lambda head, body: [answer(b"", "302 Found", f"Location: {other.url}")]) as server,
    ):
        assert act(server) and not other.seen


def test_nobody_there_is_a_failure_with_a_reason() -> None:
    with CannedServer(lambda head, body: []) as server:
        url = server.url
    failed = asyncio.run(Guard(None, [Step("hook", ("fail",), Webhook(url), attempts=1)]).act(FAIL, "r"))
    assert len(failed) == 1 and "connect" in failed[0].lower()


def test_a_dry_run_shows_the_request_without_its_secrets() -> None:
    told = Webhook("http://h/x?token=s3cret-value", "k", {"Authorization": "Bearer s3cret-value"}).plan(FAIL)
    assert told.startswith("POST http://h/x") and '"verdict":"fail"' in told and "s3cret" not in told


def test_what_cannot_work_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no http URL"):
        Webhook("hooks.example")
    with pytest.raises(UsageError, match="no base64"):
        Webhook("http://h", "whsec_???")
