"""Build everything a replay needs from the configuration, and fail before the first request if it cannot.

Settings arrive as arguments; nothing here sends a request. The plan is what `pipeline.replay` walks.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from shadowdiff import plugins, units
from shadowdiff.contracts import Sink, Transport
from shadowdiff.errors import UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Exchange, Later, Role
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.run import accept
from shadowdiff.run.captures import Reading, holder
from shadowdiff.run.confirm import MAX_ASKED, Confirm
from shadowdiff.run.judging import Judging
from shadowdiff.run.limits import gate_limits
from shadowdiff.run.resume import Kept, Resumed
from shadowdiff.run.scoring import judging
from shadowdiff.run.targets import RECORDED, isolated_as, targets
from shadowdiff.run.telemetry import traced
from shadowdiff.score.noise import Learner
from shadowdiff.settings import Config
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.budget import Budget
from shadowdiff.tee.handover import Handover
from shadowdiff.tee.pace import Pacer
from shadowdiff.tee.rewrite import Rewriter
from shadowdiff.tee.sender import Tee
from shadowdiff.tee.session import Sessions
from shadowdiff.tee.share import WHOLE, Share

DEFAULT_RATE = 50.0
BUFFERED_BYTES = 256 << 20
MAX_CONFIRM = 10


class Feed(Protocol):
    """The reading side of a run."""

    def stream(self) -> Iterator[Exchange | Later]:
        """Every exchange in sending order."""
        ...

    def ahead(self, taken: int) -> int:
        """Exchanges that were read and that nobody took."""
        ...

    def notes(self) -> list[str]:
        """What reading needed."""
        ...


class LiveFeed(Feed, Protocol):
    """One that has to know what became of each exchange."""

    def passed(self, exchange: Exchange, what: str, why: str) -> None:
        """An exchange that will not be compared, by its name in the ledger."""
        ...


class Plan(msgspec.Struct):
    """One run, ready to go."""

    run: str
    config: Config
    reading: Feed
    tee: Tee
    judging: Judging
    counter: Counter
    gate: Any
    limits: Limits
    sessions: Sessions
    transport: Transport
    endpoints: list[Endpoint]
    rewriter: Rewriter
    handover: Handover | None
    brake: Brake
    learner: Learner
    ledger: Ledger
    budget: Budget
    confirm: Confirm
    paced: bool
    stop_on: str
    sinks: list[Sink] = []
    after_each: Callable[[Comparison], None] = lambda _: None
    finish: Callable[[Verdict], Verdict] = lambda verdict: verdict
    notes: list[str] = []
    accepted: accept.Accepted | None = None
    resumed: Resumed | None = None


def plan(
    config: Config,
    logs: Sequence[Path],
    warn: Callable[[str], None],
    earlier: Kept | None = None,
    sending: Callable[[Exchange], None] = lambda _: None,
    live: Callable[[Ledger], LiveFeed] | None = None,
    run_id: str = "",
    counting: Callable[..., Any] = Counter,
    asks_blue: bool = True,
    brake: Brake | None = None,
    stamp: str = "",
    share: Share = WHOLE,
    shuffle: int = 0,
) -> Plan:
    """Everything for one replay. Raises `UsageError` or `SourceError`, each with one clear line.

    `earlier` is what an attempt of the same run has settled; `sending` hears of each exchange as it goes out. `live`
    makes the reading side of a run that is fed live, `run_id` names such a run again after a restart, and `counting`
    makes its counter. Without `asks_blue` the exchanges bring blue's answer;
    `stamp` names the rules on each comparison. `share` is what this worker sends of the log, and `shuffle` the seed
    that all workers have in common.
    """
    run = run_id or (earlier.info.run if earlier else uuid.uuid4().hex[:12])
    # a session that starts again must not meet what its cut half wrote: its isolated ids are new
    isolated = isolated_as(config, f"{earlier.info.attempt + 1}{run}" if earlier else run)
    ledger = Ledger()
    handover = _handover(config)
    rewriter, endpoints, roles = targets(config, isolated, handover, asks_blue, traced(config, run))
    send = config.send
    limits = gate_limits(config)
    pacer, paced = pacing(config, endpoints)
    counter = counting(
        f"{run}/{share.number}",
        ledger,
        paired=bool(config.targets.twin),
        blue_asked=config.targets.blue != RECORDED,
        paced=paced,
        by_request=limits.unit == "request",
    )
    sessions = Sessions(config.sessions.by, counter.closed)
    learner = Learner()
    ask = asked(roles, config, learner)
    width = max(1, share.part(send.max_in_flight))
    max_body, kept = _kept_bytes(config, len(roles))
    notes = []
    if kept < max_body:
        notes.append(
            f"with {send.max_in_flight} in flight only {units.show_size(kept)} of each answer is kept (--max-body)"
        )
    amount, unit = units.budget(send.budget, "--budget") if send.budget else (None, "requests")
    budget = Budget(share.part(amount) if amount is not None else None, unit)
    brake = brake or Brake()
    transport = connecting(config, endpoints, kept)
    following = live(ledger) if live is not None else None
    reading = following or Reading(config, logs, ledger, warn, share, shuffle)
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
        done=(lambda exchange: exchange.seq in earlier.done) if earlier else lambda _: False,
        sending=sending,
        passed=following.passed if following else lambda *_: None,
        warmup=share.part(send.warmup),
        share=share,
        handover=handover,
        duration=units.duration(send.duration, "--duration") if send.duration else None,
        opened=lambda exchange: counter.opened(exchange.unit, exchange.session is None, exchange.route),
        withdrawn=lambda exchange: counter.withdrawn(exchange.unit, exchange.session is None, exchange.route),
    )
    scoring = judging(config, run, limits, learner, warn, decode_all=budget.kind == "tokens", stamp=stamp)
    return Plan(
        run=run,
        config=config,
        reading=reading,
        tee=tee,
        judging=scoring,
        counter=counter,
        gate=plugins.build("gates", config.gate.mode, limits=limits),
        limits=limits,
        sessions=sessions,
        transport=transport,
        endpoints=endpoints,
        rewriter=rewriter,
        handover=handover,
        brake=brake,
        learner=learner,
        ledger=ledger,
        budget=budget,
        confirm=Confirm(
            rewriters=[targets(config, f"{n}{isolated}", None, asks_blue)[0] for n in range(_confirmed(config))],
            roles=tuple(role for role in roles if role is not Role.TWIN),
            transport=transport,
            judging=scoring,
            brake=brake,
            budget=budget,
            most=share.part(MAX_ASKED),
        ),
        paced=paced,
        stop_on=config.gate.stop_on or "fail",
        notes=notes,
        accepted=scoring.accepted,
        resumed=earlier.resumed if earlier else None,
    )


def _kept_bytes(config: Config, roles: int) -> tuple[int, int]:
    """(bytes of an answer to keep as asked, bytes kept so that all in flight stay within BUFFERED_BYTES)."""
    asked = units.size(config.send.max_body, "send.max_body")
    return asked, min(asked, max(16 << 10, BUFFERED_BYTES // (2 * max(1, config.send.max_in_flight) * roles)))


def connecting(config: Config, endpoints: list[Endpoint], kept: int = 0) -> Transport:
    """What sends. `kept` is bytes of an answer to keep, 0 as the configuration says."""
    send = config.send
    transport: Transport = plugins.build(
        "transports", send.transport, endpoints=endpoints, seed=send.seed or None,
        max_body=kept or _kept_bytes(config, len(endpoints))[1],
        **({"proxy": config.targets.proxy} if config.targets.proxy else {}),
    )  # fmt: skip
    return transport


def asked(fixed: tuple[Role, ...], config: Config, learner: Learner) -> Callable[[Exchange], tuple[Role, ...]]:
    if Role.TWIN in fixed:
        return _share_of_twin(fixed, units.percent(config.control.share, "control.share (--control-share)"))
    if Role.BLUE not in fixed or not config.control.enabled or config.sessions.handover:
        return lambda _: fixed
    with_reask = (*fixed, Role.TWIN)

    def choose(exchange: Exchange) -> tuple[Role, ...]:
        again = learner.wants(exchange.route, exchange.unit, exchange.session is not None)
        return with_reask if again else fixed

    return choose


def _share_of_twin(roles: tuple[Role, ...], share: float) -> Callable[[Exchange], tuple[Role, ...]]:
    """Ask the twin for a share of the units, stable by hash: a whole session goes one way."""
    if share >= 1:
        return lambda _: roles
    without = tuple(role for role in roles if role is not Role.TWIN)
    return lambda exchange: roles if zlib.crc32(exchange.unit.encode()) < share * (1 << 32) else without


def _confirmed(config: Config) -> int:
    """How often a mismatch is asked again. Raises `UsageError`."""
    if not 0 <= config.control.confirm <= MAX_CONFIRM:
        raise UsageError(f"--confirm {config.control.confirm}: between 0 and {MAX_CONFIRM} times")
    return 0 if config.sessions.handover else config.control.confirm


def _handover(config: Config) -> Handover | None:
    """The hand-over asked for. Raises `UsageError` where it could not be what it says."""
    turns = config.sessions.handover
    if not turns:
        return None
    if turns < 0:
        raise UsageError(f"--handover {turns}: write how many turns blue answers before green takes over")
    if config.targets.blue == RECORDED:
        raise UsageError("--handover needs a blue that answers; `--blue recorded` cannot share a store with green")
    if not config.send.isolation:
        raise UsageError("--handover needs isolation: without it both lanes would write the same sessions")
    return Handover(turns)


def pacing(config: Config, endpoints: Sequence[Endpoint]) -> tuple[Pacer, bool]:
    send = config.send
    if send.rate and send.speed:
        raise UsageError("--rate and --speed exclude each other: one fixes the rate, the other follows the log")
    gap = units.duration(send.max_gap, "--max-gap") if send.max_gap else None
    if send.speed:
        return Pacer(speed=units.speed(send.speed, "--speed"), max_gap=gap), True
    if send.rate == "max" or (not send.rate and all(e.loopback for e in endpoints)):
        return Pacer(), False
    return Pacer(rate=units.rate(send.rate, "--rate") if send.rate else DEFAULT_RATE), bool(send.rate)
