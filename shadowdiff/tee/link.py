"""Find sessions that no field names: a request that carries what an earlier answer minted continues it.

Needs recorded answers. Opt-in (`--session-by minted`), since a value that many users follow (an
article's id in a listing) would chain strangers together; a value that two sessions carry is dropped.
"""

from __future__ import annotations

import re
from collections import OrderedDict

from shadowdiff.model.exchange import Exchange, Request
from shadowdiff.tee.minted import looks_minted

MAX_VALUES = 200_000
MAX_SCAN = 64 << 10
MAX_PER_ANSWER = 200
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{7,}")


class Linker:
    """Remembers which exchange first held each minted value, within a bound."""

    def __init__(self) -> None:
        self._owner: OrderedDict[str, str] = OrderedDict()

    def session_of(self, exchange: Exchange, named: str = "") -> str:
        """The session: `named`, else that of the first known value the request carries, else one named by its id."""
        words = _WORD.findall(_text(exchange.request))
        sent = set(words)
        session = named or next((owner for word in words if (owner := self._owner.get(word))), exchange.id)
        recorded = exchange.recorded
        if recorded is not None:
            headers = " ".join(value for name, value in recorded.headers if name.lower() != "date")
            body = recorded.body[:MAX_SCAN].decode("latin-1")
            fresh = [word for word in _WORD.findall(f"{headers} {body}") if word not in sent and looks_minted(word)]
            for word in fresh[:MAX_PER_ANSWER]:
                self._learn(word, session)
        return session

    def _learn(self, word: str, session: str) -> None:
        known = self._owner.setdefault(word, session)
        if known != session:
            self._owner[word] = ""  # two sessions were told it: nobody's own
        elif len(self._owner) > MAX_VALUES:
            self._owner.popitem(last=False)


def _text(request: Request) -> str:
    headers = " ".join(value for _, value in request.headers)
    return f"{request.target} {headers} {request.body[:MAX_SCAN].decode('latin-1')}"
