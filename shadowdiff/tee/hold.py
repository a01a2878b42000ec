"""Decide what is held back before anything is sent, and under which ledger name.

Safe by default: only GET, HEAD and OPTIONS go out unless allowed by name, a missing or cut body is
never sent as if whole, and a record that carries our own marker is ours coming back (loop guard).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.tee.place import place, read

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MARKER = "x-shadowdiff-"


class Holding(Protocol):
    """Whatever says what must not be sent."""

    def verdict(self, exchange: Exchange) -> tuple[str, str] | None:
        """(name in the ledger, why) of what is held back, None for what may go."""
        ...


class Holder:
    """Answers, for each exchange, whether it is sent, and if not, why."""

    def __init__(
        self,
        *,
        allow_methods: Sequence[str] = (),
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        sample: float = 1.0,
        sample_by: str = "",
        incomplete: bool = False,
        seed: int = 0,
    ) -> None:
        self._methods = SAFE_METHODS | {method.upper() for method in allow_methods}
        self._allow = tuple(allow)
        self._deny = tuple(deny)
        self._sample = sample
        self._by = place(sample_by, "--sample-by") if sample_by not in ("", "session", "id") else None
        self._by_id = sample_by == "id"
        self._incomplete = incomplete
        self._seed = str(seed).encode()

    def verdict(self, exchange: Exchange) -> tuple[str, str] | None:
        """None to send, else (ledger name, reason). The reason says which flag would send it."""
        request = exchange.request
        for name, _ in request.headers:
            if name[:1] in "xX" and name[:13].lower() == MARKER:
                return "filtered", "carries our own marker (loop guard)"
        if self._deny or self._allow:
            plain = f"{request.method} {request.path}"
            if any(fnmatchcase(plain, pattern) for pattern in self._deny):
                return "filtered", "denied by --deny"
            named = any(fnmatchcase(plain, pattern) for pattern in self._allow)
            if self._allow and not named and request.method in SAFE_METHODS and self._only_safe(request.method):
                return "filtered", "not named by --allow"
        else:
            named = False
        if request.method not in self._methods and not named:
            return "skipped", f"{request.method} is not sent unless allowed: --allow-method {request.method}"
        if not self._incomplete:
            if exchange.body_state is BodyState.MISSING:
                return "skipped", "body missing in the capture (--send-incomplete sends it without)"
            if exchange.body_state is BodyState.TRUNCATED:
                return "skipped", "body truncated in the capture (--send-incomplete sends what is left)"
        if self._sample < 1 and not self._drawn(exchange):
            return "sampled_out", "not in the sample"
        return None

    def _only_safe(self, method: str) -> bool:
        """`--allow 'GET /x*'` narrows safe methods; `--allow 'POST /v1/*'` only adds."""
        return any(pattern.split(" ", 1)[0] in (method, "*") for pattern in self._allow)

    def _drawn(self, exchange: Exchange) -> bool:
        key = exchange.id if self._by_id else exchange.session or exchange.id
        if self._by is not None:
            key = read(self._by, exchange.request) or key
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8, key=self._seed).digest()
        return int.from_bytes(digest, "big") < self._sample * 2**64
