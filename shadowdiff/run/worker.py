"""One of several processes that share a log: sends its sessions, writes its own tape, tells the leader its counts.

In:  a `Task` and a pipe. Out over the pipe: the shard's counts now and then, at once where a mismatch moves them,
and a `Done` at the end. What comes in over it is `Stop`; a pipe that breaks means that the leader is gone, and with
it whoever wanted the answers.
"""

from __future__ import annotations

import asyncio
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from shadowdiff.errors import ShadowdiffError, first_of
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.tally import Shard
from shadowdiff.report import terminal
from shadowdiff.report.material import Material
from shadowdiff.report.words import Words
from shadowdiff.run.around import calm_collector, raise_file_limit, run_loop
from shadowdiff.run.attempt import attempt
from shadowdiff.run.facts import Facts, facts_of
from shadowdiff.run.gathered import material
from shadowdiff.run.journal import Journal
from shadowdiff.run.pipeline import STOPPED_BY_GATE
from shadowdiff.run.publishing import results
from shadowdiff.run.results import confirming
from shadowdiff.run.resume import kept
from shadowdiff.run.setup import Plan, plan
from shadowdiff.runinfo import RunInfo
from shadowdiff.settings import Config
from shadowdiff.tee.share import Share

TELL_S = 0.25
MISMATCH_S = 0.02
"""Between two tellings; the second where a mismatch may have decided the run."""
TRIES_APART = 10
"""Attempts of a run are this far apart in what names isolated ids, so that restarts between them have names too."""


class Task(msgspec.Struct, frozen=True):
    """What a worker is started with. `tries` counts its starts before this one; `resume` says there is a tape."""

    config: Config
    logs: list[Path]
    folder: Path
    info: RunInfo
    share: Share
    shuffle: int = 0
    resume: bool = False
    tries: int = 0
    verbose: bool = False
    quiet: bool = False


class Stop(msgspec.Struct, frozen=True):
    """Send nothing new; what is in the air has so long."""

    why: str
    drain_s: float


class Told(msgspec.Struct, frozen=True):
    """The counts so far."""

    shard: Shard
    in_flight: int


class Done(msgspec.Struct, frozen=True):
    """The end of a share, whole or interrupted."""

    shard: Shard
    facts: Facts
    collected: Material
    notes: list[str]
    complete: bool


def work(task: Task, pipe: Connection) -> None:
    """The process. An error that has a reader is told to the leader; anything else is a crash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the leader, which drains
    raise_file_limit()
    calm_collector()
    try:
        run_loop(lambda: _work(task, pipe))
    except ShadowdiffError as error:
        pipe.send(error)
    except BaseExceptionGroup as group:
        known = group.subgroup(ShadowdiffError)
        if known is None:
            raise
        pipe.send(first_of(known))
    except BrokenPipeError:
        return  # nobody is left to tell


async def _work(task: Task, pipe: Connection) -> None:
    config, share = task.config, task.share
    console = terminal.console(task.quiet)
    earlier = kept(config, task.logs, task.folder, share) if task.resume else None
    if earlier is not None:
        earlier.info.attempt = TRIES_APART * earlier.info.attempt + task.tries
    journal = Journal(task.folder, share.number)

    def sending(exchange: Exchange) -> None:
        journal.sent(exchange.seq)

    warn = terminal.warner(console, Words(config.report.lang))
    ready = plan(
        config, task.logs, warn, earlier, sending, run_id=task.info.run, share=share, shuffle=task.shuffle
    )  # fmt: skip
    ready.stop_on = "none"  # only all shares together decide
    collected = material(config)
    leader = _Leader(pipe, ready)
    ready.confirm.settled = confirming(task.folder, collected)
    try:
        with leader:
            await attempt(
                ready,
                task.folder,
                collected,
                console,
                worker=share.number,
                resumed=earlier is not None,
                verbose=task.verbose,
                each=leader.tell,
                interrupted=lambda: leader.interrupted,
                more=results(config, task.info, lambda: ready.counter.shard),
            )
        shard = ready.counter.shard
        pipe.send(Done(shard, facts_of(ready), collected, ready.notes, not leader.interrupted))
    finally:
        journal.close()
        ready.judging.close()
        await ready.transport.aclose()


class _Leader:
    """The other end of the pipe, while the share is being sent."""

    def __init__(self, pipe: Connection, ready: Plan) -> None:
        self._pipe = pipe
        self._ready = ready
        self._told = 0.0
        self.interrupted = False

    def __enter__(self) -> None:
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())

    def tell(self, comparison: Comparison) -> None:
        """The counts, where it is time."""
        moment = time.monotonic()
        if moment - self._told < (MISMATCH_S if comparison.outcome is Outcome.MISMATCHED else TELL_S):
            return
        self._told = moment
        self._pipe.send(Told(self._ready.counter.shard, self._ready.tee.in_flight))

    def _hear(self) -> None:
        tee = self._ready.tee
        try:
            stop: Stop = self._pipe.recv()
        except (EOFError, OSError):
            stop = Stop("the leader has ended", 0.0)
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        self.interrupted = self.interrupted or stop.why != STOPPED_BY_GATE
        if self.interrupted:
            self._ready.confirm.abort()
        if tee.stopping and not stop.drain_s:
            tee.abort()
        else:
            tee.stop(stop.why, stop.drain_s)
