"""Lead several worker processes through one log: one live verdict, one early stop, one report.

Counts come from each worker as they grow and are merged per shard; the gate is asked about all of them together. A
worker that dies is started again from its checkpoint, and that is said. See `worker` for what each does.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.act.guard import Guard
from shadowdiff.errors import ShadowdiffError, WorkerError
from shadowdiff.gate import rules
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.report import terminal
from shadowdiff.report.words import Words
from shadowdiff.run import confirm
from shadowdiff.run.around import GRACE_S, Interrupted, conclude
from shadowdiff.run.facts import Facts
from shadowdiff.run.gathered import material
from shadowdiff.run.notes import named, notes_of
from shadowdiff.run.pipeline import STOPPED_BY_GATE
from shadowdiff.run.results import RunFolder
from shadowdiff.run.setup import Plan
from shadowdiff.run.worker import Done, Stop, Task, Told, work
from shadowdiff.tee.sender import DRAIN_S
from shadowdiff.tee.share import Share

MAX_STARTS = 4
"""Of one worker; one that dies every time would otherwise send the same exchanges for ever."""
JOIN_S = 5.0


async def lead(
    ready: Plan, folder: RunFolder, logs: list[Path], console: Any, guard: Guard, verbose: bool = False
) -> Verdict:
    """Replay with `--workers`; `ready` is checked and never sent. Raises what a worker raised, or `WorkerError`."""
    config, words = ready.config, Words(ready.config.report.lang)
    count = config.send.workers
    shuffle = config.send.seed or random.randrange(1, 1 << 31)
    tasks = [
        Task(
            config, logs, folder.path, folder.info, Share(number, count), shuffle, folder.resumed, 0, verbose,
            console.quiet,
        )
        for number in range(count)
    ]  # fmt: skip
    crew = Crew(tasks, ready, terminal.warner(console, words))
    interrupted = Interrupted()
    interrupted.handle(lambda why: crew.stop(why, GRACE_S), lambda: crew.stop("", 0.0))
    live = terminal.Live(
        console, crew.total, lambda: crew.in_flight, lambda: rules.interval(crew.tally, ready.limits), words
    )
    try:
        await crew.run(live.tick)
    finally:
        live.stop()
    collected, facts = material(config), Facts()
    for done in crew.done.values():
        collected.join(done.collected)
        facts.join(done.facts)
    total = crew.total()
    shown = [*crew.notes(), *notes_of(facts, total, ready.accepted)]
    verdict: Verdict = ready.gate.judge(crew.tally)
    verdict = named(verdict, config, folder, shown, confirm.counts(facts.confirmed))
    verdict = interrupted.over(verdict, total.ledger.sent)
    return await conclude(verdict, ready.run, total, folder, config, collected, console, guard)


class Crew:
    """Owns the processes."""

    def __init__(self, tasks: list[Task], ready: Plan, warn: Any) -> None:
        self._tasks = tasks
        self._ready = ready
        self._warn = warn
        self._pipes: dict[int, Connection] = {}
        self._stopped: Stop | None = None
        self._died: list[str] = []
        self._flying: dict[int, int] = {}
        self.tally = Tally(paired=ready.counter.tally.paired, complete=False)
        self.done: dict[int, Done] = {}

    async def run(self, tick: Any) -> None:
        """Start all, hear all until each is done."""
        async with asyncio.TaskGroup() as group:
            for task in self._tasks:
                group.create_task(self._tend(task, tick))
        self.tally.complete = all(done.complete for done in self.done.values())

    def stop(self, why: str, drain_s: float) -> None:
        """Every worker sends nothing new, and waits so long for what is in the air."""
        self._stopped = Stop(why or (self._stopped.why if self._stopped else ""), drain_s)
        for pipe in self._pipes.values():
            self._tell(pipe)

    def total(self) -> Shard:
        """Everything counted so far."""
        return self.tally.total()

    @property
    def in_flight(self) -> int:
        """Exchanges in the air, of all workers."""
        return sum(self._flying.values())

    def notes(self) -> Iterator[str]:
        """Who died, and what the workers said of their settings."""
        yield from self._died
        yield from dict.fromkeys(note for done in self.done.values() for note in done.notes)

    async def _tend(self, task: Task, tick: Any) -> None:
        number = task.share.number
        for tries in range(MAX_STARTS):
            again = msgspec.structs.replace(task, tries=tries, resume=task.resume or tries > 0)
            code = await self._once(again, tick)
            if number in self.done:
                return
            if code is not None and code > 0:
                raise RuntimeError(f"worker {number} ended with {code}; what went wrong stands above")
            how = signal.Signals(-code).name if code else "its pipe broke"
            if tries + 1 < MAX_STARTS:
                self._warn(f"worker {number} died ({how}); it is started again from its checkpoint")
                self._died.append(f"Worker {number} died ({how}) and went on from its checkpoint.")
        raise WorkerError(
            f"worker {number} died {MAX_STARTS} times (lastly: {how}); is there memory for so many workers? "
            "--resume goes on from here"
        )

    async def _once(self, task: Task, tick: Any) -> int | None:
        """One life of a worker: its exit code, negative where a signal ended it."""
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        process = context.Process(target=work, args=(task, theirs), name=f"shadowdiff worker {task.share.number}")
        await asyncio.to_thread(process.start)
        theirs.close()
        self._pipes[task.share.number] = mine
        if self._stopped is not None:
            self._tell(mine)
        try:
            while (message := await asyncio.to_thread(_receive, mine)) is not None:
                self._take(task, message, tick)
            await asyncio.to_thread(process.join, JOIN_S)
        finally:
            del self._pipes[task.share.number]
            self._flying.pop(task.share.number, None)
            if process.is_alive():
                process.terminate()
            mine.close()
        return process.exitcode

    def _take(self, task: Task, message: object, tick: Any) -> None:
        if isinstance(message, ShadowdiffError):
            raise message
        if isinstance(message, Told | Done):
            shard = message.shard
            self.tally.shards[shard.id] = shard  # not merged: a worker started again has less than it had told
        if isinstance(message, Told):
            self._flying[task.share.number] = message.in_flight
            if self._stopped is None and self._decided():
                self.stop(STOPPED_BY_GATE, DRAIN_S)
        elif isinstance(message, Done):
            self.done[task.share.number] = message
        tick()

    def _decided(self) -> bool:
        """Whether `--stop-on` lets what all have counted end the run; see `pipeline.decided`."""
        ready, total = self._ready, self.total()
        if ready.stop_on == "none":
            return False
        paired = self.tally.paired
        return bool(ready.gate.fails(total, paired) or (ready.stop_on == "any" and ready.gate.passes(total, paired)))

    def _tell(self, pipe: Connection) -> None:
        with contextlib.suppress(OSError):  # it has ended by itself
            pipe.send(self._stopped)


def _receive(pipe: Connection) -> object:
    """The next message, None where the other end is gone."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None
