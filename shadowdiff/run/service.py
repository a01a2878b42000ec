"""A run that does not end by itself: a rolling verdict, the API, signals, and what an earlier process counted.

In:  a plan whose reading side is live. Out: the verdict at the end. What feeds it (logs, a relay, a mirror) is known
only to that reading side.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, runinfo, units
from shadowdiff.act import guard
from shadowdiff.config import Source, resolve
from shadowdiff.errors import UsageError
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.window import WindowRules
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import INTERRUPTED
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report import terminal
from shadowdiff.report.jsonlog import JsonConsole, JsonPairs
from shadowdiff.report.prometheus import metrics
from shadowdiff.run import pipeline, saved
from shadowdiff.run.actions import guard_of
from shadowdiff.run.api import address, serving
from shadowdiff.run.around import conclude, on_hangup, on_signals, progress, reachable
from shadowdiff.run.board import Board
from shadowdiff.run.gathered import follow, material
from shadowdiff.run.inbox import Inbox
from shadowdiff.run.latch import Latch
from shadowdiff.run.limits import gate_limits
from shadowdiff.run.live import Live
from shadowdiff.run.notes import finished
from shadowdiff.run.publishing import results
from shadowdiff.run.reload import Change, Reloader
from shadowdiff.run.results import RunFolder, clean, confirming, to_json
from shadowdiff.run.rules import Rules
from shadowdiff.run.scoring import build_header
from shadowdiff.run.setup import Plan
from shadowdiff.run.takeover import Earlier, SentLog, rules_hash, same_service
from shadowdiff.run.telemetry import tracing
from shadowdiff.run.watched import WHOLE, Watched
from shadowdiff.settings import Config
from shadowdiff.tape import TapeSink

ACT_S = 1.0
"""How often a FAIL is looked for, to act on it."""
LAST_S = 1.0
"""What the process in the path closes at the end of its drain still has to arrive here."""
ROLL_S = 10.0
"""How often verdict.json is written, and the page's chart gets a point."""


class Settings(msgspec.Struct, frozen=True):
    """How the service answers and ends."""

    where: tuple[str, int] | None
    token: str
    drain_s: float
    windows: WindowRules


def settings(config: Config, name: str) -> Settings:
    """The settings of the service `name`. Raises `UsageError`, also for what only a replay can do."""
    if config.send.loop != 1 or config.send.speed or config.sessions.handover:
        raise UsageError(f"--loop, --speed and --handover are for replay; {name} takes traffic as it comes")
    service = config.service
    token = resolve(service.token, "service.token (--api-token)")
    return Settings(
        where=address(service.api, token),
        token=token,
        drain_s=units.duration(service.drain, "service.drain (--drain)"),
        windows=WindowRules(
            epoch=service.epoch,
            stale_s=units.duration(service.stale, "service.stale"),
            min_s=units.duration(service.min_open, "service.min_open"),
        ),
    )


def counting(config: Config, windows: WindowRules) -> partial[Watched]:
    """What makes the counter of a service."""
    return partial(
        Watched,
        limits=gate_limits(config),
        rules=windows,
        candidate=config.report.candidate,
        told=bool(build_header(config)),
        judged_by=rules_hash(config),
        gate=partial(_gate, config.gate.mode),
    )


def _gate(mode: str, limits: Limits) -> Any:
    return plugins.build("gates", mode, limits=limits)


class Service:
    """Owns a running service: everything that is asked about it and told to it."""

    def __init__(
        self,
        ready: Plan,
        folder: RunFolder,
        sent: SentLog,
        given: Settings,
        source: Source,
        console: Any,
        verbose: bool = False,
    ) -> None:
        reading, counter = ready.reading, ready.counter
        assert isinstance(reading, Live | Inbox) and isinstance(counter, Watched)  # noqa: S101 - plan made them so
        self._ready = ready
        self._reading = reading
        self._counter = counter
        self._folder = folder
        self._sent = sent
        self._given = given
        self._console = console
        self._latch = Latch(ready)
        self._guard = guard_of(ready.config, folder.audit, self._say)
        self._stopping = ""
        self._collected = follow(material(ready.config), counter.tally, ready.limits)
        self._sink = TapeSink(
            folder.path,
            store=ready.config.report.store_bodies,
            append=folder.resumed,
            soon=asyncio.get_running_loop().call_soon,
        )
        self.rules = Rules(ready, source, self._guard, self._say, self._adopted)
        self.board = Board(ready)
        ready.sinks = [
            self._sink,
            self._collected,
            self.rules.recent,
            self.board,
            *tracing(ready.config, terminal.warner(console)),
        ]
        if isinstance(console, JsonConsole):
            report = ready.config.report
            console.names = {"service": report.service, "candidate": report.candidate}
            ready.sinks.append(JsonPairs(console))
        if verbose:
            ready.sinks.append(terminal.Mismatches(console, self._collected.words))
        ready.confirm.settled = confirming(folder.path, self._collected)
        ready.finish = lambda verdict: finished(self._as_a_whole(verdict), ready, folder)

    async def run(
        self, logs: Sequence[str], before: Earlier | None, fate: str, ready_to: Callable[[], None] = lambda: None
    ) -> Verdict:
        """Count what an earlier process compared (what it had in flight has that `fate`), then serve until told to
        stop. `ready_to` hears when traffic may come.
        """
        ready, folder, given = self._ready, self._folder, self._given
        await reachable(ready.endpoints, ready.config.targets.proxy)
        folder.begin(ready.run, ready.config, [Path(p) for p in logs], same_service(ready.config))
        ready.sinks += results(ready.config, folder.info, lambda: ready.counter.shard)
        if before is not None:
            self._go_on(before, fate)
        live = progress(self._console, ready)

        def after_each(comparison: Comparison) -> None:
            if comparison.why != INTERRUPTED:
                self._reading.settled(comparison.source)
            live.tick()
            self._latch.look(comparison)
            if self._sink.state_due:
                self._keep()

        self._keep()
        ready.after_each = after_each
        on_signals(self._stop)
        async with serving(given.where, given.token, self) as url, asyncio.TaskGroup() as group:
            if url:
                self._say(f"the verdict is at {url}/api/v1/verdict, its page at {url}/")
            tasks = [
                group.create_task(one) for one in (self._roll(), self._act_at_once(), self.rules.reloader.watch())
            ]
            on_hangup(lambda: tasks.append(group.create_task(self.rules.reread())))
            ready_to()
            try:
                verdict = await pipeline.replay(ready)
            finally:
                for task in tasks:
                    task.cancel()
                live.stop()
                self._keep()
        self._keep(complete=True)
        await self.rules.close()
        for sink in ready.sinks:
            sink.close(ready.counter.tally, verdict)
        return await conclude(
            verdict, ready.run, ready.counter.shard, folder, ready.config, self._collected, self._console, self._guard
        )

    # -- what is asked over HTTP ------------------------------------------------------------

    def verdict(self, service: str, candidate: str, step: str) -> Verdict | None:
        """The verdict of a candidate at a step, None for what is not known here."""
        if service not in ("", self._ready.config.report.service):
            return None
        verdict = self._counter.verdict(step, candidate)
        return None if verdict is None else clean(finished(verdict, self._ready, self._folder))

    def metrics(self) -> bytes:
        """OpenMetrics text."""
        return metrics(clean(self._rolling()), self._counter.shard, self.rules.metrics(), self.board.exemplars)

    def state(self) -> dict[str, Any]:
        """What the live page shows."""
        state = self.board.state(clean(self._rolling()), self.reloader, self._collected.causes)
        return state | {"tasks": len(asyncio.all_tasks())}

    def note(self, what: str, said: dict[str, Any]) -> None:
        """A controller told or did something: a line of the audit log."""
        guard.note(self._folder.audit, self._ready.run, what, said)

    def halt(self, why: str) -> None:
        """Send nothing more: somebody said so. What is in the air still counts."""
        if not self._stopping:
            self._stopping = why
            self._ready.confirm.abort()
            self._ready.tee.stop(why, self._given.drain_s)

    @property
    def reloader(self) -> Reloader:
        """Which configuration is in force, and how to go back."""
        return self.rules.reloader

    @property
    def accepting(self) -> bool:
        """Whether it still takes traffic."""
        return not self._ready.tee.stopping and not self._stopping

    # -- its own turns ----------------------------------------------------------------------

    def _go_on(self, before: Earlier, fate: str) -> None:
        """Count what is on the tape; what was judged by other rules is no evidence any more."""
        saved.count(self._folder.path / "comparisons.jsonl", self._counter, self._collected)
        self._latch.restore(self._counter.whole.latched)
        self._guard.recall(self._ready.run)
        again = before.note(fate)
        if before.rules - {rules_hash(self._ready.config)}:
            self._counter.renew(self._ready.limits, rules_hash(self._ready.config))
            self._latch.forget()
            again += " Its rules were others, so that evidence begins anew."
        self._say(again)
        self._ready.notes.append(again)

    def _adopted(self, change: Change) -> None:
        """Other rules are in force: windows and the verdict of the run follow."""
        if change.fresh or change.targets:
            self._counter.renew(self._ready.limits, rules_hash(change.config))
        else:
            self._counter.reread(self._ready.limits)
        self._latch.forget()

    def _as_a_whole(self, verdict: Verdict) -> Verdict:
        """The verdict of the run, or that of its newest window where the run is of several rules or candidates."""
        if not self._counter.own_windows:
            return self._latch.over(verdict)
        found = self._counter.verdict(WHOLE)
        assert found is not None  # noqa: S101 - the whole window is always there
        return msgspec.structs.replace(found, ledger=self._ready.ledger.as_dict())

    def _say(self, text: str) -> None:
        self._console.print(self._collected.words.said(text), markup=False, soft_wrap=True)

    def _rolling(self) -> Verdict:
        judged = self._ready.gate.judge(self._counter.tally)
        return finished(self._as_a_whole(judged), self._ready, self._folder)

    def _keep(self, complete: bool = False) -> None:
        self._sink.state(self._counter.shard, self._counter.open_units, complete, self._ready.tee.stopping)
        self._reading.checkpoint(self._folder.path)
        self._sent.trim(self._reading.places)

    async def _roll(self) -> None:
        while True:
            await asyncio.sleep(ROLL_S)
            self._keep()
            verdict = self._rolling()
            self.board.mark(verdict)
            runinfo.write_result(self._folder.path / "verdict.json", to_json(verdict))

    async def _act_at_once(self) -> None:
        """A FAIL stops the release when it is reached, not when the service ends; one taken back is told too."""
        failed = ""
        while True:
            await asyncio.sleep(ACT_S)
            now = self._latch.reached or self._counter.whole.latched is not None
            if not now and not failed:
                continue
            verdict = clean(self._rolling())
            if verdict.verdict is Status.FAIL:
                failed = verdict.candidate or "-"
                await self._guard.act(verdict, self._ready.run)
                await self._guard.again(verdict)
            elif failed:
                failed = ""
                self._guard.forget(verdict.candidate)
                await self._guard.act(verdict, self._ready.run)
                self._guard.forget(verdict.candidate)

    def _stop(self, number: signal.Signals) -> None:
        """The first signal drains, the second gives up at once."""
        ready = self._ready
        if self._stopping:
            ready.tee.stop(self._stopping, 0.0)
            ready.tee.abort()
            return
        ready.confirm.abort()
        why = self._stopping = f"told to by {number.name}"
        if isinstance(self._reading, Inbox):  # the process in the path drains too, and what it brings still counts
            asyncio.get_running_loop().call_later(self._given.drain_s + LAST_S, self._end, why)
        else:
            ready.tee.stop(why, self._given.drain_s)

    def _end(self, why: str) -> None:
        self._ready.tee.stop(why, 0.0)
