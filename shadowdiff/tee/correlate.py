"""Give each target the ids it minted itself: session ids, thread ids, CSRF tokens, cookies.

In:  recorded answers and live ones, turn by turn of a session. Out: later requests of that session with
each recorded value replaced by what this target answered in its place. Explicit rules (`[[correlate]]`)
say where a value comes from; automatic discovery finds the rest (`minted`). A value is never replaced
when the client sent it before any answer held it, when several sessions share it, or when it is short.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from urllib.parse import quote

import msgspec

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange, Headers, Observation, Request, Response, Role
from shadowdiff.tee.cookies import Jar
from shadowdiff.tee.minted import MAX_LENGTH, MIN_LENGTH, NAMED, Found, Unpack, fits, minted, value_at
from shadowdiff.tee.place import Place, Places, cookies, place

MIN_EXPLICIT = 6
"""Shorter values of explicit rules are replaced only at the places of `to`: elsewhere they could be anything."""
MAX_SESSIONS = 20_000
MAX_VALUES = 256
MAX_SENT = 20_000
MAX_OWNERS = 200_000
MAX_SCAN = 256 << 10
_WORD = re.compile(rb"[A-Za-z0-9_-]{6,}")
_PASS = re.compile(r"~\d+$")


class Rule(msgspec.Struct, frozen=True):
    """An explicit rule: `match` is 'METHOD /path' with wildcards, `kind` and `name` say where in the answer."""

    match: str
    kind: str
    name: str
    to: tuple[Place, ...] = ()

    @property
    def label(self) -> str:
        """As written in config."""
        return f"{self.match} {self.kind}:{self.name}"


def rule(source: str, to: Sequence[str], where: str) -> Rule:
    """Parse `METHOD /path PLACE`. Raises `UsageError` naming `where`."""
    parts = source.split(" ")
    kind, _, name = parts[-1].partition(":")
    if len(parts) != 3 or kind not in ("json", "header", "cookie", "html") or not name:
        raise UsageError(
            f"{where}.from: {source!r}: write 'METHOD /path PLACE', e.g. 'POST /sessions json:/id'; "
            "PLACE is json:/pointer, header:Name, cookie:name or html:field"
        )
    name = name.lower() if kind == "header" else name
    return Rule(f"{parts[0].upper()} {parts[1]}", kind, name, tuple(place(text, f"{where}.to") for text in to))


class _Value(msgspec.Struct):
    live: str
    label: str
    proven: bool
    """Whether the target is known to mint it, so that the difference says nothing about its answer."""


class _Lane(msgspec.Struct):
    """What one target minted in one session: recorded value to live value, places to fill, cookies."""

    values: dict[str, _Value] = {}
    places: dict[Place, tuple[str, str, str]] = {}
    """Place of an explicit `to` to (recorded value or empty, live value, label)."""
    jar: Jar = msgspec.field(default_factory=Jar)
    pattern: re.Pattern[str] | None = None
    raw: re.Pattern[bytes] | None = None
    live: frozenset[str] = frozenset()


class _Session(msgspec.Struct):
    lanes: dict[Role, _Lane] = {}
    sent: set[bytes] = set()
    recorded_cookies: bool = False
    """Whether the capture kept Set-Cookie: then a client that sent no Cookie wanted none."""


class Correlator:
    """Owns what targets minted, by session. Learns between the turns of a session, never during one."""

    def __init__(
        self, rules: Sequence[Rule] = (), *, unpack: Unpack, automatic: bool = True, keep_cookies: bool = True
    ) -> None:
        self._rules = tuple(rules)
        self._unpack = unpack
        self._automatic = automatic
        self._cookies = keep_cookies
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()
        self.found: dict[str, Found] = {}
        """By label, for the listing."""
        self.evicted = 0

    def apply(
        self, exchange: Exchange, role: Role, headers: Headers, prefix: str = ""
    ) -> tuple[str, Headers, bytes, Collection[str]]:
        """(target, headers, body) as `role` gets them, and the values this target minted.

        `prefix` is the path of the target's URL, which its cookies may name.
        """
        request = exchange.request
        state = self._sessions.get(exchange.session or "")
        lane = state.lanes.get(role) if state is not None else None
        if state is None or lane is None:
            return request.target, headers, request.body, ()
        target, body = request.target, request.body
        if lane.pattern is not None and lane.raw is not None:
            target, headers, body = self._replace(lane, lane.pattern, lane.raw, role, target, headers, body)
        if lane.places:
            target, headers, body = self._fill(lane, role, target, headers, body)
        if self._cookies and lane.jar:
            headers = _with_jar(headers, lane.jar.matching(target.partition("?")[0], prefix), request, state)
        return target, headers, body, lane.live

    def learn(self, exchange: Exchange, seen: Sequence[Observation]) -> None:
        """Take one settled turn: what each target minted where the recording minted something else."""
        if exchange.session is None:
            return
        state = self._session(exchange.session)
        recorded = exchange.recorded
        rules = [r for r in self._rules if fnmatchcase(f"{exchange.request.method} {exchange.request.path}", r.match)]
        discover = self._automatic and recorded is not None
        if discover:
            _remember(state, exchange.request)
        if recorded is not None:
            state.recorded_cookies = state.recorded_cookies or recorded.header("set-cookie") is not None
        for observation in seen:
            live = observation.response
            if live is None or observation.failure is not None:
                continue
            lane = state.lanes.setdefault(observation.role, _Lane())
            if self._cookies:
                lane.jar.take(live, exchange.request.path)
            for one in rules:
                self._explicit(one, lane, observation.role, recorded, live)
            if discover and recorded is not None and live.status // 100 == recorded.status // 100:
                for label, old, new in minted(recorded, live, self._unpack):
                    if self._mine(old, exchange.session, state):
                        proven = _proven(label, exchange.request, state)
                        name = f"{exchange.route} {label}"
                        self._put(lane, name, old, new, "differs from the recording, looks minted", proven)
            _compile(lane)

    def same(self, exchange: Exchange) -> dict[Role, dict[str, str]]:
        """By role, live value to recorded value of what every asked target is known to mint for itself.

        A value that blue did not mint anew is not among them: there green's difference is a difference.
        """
        state = self._sessions.get(exchange.session or "")
        if state is None:
            return {}
        lanes = state.lanes
        proven = [{old for old, value in lane.values.items() if value.proven} for lane in lanes.values()]
        shared = set.intersection(*proven) if proven else set()
        return (
            {role: {lane.values[old].live: old for old in shared} for role, lane in lanes.items()} if shared else {}
        )

    def holds(self, session: str) -> bool:
        """Whether targets minted something that the next turns of a session need."""
        lanes = self._sessions.get(session, _Session()).lanes.values()
        return any(lane.values or lane.places or lane.jar for lane in lanes)

    def _session(self, name: str) -> _Session:
        state = self._sessions.get(name)
        if state is None:
            state = self._sessions[name] = _Session()
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
                self.evicted += 1
        self._sessions.move_to_end(name)
        return state

    def _explicit(self, one: Rule, lane: _Lane, role: Role, recorded: Response | None, live: Response) -> None:
        new = value_at(live, one.kind, one.name, self._unpack)
        found = self.found.setdefault(one.label, Found(one.label, "rule"))
        if not new or not new.isprintable() or len(new) > MAX_LENGTH:
            found.absent[role] = found.absent.get(role, 0) + 1
            return
        old = value_at(recorded, one.kind, one.name, self._unpack) if recorded is not None else ""
        for to in one.to:
            lane.places[to] = (old, new, one.label)
        if old != new and len(old) >= MIN_EXPLICIT and fits(old) and fits(new):
            self._put(lane, one.label, old, new, "rule", True)
        else:
            found.sessions += bool(one.to)

    def _put(self, lane: _Lane, label: str, old: str, new: str, why: str, proven: bool) -> None:
        known = lane.values.get(old)
        if known is not None and known.label != label:
            return  # the same value at two places: the first answer that held it counts
        if known is None and len(lane.values) >= MAX_VALUES:
            return
        lane.values[old] = _Value(new, label, proven or (known is not None and known.proven))
        lane.pattern = lane.raw = None
        found = self.found.get(label)
        if found is None:
            if len(self.found) >= MAX_VALUES:
                return
            found = self.found[label] = Found(label, why)
        found.sessions += known is None

    def _mine(self, value: str, session: str, state: _Session) -> bool:
        """Whether a value belongs to this session alone, and its client did not bring it."""
        words = _WORD.findall(value.encode())
        if len(value) < MIN_LENGTH or all(word in state.sent for word in words):
            return False
        owner = _PASS.sub("", session)
        known = self._owners.setdefault(value, owner)
        if len(self._owners) > MAX_OWNERS:
            self._owners.popitem(last=False)
        if known != owner:
            self._owners[value] = ""  # shared by sessions: a name, a version, a build; no one's id
            self._retire(value, known)
            return False
        return True

    def _retire(self, value: str, session: str) -> None:
        state = self._sessions.get(session)
        for lane in state.lanes.values() if state is not None else ():
            if lane.values.pop(value, None) is not None:
                lane.pattern = lane.raw = None
                _compile(lane)

    def _replace(
        self, lane: _Lane, pattern: re.Pattern[str], raw: re.Pattern[bytes], role: Role,
        target: str, headers: Headers, body: bytes,
    ) -> tuple[str, Headers, bytes]:  # fmt: skip
        quoted = {quote(old, safe=""): old for old in lane.values}

        def live_of(spelled: str) -> str:
            value = lane.values[spelled if spelled in lane.values else quoted[spelled]]
            value.proven = True  # the client sends it back: it is the target's handle, not its answer
            self._count(value.label, role)
            return value.live

        target = pattern.sub(lambda match: quote(live_of(match[0]), safe="~"), target)
        headers = tuple(
            (name, value if name.lower() == "host" else pattern.sub(lambda match: live_of(match[0]), value))
            for name, value in headers
        )
        body = raw.sub(lambda match: live_of(match[0].decode("ascii").replace("\\/", "/")).encode("ascii"), body)
        return target, headers, body

    def _fill(
        self, lane: _Lane, role: Role, target: str, headers: Headers, body: bytes
    ) -> tuple[str, Headers, bytes]:
        by_label = {to.label: values for to, values in lane.places.items()}

        def swap(old: str, label: str) -> str:
            recorded, live, name = by_label[label]
            if old == live or (recorded and old != recorded):
                return old
            self._count(name, role)
            return live

        places = Places(list(lane.places))
        return places.target(target, swap), places.headers(headers, swap), places.body(body, headers, swap)

    def _count(self, label: str, role: Role) -> None:
        found = self.found.get(label)
        if found is not None:
            found.replaced[role] = found.replaced.get(role, 0) + 1


def _proven(label: str, request: Request, state: _Session) -> bool:
    """Whether a discovered value is a handle by its place alone, rather than content that may differ.

    Tokens in cookies and forms are; so is the id of what a POST created, and ids below a path that this
    session minted. Other ids (search hits, citations) are only once a later request carries them.
    """
    kind, _, name = label.partition(":")
    if kind in ("cookie", "html"):
        return True
    if not NAMED.fullmatch(name.rpartition("/")[2]):
        return False
    if request.method == "POST":
        return name.count("/") <= 2 and not any(part.isdecimal() for part in name.split("/"))
    carried = (old for lane in state.lanes.values() for old, value in lane.values.items() if value.proven)
    return any(old in request.path for old in carried)


def _compile(lane: _Lane) -> None:
    """One pass over a request replaces all values, so that a replacement is never replaced again."""
    lane.live = frozenset(value.live for value in lane.values.values()) | {v for _, v, _ in lane.places.values()}
    if lane.pattern is not None or not lane.values:
        return
    values = sorted(lane.values, key=len, reverse=True)
    spelled = dict.fromkeys([*values, *(quote(value, safe="") for value in values)])
    lane.pattern = re.compile(_bounded("|".join(map(re.escape, spelled))))
    slashed = dict.fromkeys([*values, *(value.replace("/", "\\/") for value in values)])
    lane.raw = re.compile(_bounded("|".join(map(re.escape, slashed))).encode("ascii"))


def _bounded(alternatives: str) -> str:
    """Whole values only: no letter, digit, `-` or `_` on either side."""
    return f"(?<![A-Za-z0-9_-])(?:{alternatives})(?![A-Za-z0-9_-])"


def _remember(state: _Session, request: Request) -> None:
    """Keep the words the client sent: what it knew before an answer said it, no target minted."""
    if len(state.sent) >= MAX_SENT:
        return
    text = b"\0".join(
        [
            request.target.encode("ascii", "replace"),
            *(value.encode("latin-1", "replace") for _, value in request.headers),
            request.body[:MAX_SCAN],
        ]
    )
    words = _WORD.findall(text)
    state.sent.update(words[: MAX_SENT - len(state.sent)])


def _with_jar(headers: Headers, jar: dict[str, str], request: Request, state: _Session) -> Headers:
    """The Cookie header: the jar's values for the cookies the client named, after what is forwarded."""
    named = [name for name, _ in cookies(request.headers)]
    if named:
        jar = {name: value for name, value in jar.items() if name in named}
    elif state.recorded_cookies and not any(name.lower() == "cookie" for name, _ in request.headers):
        return headers  # the recorded client was given cookies and sent none back
    if not jar:
        return headers
    kept = dict(cookies(headers))
    line = "; ".join(f"{name}={value}" for name, value in (kept | jar).items())
    index = next((i for i, (name, _) in enumerate(headers) if name.lower() == "cookie"), None)
    if index is None:
        return (*headers, ("Cookie", line))
    return (
        *headers[:index],
        (headers[index][0], line),
        *(p for p in headers[index + 1 :] if p[0].lower() != "cookie"),
    )
