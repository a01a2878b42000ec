"""How much a run may spend on its targets: requests, or tokens that answers say they used."""

from __future__ import annotations


class Budget:
    """How many requests (all targets together) or answer tokens may be spent; None: no limit."""

    def __init__(self, amount: int | None = None, kind: str = "requests") -> None:
        self._left = amount
        self.kind = kind
        self.text = "" if amount is None else f"{amount}-{kind}"

    def afford(self, requests: int) -> bool:
        """Whether `requests` more may be sent; spends them when counting requests."""
        if self._left is None:
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
