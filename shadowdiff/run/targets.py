"""The sending side of a run: endpoints, headers, and everything that rewrites a request for its target.

In:  the configuration. Out: (rewriter, endpoints, whom to ask). Nothing here sends a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shadowdiff import units
from shadowdiff.config import resolve
from shadowdiff.contracts import Deadlines
from shadowdiff.decode.body import unpack
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Role
from shadowdiff.net.endpoint import Endpoint, endpoint
from shadowdiff.settings import Config, Targets, digest
from shadowdiff.tee.correlate import Correlator, rule
from shadowdiff.tee.edit import Edit
from shadowdiff.tee.handover import Handover
from shadowdiff.tee.isolate import DEFAULT_PLACES, Isolator
from shadowdiff.tee.own import Own
from shadowdiff.tee.place import KINDS, place
from shadowdiff.tee.rewrite import Rewriter, Target
from shadowdiff.tee.session import session_places

RECORDED = "recorded"
MAX_SEARCHED = 4 << 20
"""Bytes of an unpacked answer that explicit correlation rules look through."""


def targets(
    config: Config, run: str, handover: Handover | None = None, asks_blue: bool = True, trace: str = ""
) -> tuple[Rewriter, list[Endpoint], tuple[Role, ...]]:
    """(rewriter, endpoints, whom to ask). Raises `UsageError` for a missing or bad URL, header, place or rule.

    Without `asks_blue` the exchanges bring blue's answer with them. `trace` is the run whose trace ids go out.
    """
    given = config.targets
    if not given.blue or not given.green:
        missing = "--blue" if not given.blue else "--green"
        raise UsageError(f"{missing} URL is needed (or targets.{missing[2:]} in shadowdiff.toml)")
    roles: list[Role] = []
    made: list[Target] = []
    endpoints: list[Endpoint] = []
    for role in Role:
        url = getattr(given, role.value)
        if not url or (role is Role.BLUE and (url == RECORDED or not asks_blue)):
            continue
        where = _endpoint(config, role, url)
        made.append(Target(role, len(endpoints), where, _headers(given, role), tuple(_edits(config, role))))
        endpoints.append(where)
        roles.append(role)
    if Role.BLUE in roles and Role.TWIN not in roles and config.control.enabled:
        made.append(Target(Role.TWIN, 0, endpoints[0], _headers(given, Role.BLUE), tuple(_edits(config, Role.BLUE))))
    isolator = None
    if config.send.isolation:
        places = [place(text, "isolate.path") for text in (*DEFAULT_PLACES, *(i.path for i in config.isolate))]
        keys = [key for key in session_places(config.sessions.by) if key.kind in KINDS]
        places += [key for key in keys if key.name not in ("authorization", "x-forwarded-for")]
        isolator = Isolator(list(dict.fromkeys(places)), run)
    rewriter = Rewriter(
        made,
        run=run,
        isolator=isolator,
        correlator=correlator(config),
        handover=handover,
        forward_auth=config.send.forward_auth,
        marker=config.send.marker,
        trace=trace,
        own=Own({one.role: one.endpoint.host_header for one in made}, lambda answer: unpack(answer, MAX_SEARCHED)[0]),
    )
    return rewriter, endpoints, tuple(roles)


def isolated_as(config: Config, run: str) -> str:
    """What the ids of a run are made of: of the group, where several processes see the turns of one session."""
    group = config.send.isolation_group
    return digest([group, config.report.candidate]) if group else run


def blue_endpoint(config: Config) -> Endpoint:
    """Where a relay finds blue. Raises `UsageError` for a URL that a byte relay cannot serve."""
    if not config.targets.blue or config.targets.blue == RECORDED:
        raise UsageError("--blue URL is needed (or targets.blue in shadowdiff.toml): clients are answered by it")
    blue = _endpoint(config, Role.BLUE, config.targets.blue)
    if blue.prefix:
        raise UsageError(f"--blue {config.targets.blue}: a relay changes no bytes, so no path can be put in front")
    return blue


def _endpoint(config: Config, role: Role, url: str) -> Endpoint:
    t, targets = config.timeouts, config.targets
    green = role is Role.GREEN

    def limit(name: str) -> float:
        text = (getattr(t, f"green_{name}") if green else "") or getattr(t, name)
        return units.duration(text, f"timeouts.{name}")

    return endpoint(
        role.value,
        url,
        host_header=targets.green_host if green else targets.blue_host,
        connect_to=tuple(targets.connect_to),
        deadlines=Deadlines(limit("connect"), limit("ttfb"), limit("idle"), limit("total")),
        insecure=targets.insecure,
        cacert=targets.cacert,
    )


def _headers(targets: Targets, role: Role) -> dict[str, str]:
    given = getattr(targets, f"{role.value}_headers") or (targets.blue_headers if role is Role.TWIN else {})
    headers = {}
    for name, value in given.items():
        value = resolve(value, f"targets.{role.value}_headers.{name}")
        _check_header(name, value, f"--{role.value}-header")
        headers[name] = value
    return headers


def correlator(config: Config) -> Correlator:
    """Explicit rules, automatic discovery and cookie jars, as far as they are wanted."""
    rules = [rule(c.source, c.to, f"correlate[{number}]") for number, c in enumerate(config.correlate)]
    return Correlator(
        rules,
        unpack=lambda response: unpack(response, MAX_SEARCHED)[0],
        automatic=config.sessions.correlate,
        keep_cookies=config.sessions.cookies,
    )


def _edits(config: Config, role: Role) -> Iterator[Edit]:
    for number, given in enumerate(config.rewrite):
        where = f"rewrite[{number}]"
        if given.target not in ("all", role):
            continue
        for pointer in (*given.set_json, *given.remove_json):
            if not pointer.startswith("/"):
                raise UsageError(f"{where}: {pointer!r} is no JSON Pointer; write e.g. /model")
        for name, value in (*given.set_header.items(), *given.add_header.items()):
            _check_header(name, value, where)
        yield Edit(
            match=given.match,
            path_prefix=given.path_prefix,
            replace_prefix=given.replace_prefix,
            set_header=_resolved(given.set_header, f"{where}.set_header"),
            add_header=_resolved(given.add_header, f"{where}.add_header"),
            remove_header=given.remove_header,
            set_query=_resolved(given.set_query, f"{where}.set_query"),
            remove_query=given.remove_query,
            set_json=_resolved(given.set_json, f"{where}.set_json"),
            remove_json=given.remove_json,
        )


def _resolved(values: dict[str, Any], where: str) -> dict[str, Any]:
    return {
        name: resolve(value, f"{where}.{name}") if isinstance(value, str) else value for name, value in values.items()
    }


def _check_header(name: str, value: str, where: str) -> None:
    if any(char in name + value for char in "\r\n\0") or not name.strip():
        raise UsageError(f"{where} {name!r}: holds a control character")
