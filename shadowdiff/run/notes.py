"""What a run has to say beside its verdict: pace, ids rewritten and correlated, pauses, noise, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

import shadowdiff
from shadowdiff.model.tally import LAG_BUCKETS, LATE_S, Shard, quantile
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.plain import bars
from shadowdiff.run.results import RunFolder
from shadowdiff.run.setup import Plan
from shadowdiff.units import show_duration

MAX_LISTED = 12


def finished(verdict: Verdict, ready: Plan, folder: RunFolder) -> Verdict:
    """The gate's verdict with everything that the gate does not know: names, times, notes."""
    config = ready.config
    return msgspec.structs.replace(
        verdict,
        service=config.report.service,
        candidate=config.report.candidate or verdict.candidate,
        config_hash=config.hash,
        tool_version=shadowdiff.__version__,
        started_at=folder.started_at,
        updated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        report=str(folder.path / "report.html"),
        notes=(*verdict.notes, *ready.notes, *notes_of(ready)),
        confirmed=ready.confirm.counts,
    )


def notes_of(ready: Plan) -> list[str]:
    """The notes of a run, in the order a reader needs them."""
    notes = []
    if not ready.ledger.balances:
        notes.append("The ledger does not balance. This is a bug in shadowdiff; please report it with this file.")
    if ready.tee.stopping and ready.tee.stopping != "left":
        notes.append(f"Sending stopped: {ready.tee.stopping}.")
    shard = ready.counter.shard
    notes += ready.reading.notes()
    notes += _pace(shard)
    notes += _sessions(ready, shard)
    if ready.rewriter.isolated:
        places = ", ".join(f"{name} ×{count}" for name, count in sorted(ready.rewriter.isolated.items()))
        notes.append(f"Isolation rewrote client-supplied ids per target: {places}.")
    if ready.rewriter.stripped_credentials:
        notes.append(
            f"Authorization or Cookie was stripped from {ready.rewriter.stripped_credentials} exchanges "
            "(--forward-auth sends them)."
        )
    if ready.brake.throttled:
        notes.append(f"Targets asked for a pause {ready.brake.throttled} times (429 or overloaded); it was granted.")
    spread = {name: sorted(found) for name, found in getattr(ready.transport, "peers", {}).items() if len(found) > 1}
    for name, found in spread.items():
        notes.append(f"{name} was reached at {len(found)} addresses: {', '.join(found[:8])}.")
    races = getattr(ready.transport, "races", 0)
    if races:
        notes.append(f"{races} kept connections closed under a request; safe ones were sent once more.")
    if ready.learner.reasks:
        learnt = sum(len(found) for found in ready.learner.baseline.noise.values())
        notes.append(
            f"Blue was asked twice for {ready.learner.reasks} exchanges to learn its noise: {learnt} paths vary."
        )
    if ready.accepted is not None:
        notes += ready.accepted.notes()
    if text := ready.confirm.note():
        notes.append(text)
    if ready.sessions.evicted:
        notes.append(f"{ready.sessions.evicted} sessions were closed early: too many open at once.")
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


def _sessions(ready: Plan, shard: Shard) -> Iterator[str]:
    if ready.handover is not None:
        for turn, count in shard.first_diverging.items():
            ready.handover.diverged(turn, count)
        yield ready.handover.line()
    if shard.first_diverging:
        turns = sorted(shard.first_diverging.items(), key=lambda item: (-item[1], item[0]))[:MAX_LISTED]
        yield "First diverging turn of sessions: " + ", ".join(f"turn {turn} ×{count}" for turn, count in turns) + "."
    correlator = ready.rewriter.correlator
    if correlator is None:
        return
    used = [found for found in correlator.found.values() if found.replaced or found.absent]
    for found in sorted(used, key=lambda one: -sum(one.replaced.values()))[:MAX_LISTED]:
        counts = ", ".join(f"{role} ×{count}" for role, count in sorted(found.replaced.items())) or "never"
        absent = "".join(f"; {role} minted none ×{count}" for role, count in sorted(found.absent.items()))
        yield f"Correlation: {found.source} ({found.why}), {found.sessions} values; replaced for {counts}{absent}."
    if len(used) > MAX_LISTED:
        yield f"Correlation: {len(used) - MAX_LISTED} more kinds of values were replaced."
    if correlator.evicted:
        yield f"{correlator.evicted} sessions lost what their targets minted: too many at once."
