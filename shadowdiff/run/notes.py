"""What a run has to say beside its verdict: pace, ids rewritten and correlated, pauses, noise, sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

import shadowdiff
from shadowdiff.model.tally import LAG_BUCKETS, LATE_S, Shard, quantile
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.plain import bars
from shadowdiff.run import confirm
from shadowdiff.run.accept import Accepted
from shadowdiff.run.facts import Facts, facts_of
from shadowdiff.run.results import RunFolder
from shadowdiff.run.setup import Plan
from shadowdiff.settings import Config
from shadowdiff.tee.handover import Handover
from shadowdiff.units import show_duration

MAX_LISTED = 12


def finished(verdict: Verdict, ready: Plan, folder: RunFolder) -> Verdict:
    """The verdict of one process with everything that the gate does not know."""
    notes = notes_of(facts_of(ready), ready.counter.shard, ready.accepted)
    return named(verdict, ready.config, folder, (*ready.notes, *notes), confirm.counts(ready.confirm.found))


def named(
    verdict: Verdict, config: Config, folder: RunFolder, notes: Sequence[str], confirmed: dict[str, int]
) -> Verdict:
    """The gate's verdict with names, times, notes, and what was asked again."""
    return msgspec.structs.replace(
        verdict,
        service=config.report.service,
        candidate=config.report.candidate or verdict.candidate,
        config_hash=config.hash,
        tool_version=shadowdiff.__version__,
        started_at=folder.started_at,
        updated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        report=str(folder.path / "report.html"),
        notes=(*verdict.notes, *notes),
        confirmed=confirmed,
    )


def notes_of(facts: Facts, shard: Shard, accepted: Accepted | None) -> list[str]:
    """The notes of a run, in the order a reader needs them; `accepted` excused what the facts count."""
    notes = []
    if not shard.ledger.balances:
        notes.append("The ledger does not balance. This is a bug in shadowdiff; please report it with this file.")
    if facts.resumed is not None:
        notes.append(facts.resumed.note())
    if facts.stopping and facts.stopping != "left":
        notes.append(f"Sending stopped: {facts.stopping}.")
    notes += facts.reading
    notes += _pace(shard)
    notes += _sessions(facts, shard)
    if facts.isolated:
        places = ", ".join(f"{name} ×{count}" for name, count in sorted(facts.isolated.items()))
        notes.append(f"Isolation rewrote client-supplied ids per target: {places}.")
    if facts.stripped:
        notes.append(
            f"Authorization or Cookie was stripped from {facts.stripped} exchanges (--forward-auth sends them)."
        )
    if facts.throttled:
        notes.append(f"Targets asked for a pause {facts.throttled} times (429 or overloaded); it was granted.")
    if facts.slowed:
        notes.append(f"Blue became slow {facts.slowed} times, several times its own pace; sending paused for it.")
    spread = {name: sorted(found) for name, found in facts.peers.items() if len(found) > 1}
    for name, found in spread.items():
        notes.append(f"{name} was reached at {len(found)} addresses: {', '.join(found[:8])}.")
    if facts.races:
        notes.append(f"{facts.races} kept connections closed under a request; safe ones were sent once more.")
    if facts.reasks:
        notes.append(
            f"Blue was asked twice for {facts.reasks} exchanges to learn its noise: {len(facts.learnt)} paths vary."
        )
    if accepted is not None:
        accepted.count = facts.accepted
        notes += accepted.notes()
    if text := confirm.note(facts.confirmed, facts.unconfirmed_turns, facts.unconfirmed):
        notes.append(text)
    if facts.evicted:
        notes.append(f"{facts.evicted} sessions were closed early: too many open at once.")
    return notes


def _pace(shard: Shard) -> Iterator[str]:
    if not shard.lag:
        return
    p50, p99 = (_bound(quantile(shard.lag, share, LAG_BUCKETS)) for share in (0.5, 0.99))
    yield (
        f"Pace: {sum(shard.lag)} exchanges on schedule, lag p50 {p50}, p99 {p99}, "
        f"worst {show_duration(shard.worst_lag_s)}  {bars(shard.lag)} (100 µs to 20 s)."
    )
    if not shard.kept_pace:
        yield (
            f"Could not keep pace: {shard.late} of {sum(shard.lag)} exchanges went out over {LATE_S * 1000:.0f} ms "
            "late, so latencies are of another load; raise --max-in-flight or lower the rate."
        )


def _bound(value: float | None) -> str:
    return "over 20 s" if value is None or value == float("inf") else f"≤ {show_duration(value)}"


def _sessions(facts: Facts, shard: Shard) -> Iterator[str]:
    if facts.handed is not None:
        handover = Handover(facts.handed.turns)
        for name in ("sessions", "switched", "returned"):
            setattr(handover, name, getattr(facts.handed, name))
        for turn, count in shard.first_diverging.items():
            handover.diverged(turn, count)
        yield handover.line()
    if shard.first_diverging:
        turns = sorted(shard.first_diverging.items(), key=lambda item: (-item[1], item[0]))[:MAX_LISTED]
        yield "First diverging turn of sessions: " + ", ".join(f"turn {turn} ×{count}" for turn, count in turns) + "."
    used = [found for found in facts.found.values() if found.replaced or found.absent]
    for found in sorted(used, key=lambda one: -sum(one.replaced.values()))[:MAX_LISTED]:
        counts = ", ".join(f"{role} ×{count}" for role, count in sorted(found.replaced.items())) or "never"
        absent = "".join(f"; {role} minted none ×{count}" for role, count in sorted(found.absent.items()))
        yield f"Correlation: {found.source} ({found.why}), {found.sessions} values; replaced for {counts}{absent}."
    if len(used) > MAX_LISTED:
        yield f"Correlation: {len(used) - MAX_LISTED} more kinds of values were replaced."
    if facts.forgotten:
        yield f"{facts.forgotten} sessions lost what their targets minted: too many at once."
