"""Keep blue, green and twin apart in stores they share: rewrite client-supplied ids per run and target.

Session keys and idempotency keys that the client supplies would make green continue blue's session,
or be answered from blue's idempotency record. Each is replaced by one of the same shape: a UUID
stays a UUID, a number stays a number, other text gets a suffix. What was rewritten is
counted by place and listed. An id that a target minted is not the client's: correlation owns it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Collection, Sequence

from shadowdiff.model.exchange import Headers, Role
from shadowdiff.tee.place import Place, Places, Swap

DEFAULT_PLACES = (
    "header:idempotency-key",
    "header:x-idempotency-key",
    "header:x-session-id",
    "json:/session_id",
    "json:/idempotency_key",
)
_DIGITS = 9
"""Least length of a number's replacement: below 2^31, and far from the small numbers in use."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


class Isolator:
    """Rewrites ids in requests; pure but for its counters."""

    def __init__(self, places: Sequence[Place], run: str) -> None:
        self._run = run
        self._places = Places(places)
        self.touches = self._places.touches
        self.in_target = self._places.in_target
        self.counts: dict[str, int] = {}
        """Rewrites by place, for the run's listing."""
        self.made: dict[Role, dict[str, str]] = {}
        """By role, new value to old, of the rewrites since it was last taken: answers may echo them."""

    def new_value(self, old: str, role: Role) -> str:
        """The value `role` gets instead of `old`: always the same within a run."""
        if _UUID.fullmatch(old):
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._run}/{role}/{old}"))
        if old.isascii() and old.isdecimal():
            digest = hashlib.blake2b(f"{self._run}/{role}/{old}".encode(), digest_size=16).digest()
            digits = str(int.from_bytes(digest, "big"))
            return "1" + digits[: max(len(old), _DIGITS) - 1]
        return f"{old}-sd{self._run[:6]}{role[0]}"

    def headers(self, headers: Headers, role: Role, minted: Collection[str] = ()) -> Headers:
        """`headers` as `role` gets them; `minted` values stay."""
        return self._places.headers(headers, self._swap(role, minted))

    def target(self, target: str, role: Role, minted: Collection[str] = ()) -> str:
        """`target` as `role` gets it."""
        return self._places.target(target, self._swap(role, minted))

    def body(self, body: bytes, headers: Headers, role: Role, minted: Collection[str] = ()) -> bytes:
        """`body` as `role` gets it; anything but JSON and forms stays."""
        return self._places.body(body, headers, self._swap(role, minted))

    def _swap(self, role: Role, minted: Collection[str]) -> Swap:
        def swap(old: str, label: str) -> str:
            if not old or old in minted:
                return old
            new = self.new_value(old, role)
            if new != old:
                self.counts[label] = self.counts.get(label, 0) + 1
                self.made.setdefault(role, {})[new] = old
            return new

        return swap
