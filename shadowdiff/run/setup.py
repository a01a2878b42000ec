"""Build everything a replay needs from the configuration, and fail before the first request if it cannot.

Settings arrive as arguments; nothing here sends a request. The plan is what `pipeline.replay` walks.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, units
from shadowdiff.capture.build import Builder
from shadowdiff.capture.files import head
from shadowdiff.capture.routes import Router
from shadowdiff.capture.sniff import sniff
from shadowdiff.config import Config, Targets, resolve
from shadowdiff.contracts import Deadlines, Sink, Transport
from shadowdiff.decode.body import Decoding
from shadowdiff.errors import UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.gate.rules import Limits
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Exchange, Role
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict
from shadowdiff.net.endpoint import Endpoint, endpoint
from shadowdiff.run.judging import Judging
from shadowdiff.run.limits import gate_limits
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Panel
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.hold import Holder
from shadowdiff.tee.isolate import DEFAULT_PLACES, Isolator, place
from shadowdiff.tee.pace import Pacer
from shadowdiff.tee.rewrite import Rewriter, Target
from shadowdiff.tee.sender import Budget, Tee
from shadowdiff.tee.session import Sessions, session_place

RECORDED = "recorded"
DEFAULT_RATE = 50.0
BUFFERED_BYTES = 256 << 20
MAX_SHUFFLED = 500_000
SCORERS = ("status", "headers", "structure", "length", "keywords", "fuzzy")
DECODERS = ("openai", "events", "json", "html", "text")


class Plan(msgspec.Struct):
    """One run, ready to go."""

    run: str
    config: Config
    source: Callable[[], Iterator[Exchange]]
    tee: Tee
    judging: Judging
    counter: Counter
    gate: Any
    limits: Limits
    sessions: Sessions
    transport: Transport
    endpoints: list[Endpoint]
    rewriter: Rewriter
    brake: Brake
    learner: Learner
    ledger: Ledger
    budget: Budget
    paced: bool
    stop_on: str
    sinks: list[Sink] = []
    after_each: Callable[[Comparison], None] = lambda _: None
    finish: Callable[[Verdict], Verdict] = lambda verdict: verdict
    notes: list[str] = []


def plan(config: Config, logs: Sequence[Path], warn: Callable[[str], None]) -> Plan:
    """Everything for one replay. Raises `UsageError` or `SourceError`, each with one clear line."""
    run = uuid.uuid4().hex[:12]
    ledger = Ledger()
    rewriter, endpoints, roles = targets(config, run)
    send = config.send
    limits = gate_limits(config)
    counter = Counter(
        f"{run}/0", ledger, paired=bool(config.targets.twin), blue_asked=config.targets.blue != RECORDED
    )
    sessions = Sessions(config.sessions.by, counter.closed)
    learner = Learner()
    ask = _roles(roles, config, learner)
    width = max(1, send.max_in_flight)
    max_body = units.size(send.max_body, "send.max_body")
    kept = min(max_body, max(16 << 10, BUFFERED_BYTES // (2 * width * len(roles))))
    notes = []
    if kept < max_body:
        notes.append(f"with {width} in flight only {units.show_size(kept)} of each answer is kept (--max-body)")
    pacer, paced = _pacer(config, endpoints)
    budget = Budget(*units.budget(send.budget, "--budget")) if send.budget else Budget()
    brake = Brake()
    transport = plugins.build(
        "transports", send.transport, endpoints=endpoints, max_body=kept, seed=send.seed or None,
        **({"proxy": config.targets.proxy} if config.targets.proxy else {}),
    )  # fmt: skip
    tee = Tee(
        transport=transport,
        rewriter=rewriter,
        holder=holder(config),
        pacer=pacer,
        brake=brake,
        sessions=sessions,
        ledger=ledger,
        roles=ask,
        budget=budget,
        max_in_flight=width,
        limit=send.limit or None,
        warmup=send.warmup,
        duration=units.duration(send.duration, "--duration") if send.duration else None,
        opened=lambda exchange: counter.opened(exchange.unit, exchange.session is None),
    )
    source = _source(config, logs, ledger, warn)
    return Plan(
        run=run,
        config=config,
        source=source,
        tee=tee,
        judging=Judging(Decoding(_decoders()), panel(config, run), learner, warn, decode_all=budget.kind == "tokens"),
        counter=counter,
        gate=plugins.build("gates", config.gate.mode, limits=limits),
        limits=limits,
        sessions=sessions,
        transport=transport,
        endpoints=endpoints,
        rewriter=rewriter,
        brake=brake,
        learner=learner,
        ledger=ledger,
        budget=budget,
        paced=paced,
        stop_on=config.gate.stop_on,
        notes=notes,
    )


def panel(config: Config, run: str = "") -> Panel:
    """The scorers: built-ins with their settings, then those named in [[score.scorers]]."""
    rules = config.score
    options: dict[str, dict[str, Any]] = {
        "headers": {"headers": rules.headers, "ignore": rules.ignore},
        "structure": {
            "ignore": rules.ignore,
            "unordered": rules.unordered,
            "tolerance": rules.tolerance,
            "profile": rules.profile,
        },
        "length": {"limit": units.percent(rules.max_length_change, "score.max_length_change")},
        "keywords": {"required": rules.required, "forbidden": rules.forbidden},
        "fuzzy": {
            "min_similarity": units.percent(rules.min_similarity, "score.min_similarity")
            if rules.min_similarity
            else None
        },
    }
    scorers = [plugins.build("scorers", name, **options.get(name, {})) for name in SCORERS]
    for extra in rules.scorers:
        scorers.append(plugins.build("scorers", extra.use, **extra.options))
    return Panel(
        scorers, paired=bool(config.targets.twin), owner=lambda name: plugins.owner("scorers", name), run=run
    )


def holder(config: Config) -> Holder:
    """What is held back, from the capture settings."""
    capture = config.capture
    return Holder(
        allow_methods=capture.allow_methods,
        allow=capture.allow,
        deny=capture.deny,
        sample=units.percent(capture.sample, "capture.sample (--sample)"),
        sample_by=capture.sample_by,
        seed=config.send.seed,
    )


def formats(config: Config, logs: Sequence[Path]) -> list[tuple[Path, str]]:
    """Each log with its format: as told by --format or --post, else sniffed.

    Raises `SourceError` for a file that is missing, unreadable or foreign, before anything is sent.
    """
    told = config.capture.format or ("jsonl" if config.capture.post else "")
    named = []
    for path in logs:
        if told:
            head(path, 1)
        named.append((path, told or sniff(path)))
    return named


def sources(config: Config, named: Sequence[tuple[Path, str]], builder: Builder) -> list[Any]:
    """One source a log of `formats`."""
    return [
        plugins.build(
            "sources", "jsonl" if name == "empty" else name, path=path, builder=builder, post=config.capture.post
        )
        for path, name in named
    ]


def _source(
    config: Config, logs: Sequence[Path], ledger: Ledger, warn: Callable[[str], None]
) -> Callable[[], Iterator[Exchange]]:
    builder = Builder(ledger, Router(config.capture.routes, config.capture.route_by), warn)
    ready = sources(config, formats(config, logs), builder)

    def stream() -> Iterator[Exchange]:
        for source in ready:
            yield from source.stream()

    if config.gate.stop_on != "any":
        return stream
    return lambda: shuffled(stream(), config.sessions.by, config.send.seed)


def shuffled(exchanges: Iterator[Exchange], session_by: str, seed: int) -> Iterator[Exchange]:
    """Whole sessions in random order: a log in time order is no random sample (DESIGN, --stop-on any)."""
    finder = Sessions(session_by, lambda _: None)
    groups: dict[str, list[Exchange]] = {}
    for number, exchange in enumerate(exchanges):
        if number == MAX_SHUFFLED:
            raise UsageError(
                f"--stop-on any shuffles the whole log in memory and takes at most {MAX_SHUFFLED} exchanges; "
                "use --stop-on fail, or --sample"
            )
        placed = finder.place(exchange)
        groups.setdefault(placed.session or f"\0{exchange.id}", []).append(exchange)
    order = list(groups)
    random.Random(seed or None).shuffle(order)
    for key in order:
        yield from groups[key]


def targets(config: Config, run: str) -> tuple[Rewriter, list[Endpoint], tuple[Role, ...]]:
    """(rewriter, endpoints, whom to ask). Raises `UsageError` for a missing or bad URL or header."""
    given = config.targets
    if not given.blue or not given.green:
        missing = "--blue" if not given.blue else "--green"
        raise UsageError(f"{missing} URL is needed (or targets.{missing[2:]} in shadowdiff.toml)")
    roles: list[Role] = []
    made: list[Target] = []
    endpoints: list[Endpoint] = []
    for role in Role:
        url = getattr(given, role.value)
        if not url or (role is Role.BLUE and url == RECORDED):
            continue
        where = _endpoint(config, role, url)
        made.append(Target(role, len(endpoints), where, _headers(given, role)))
        endpoints.append(where)
        roles.append(role)
    if Role.BLUE in roles and Role.TWIN not in roles and config.control.enabled:
        made.append(Target(Role.TWIN, 0, endpoints[0], _headers(given, Role.BLUE)))
    isolator = None
    if config.send.isolation:
        places = [place(text, "isolate.path") for text in (*DEFAULT_PLACES, *(i.path for i in config.isolate))]
        if config.sessions.by:
            key = session_place(config.sessions.by)
            if key.kind in ("header", "json", "cookie") and key.name not in ("authorization", "x-forwarded-for"):
                places.append(key)
        isolator = Isolator(list(dict.fromkeys(places)), run)
    rewriter = Rewriter(
        made, run=run, isolator=isolator, forward_auth=config.send.forward_auth, marker=config.send.marker
    )
    return rewriter, endpoints, tuple(roles)


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
        if any(char in name + value for char in "\r\n\0") or not name.strip():
            raise UsageError(f"--{role.value}-header {name!r}: holds a control character")
        headers[name] = value
    return headers


def _roles(fixed: tuple[Role, ...], config: Config, learner: Learner) -> Callable[[Exchange], tuple[Role, ...]]:
    if Role.TWIN in fixed or Role.BLUE not in fixed or not config.control.enabled:
        return lambda _: fixed
    with_reask = (*fixed, Role.TWIN)

    def choose(exchange: Exchange) -> tuple[Role, ...]:
        again = learner.wants(exchange.route, exchange.unit, exchange.session is not None)
        return with_reask if again else fixed

    return choose


def _pacer(config: Config, endpoints: Sequence[Endpoint]) -> tuple[Pacer, bool]:
    send = config.send
    if send.rate and send.speed:
        raise UsageError("--rate and --speed exclude each other: one fixes the rate, the other follows the log")
    gap = units.duration(send.max_gap, "--max-gap") if send.max_gap else None
    if send.speed:
        return Pacer(speed=units.speed(send.speed, "--speed"), max_gap=gap), True
    if send.rate == "max" or (not send.rate and all(e.loopback for e in endpoints)):
        return Pacer(), False
    return Pacer(rate=units.rate(send.rate, "--rate") if send.rate else DEFAULT_RATE), bool(send.rate)


def _decoders() -> list[Any]:
    extra = [name for name, plugin in plugins.registered("decoders").items() if not plugin.ours]
    return [plugins.build("decoders", name) for name in (*DECODERS, *extra)]
