"""Post the verdict to a URL, signed as Standard Webhooks 1.0 says, with an id that stays the same when tried again.

webhook-id, webhook-timestamp (epoch seconds), webhook-signature: `v1,` and the base64 of the HMAC-SHA256, keyed with
the secret, over `id.timestamp.body`. A secret that begins with `whsec_` is base64, any other is taken as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from shadowdiff.act.http import Call, done, headers
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Verdict


class Webhook:
    """An action."""

    def __init__(
        self,
        url: str,
        secret: str = "",
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,  # noqa: TID251 - the standard's stamp is wall time
    ) -> None:
        """Raises `UsageError` for a URL or secret that cannot be used."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"actions.url: {url!r} is no http URL")
        self._url = url
        self._key = _key(secret)
        self._headers = dict(headers or {})
        self._clock = clock

    def plan(self, verdict: Verdict) -> str:
        """What would be posted."""
        return str(self._call(verdict))

    async def act(self, verdict: Verdict) -> str:
        """Post it."""
        return await done(self._call(verdict))

    def _call(self, verdict: Verdict) -> Call:
        body = msgspec.json.encode(verdict)
        name = f"{verdict.started_at}/{verdict.service}/{verdict.candidate}/{verdict.window}/{verdict.verdict}"
        message = f"msg_{hashlib.sha256(name.encode()).hexdigest()[:24]}"
        stamp = str(int(self._clock()))
        signed = {}
        if self._key:
            digest = hmac.new(self._key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()
            signed = {"webhook_signature": f"v1,{base64.b64encode(digest).decode()}"}
        return Call(
            "POST",
            self._url,
            headers(
                self._headers, Content_Type="application/json", Idempotency_Key=message, webhook_id=message,
                webhook_timestamp=stamp, **signed,
            ),
            body,
        )  # fmt: skip


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise UsageError("actions.secret: what follows whsec_ is no base64") from None
