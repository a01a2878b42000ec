"""Replay a Kafka topic as one process of a group: what stands around it, from joining to the merged verdict."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shadowdiff import plugins
from shadowdiff.capture.kafka import Member
from shadowdiff.errors import UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.net import kafka
from shadowdiff.report import terminal
from shadowdiff.report.words import Words
from shadowdiff.run import pipeline
from shadowdiff.run.actions import guard_of
from shadowdiff.run.around import (
    Interrupted,
    calm_collector,
    conclude,
    progress,
    raise_file_limit,
    reachable,
    run_loop,
)
from shadowdiff.run.captures import builder_of, holder
from shadowdiff.run.gathered import material
from shadowdiff.run.group import Group, Staying
from shadowdiff.run.notes import finished
from shadowdiff.run.publishing import client_settings, named_group
from shadowdiff.run.results import RunFolder, confirming
from shadowdiff.run.resume import same_run
from shadowdiff.run.setup import Plan, pacing, plan
from shadowdiff.run.shared import Shared
from shadowdiff.run.telemetry import tracing
from shadowdiff.settings import Config, digest


def run(
    config: Config, topic: str, out: Path | None, junitxml: Path | None, console: Any, verbose: bool = False
) -> Verdict:
    """Replay `topic`; returns what all processes of the group have counted. Raises the errors of `errors`."""
    place = kafka.place_of(topic)
    settings = client_settings(config, place)
    _refuse(config)
    raise_file_limit()
    calm_collector()
    words = Words(config.report.lang)
    name = config.kafka.group
    run_id = digest([name, place.topic, same_run(config)])

    async def main() -> Verdict:
        made: list[Group] = []
        counting: list[Callable[[str, Ledger], Counter]] = []

        def count(_: str, ledger: Ledger, **kind: bool) -> Shared:
            counting.append(lambda shard, own: Counter(shard, own, **kind))
            return Shared(kind["paired"])

        def live(ledger: Ledger) -> Group:
            builder = builder_of(config, ledger, terminal.warner(console, words))
            source = plugins.build(
                "sources", "jsonl", path=Path(place.topic), builder=builder, post=config.capture.post
            )
            made.append(Group(place, name, builder, source.one, counting[0], config.report.store_bodies))
            return made[0]

        ready = plan(
            config, [], terminal.warner(console, words), live=live, run_id=run_id, counting=count,
        )  # fmt: skip
        group = made[0]
        folder = RunFolder(out, config.report.candidate or place.topic, junitxml)
        guard = guard_of(config, folder.audit, lambda text: console.print(words.said(text), markup=False))
        try:
            await reachable(ready.endpoints, config.targets.proxy)
            folder.begin(ready.run, config, [place.url], same_run(config))
            await asyncio.to_thread(kafka.make_topics, place, settings, config.kafka.replicas)
            collected = material(config)
            verdict = await _replayed(ready, group, place, settings, folder, collected, console, verbose)
            total = ready.counter.shard
            return await conclude(verdict, ready.run, total, folder, config, collected, console, guard)
        finally:
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


async def _replayed(
    ready: Plan, group: Group, place: kafka.Place, settings: dict[str, Any], folder: RunFolder, collected: Any,
    console: Any, verbose: bool,
) -> Verdict:  # fmt: skip
    config, words, shared = ready.config, Words(ready.config.report.lang), ready.counter
    info = folder.info
    member = await asyncio.to_thread(
        Member, place, settings, group.name, _own_name(), group, asyncio.get_running_loop(),
        (place.beside(kafka.TALLIES), place.beside(kafka.VERDICTS)),
    )  # fmt: skip
    correlator = ready.rewriter.correlator
    group.begin(
        member,
        shared,  # type: ignore[arg-type]
        info,
        minted=correlator.holds if correlator is not None else lambda _: False,
        look=lambda: _reached(ready),
        stop=lambda why: ready.tee.stop(why or pipeline.STOPPED_BY_GATE),
    )
    ready.tee.adopt(Staying(holder(config), group), pacing(config, ready.endpoints)[0])
    said = [terminal.Mismatches(console, words)] if verbose else []
    ready.sinks = [group, collected, *tracing(config, terminal.warner(console, words)), *said]
    ready.confirm.settled = confirming(folder.path, collected)
    ready.stop_on = "none"  # the group decides, on what all have counted
    interrupted = Interrupted()
    interrupted.stops(ready)
    live = progress(console, ready)
    ready.after_each = lambda _: live.tick()
    member.start()
    try:
        await pipeline.replay(ready)
    finally:
        live.stop()
        member.stop()
        await asyncio.to_thread(member.join)
    if group.error is not None:
        raise group.error
    if group.verdict is not None or interrupted.signal is None:
        shared.completed()  # type: ignore[attr-defined]
    verdict: Verdict = ready.gate.judge(shared.tally)
    if group.verdict is not None and verdict.verdict is not Status.FAIL:
        verdict = group.verdict  # what was counted after it cannot take it back
    for sink in ready.sinks:
        sink.close(shared.tally, verdict)
    return interrupted.over(finished(verdict, ready, folder), shared.shard.ledger.sent)


def _reached(ready: Plan) -> Verdict | None:
    """The FAIL that what all have counted is, where it may stop the run."""
    if ready.config.gate.stop_on == "none":
        return None
    tally = ready.counter.tally
    return ready.gate.judge(tally) if ready.gate.fails(tally.total(), tally.paired) else None


def _refuse(config: Config) -> None:
    """What a group cannot do. Raises `UsageError`."""
    named_group(config, "kafka://", "processes of one group share the topic, once")
    for wrong, flag, instead in (
        (config.send.workers > 1, "--workers", "start as many processes as there are to be"),
        (config.send.loop != 1, "--loop", "a topic is read once by a group"),
        (config.sessions.handover > 0, "--handover", "write the topic to a file first"),
        (config.gate.stop_on == "any", "--stop-on any", "a topic is not shuffled; use --stop-on fail"),
        (config.capture.format not in ("", "jsonl"), "--format", "records are lines of the capture format"),
    ):
        if wrong:
            raise UsageError(f"kafka://: {flag} is for files; {instead}")


def _own_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
