"""How much a run may spend on its targets: requests, writes, or tokens that answers say they used."""

from __future__ import annotations

from shadowdiff.tee.hold import SAFE_METHODS


class Budget:
    """How many requests, requests by an unsafe method (all targets together), or answer tokens may be spent; None: no
    limit.
    """

    def __init__(self, amount: int | None = None, kind: str = "requests") -> None:
        self._left = amount
        self.kind = kind
        self.text = "" if amount is None else f"{amount}-{kind}"

    def afford(self, requests: int, method: str) -> bool:
        """Whether `requests` more by `method` may be sent; spends them where they count."""
        if self._left is None or (self.kind == "writes" and method in SAFE_METHODS):
            return True
        if self.kind == "tokens":
            return self._left > 0
        if self._left < requests:
            return False
        self._left -= requests
        return True

    def spend_tokens(self, tokens: int) -> None:
        """Count tokens an answer said it used."""
        if self._left is not None and self.kind == "tokens":
            self._left -= tokens
