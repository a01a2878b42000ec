"""Tell answers in which every target names its own address (links, pages, a `root` in a configuration).

In:  what the targets answered. Out: by role, its own address to the captured one, so that the two compare as equal.
Where only green names its address, and blue the public one, the difference is green's mistake and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shadowdiff.model.exchange import Exchange, Observation, Response, Role

MAX_UNPACKED = 256 << 10
_PLAIN = frozenset(bytes((code,)) for code in b'{[<"de: \n')
"""How JSON, pages and event streams begin, and nothing that is compressed."""
NOTHING: dict[Role, dict[str, str]] = {}
"""Shared, so that most pairs cost no dictionary: never changed."""


class Own:
    """The addresses of the targets, as their Host headers name them."""

    def __init__(self, hosts: Mapping[Role, str], unpack: Callable[[Response], bytes]) -> None:
        """`unpack` undoes an answer's Content-Encoding."""
        self._hosts = {role: f"//{host}" for role, host in hosts.items()}
        self._needles = {role: host.encode("latin-1") for role, host in self._hosts.items()}
        self._unpack = unpack
        self._needed = len(set(hosts.values())) > 1 or Role.BLUE not in hosts

    def names(self, exchange: Exchange, seen: Sequence[Observation]) -> dict[Role, dict[str, str]]:
        """By role, `//its own address` to `//the captured one`; empty unless each answer names its own."""
        if not self._needed or self._same(seen):
            return NOTHING
        for one in seen:
            if one.response is not None and not self._named(self._needles.get(one.role), one.response):
                return NOTHING
        answers = [(one.role, one.response) for one in seen if one.response is not None]
        if not answers:
            return NOTHING
        captured = next((value for name, value in exchange.request.headers if name.lower() == "host"), "")
        public = f"//{captured}" if captured else self._hosts[answers[0][0]]
        if all(role is not Role.BLUE for role, _ in answers):  # blue answered before: the client, or the recording
            recorded = exchange.recorded
            if recorded is None or not self._named(public.encode("latin-1", "replace"), recorded):
                return NOTHING
        return {role: {self._hosts[role]: public} for role, _ in answers if self._hosts[role] != public}

    def _same(self, seen: Sequence[Observation]) -> bool:
        """Whether there is nothing to tell apart: the usual case, which allocates nothing."""
        first = seen[0].response if len(seen) > 1 else None
        if first is None:
            return False
        for one in seen:  # noqa: SIM110 - a generator is an allocation
            if one.response is None or one.response.body != first.body:
                return False
        return True

    def _named(self, needle: bytes | None, answer: Response) -> bool:
        if needle is None:
            return False
        if needle in answer.body:
            return True
        if answer.body[:1] in _PLAIN or len(answer.body) > MAX_UNPACKED:
            return False  # most answers: looking through the headers costs more than all the rest
        packed = answer.header("content-encoding") is not None
        return packed and needle in self._unpack(answer)
