"""Follow logs as a sidecar: compare what comes, keep a rolling verdict, survive a kill without counting twice.

The run folder is that of a replay, with `tail.json` (where every log was left) beside the tape. A second start on the
same folder goes on: what is on the tape is counted from there, what was in flight is sent again and listed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff import runinfo, tape, units
from shadowdiff.act.guard import Guard
from shadowdiff.capture.progress import Mark
from shadowdiff.capture.tail import STDIN, Follower
from shadowdiff.config import resolve
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.gate import rules
from shadowdiff.gate.window import WindowRules
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import INTERRUPTED, Exchange
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report import terminal
from shadowdiff.report.examples import Examples
from shadowdiff.report.prometheus import metrics
from shadowdiff.run import pipeline, saved
from shadowdiff.run.api import address, serving
from shadowdiff.run.batch import reachable, run_loop
from shadowdiff.run.captures import builder_of
from shadowdiff.run.limits import gate_limits
from shadowdiff.run.live import Live, read_checkpoint
from shadowdiff.run.notes import finished
from shadowdiff.run.results import RunFolder, clean, to_json
from shadowdiff.run.resume import same_run
from shadowdiff.run.setup import Plan, plan
from shadowdiff.run.watched import Watched
from shadowdiff.settings import Config
from shadowdiff.tape import TapeSink

DRAIN_S = 10.0
ROLL_S = 10.0
"""How often verdict.json is written while logs are followed."""
MAX_LISTED = 20
TRIM = 10_000
"""Exchanges sent after which the journal is written anew."""
SENT = "sent.log"


class Before(msgspec.Struct):
    """What an earlier process left in the folder."""

    info: runinfo.RunInfo
    marks: list[Mark]
    passed: dict[str, int]
    places: set[str]
    seq: int
    again: list[str]


def run(config: Config, patterns: Sequence[str], out: Path, from_start: bool, console: Any, verbose: bool) -> Verdict:
    """Follow `patterns` until a signal, --duration, --limit or the end of stdin. Raises the errors of `errors`."""
    if config.send.loop != 1 or config.send.speed or config.sessions.handover:
        raise UsageError("--loop, --speed and --handover are for replay; tail takes lines as they come")
    address(config.service.api, config.service.token)
    window_rules(config)
    before = _before(config, patterns, out)
    unheard: list[str] = []

    def warn(text: str) -> None:
        console.print(f"warning: {text}", markup=False)

    def live(ledger: Ledger) -> Live:
        follower = Follower(
            patterns,
            marks=before.marks if before else (),
            from_start=from_start,
            lost=lambda where, why: warn(f"{where}: {why}"),
        )
        unheard.extend(follower.missing)
        if before is not None:
            for name, count in before.passed.items():
                if name in saved.READING_SIDE:
                    setattr(ledger, name, count)
                    ledger.read += count
            ledger.read += len(before.places)
        return Live(
            follower,
            builder_of(config, ledger, warn, before.seq if before else 0),
            ledger,
            named=config.capture.format or ("jsonl" if config.capture.post else ""),
            post=config.capture.post,
            max_backlog=units.size(config.capture.max_backlog, "capture.max_backlog"),
            done=set(before.places) if before else None,
            passed=before.passed if before else None,
        )

    async def main() -> Verdict:
        journal = _Journal(out)
        counting = partial(
            Watched, limits=gate_limits(config), rules=window_rules(config), candidate=config.report.candidate
        )
        ready = plan(config, [], warn, None, journal.sent, live, before.info.run if before else "", counting)
        folder = RunFolder(out, "tail", None, before.info if before else None)
        try:
            for path in unheard:
                warn(f"{path}: is not there yet; it is read from its start when it comes")
            return await _run(ready, folder, before, patterns, journal, console, verbose)
        finally:
            journal.close()
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


async def _run(
    ready: Plan,
    folder: RunFolder,
    before: Before | None,
    patterns: Sequence[str],
    journal: _Journal,
    console: Any,
    verbose: bool,
) -> Verdict:
    config, reading = ready.config, ready.reading
    assert isinstance(reading, Live)  # noqa: S101 - plan made it from our own maker
    await reachable(ready.endpoints, config.targets.proxy)
    folder.begin(ready.run, config, [Path(p) for p in patterns], same_run(config))
    examples = Examples()
    if before is not None:
        saved.count(folder.path / "comparisons.jsonl", ready.counter, examples)
        console.print(_resumed(before), markup=False)
        ready.notes.append(_resumed(before))
    sink = TapeSink(folder.path, store=config.report.store_bodies, append=before is not None)
    ready.sinks = [sink, examples]
    if verbose:
        ready.sinks.append(terminal.Mismatches(console))
    ready.confirm.settled = folder.confirmed(examples)
    latch = _Latch(ready)
    shard, tally = ready.counter.shard, ready.counter.tally
    live = terminal.Live(console, shard, lambda: ready.tee.in_flight, lambda: rules.interval(tally, ready.limits))

    def keep(complete: bool = False) -> None:
        sink.state(ready.counter.shard, ready.counter.open_units, complete, ready.tee.stopping)
        reading.checkpoint(folder.path)
        journal.trim(reading.places)

    def after_each(comparison: Comparison) -> None:
        if comparison.why != INTERRUPTED:
            reading.settled(comparison.source)
        live.tick()
        latch.look(comparison)
        if sink.state_due:
            keep()

    def rolling() -> Verdict:
        return finished(latch.over(ready.gate.judge(ready.counter.tally)), ready, folder)

    async def roll() -> None:
        while True:
            await asyncio.sleep(ROLL_S)
            keep()
            runinfo.write_whole(folder.path / "verdict.json", to_json(rolling()))

    keep()
    ready.after_each = after_each
    ready.finish = lambda verdict: finished(latch.over(verdict), ready, folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, _stop, ready, number)

    def asked(service: str, candidate: str, step: str) -> bytes | None:
        if service not in ("", config.report.service) or candidate not in ("", config.report.candidate):
            return None
        assert isinstance(ready.counter, Watched)  # noqa: S101 - run made it
        verdict = ready.counter.verdict(step)
        return None if verdict is None else to_json(finished(verdict, ready, folder))

    def measured() -> bytes:
        return metrics(clean(rolling()), shard)

    token = resolve(config.service.token, "service.token (--api-token)")
    where = address(config.service.api, token)
    async with (
        serving(where, token, asked, measured, lambda: not ready.tee.stopping) as url,
        asyncio.TaskGroup() as group,
    ):
        if url:
            console.print(f"the verdict is at {url}/api/v1/verdict", markup=False, soft_wrap=True)
        writing = group.create_task(roll())
        try:
            verdict = await pipeline.replay(ready)
        finally:
            writing.cancel()
            live.stop()
            keep()
    keep(complete=True)
    for one in ready.sinks:
        one.close(ready.counter.tally, verdict)
    folder.finish(verdict, ready.counter.shard, examples)
    terminal.show_verdict(console, verdict, str(folder.path))
    await Guard(folder.audit).act(verdict, ready.run)
    return verdict


class _Latch:
    """A FAIL that was reached while the run went on stays one: later traffic cannot take it back."""

    def __init__(self, ready: Plan) -> None:
        self._ready = ready
        self._held: Verdict | None = None

    def look(self, comparison: Comparison) -> None:
        """Ask after each mismatch whether it is a FAIL now."""
        if self._held is not None or comparison.outcome is not Outcome.MISMATCHED:
            return
        gate, counter = self._ready.gate, self._ready.counter
        if gate.fails(counter.shard, counter.tally.paired):
            self._held = gate.judge(counter.tally)

    def over(self, verdict: Verdict) -> Verdict:
        """`verdict`, or the FAIL that came before it."""
        held = self._held
        if held is None or held.verdict is not Status.FAIL or verdict.verdict is Status.FAIL:
            return verdict
        return msgspec.structs.replace(
            verdict, verdict=held.verdict, reason=held.reason, exit_code=held.exit_code, explanation=held.explanation,
            notes=(*verdict.notes, f"The FAIL was reached after {held.divergence.n} units and stays."),
        )  # fmt: skip


class _Journal:
    """`sent.log`: the places of what went out, so that after a kill what was in flight can be named."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SENT
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
            self._path.chmod(0o600)
        except OSError as error:
            raise UsageError(f"--out {folder}: cannot be written ({error.strerror})") from None
        self._count = 0

    def sent(self, exchange: Exchange) -> None:
        self._count += 1
        try:
            self._file.write(f"{exchange.source}\n".encode())
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written ({error.strerror})") from None

    def trim(self, open_: Collection[str]) -> None:
        """Keep only what is still open, now and then: the file must not grow with the traffic."""
        if self._count < TRIM and (open_ or not self._count):
            return
        self._file.truncate(0)
        self._file.write("".join(f"{place}\n" for place in open_).encode())
        self._count = 0

    def close(self) -> None:
        self._file.close()


def window_rules(config: Config) -> WindowRules:
    """The windows of the configuration. Raises `UsageError`."""
    return WindowRules(
        epoch=config.service.epoch,
        stale_s=units.duration(config.service.stale, "service.stale"),
        min_s=units.duration(config.service.min_open, "service.min_open"),
    )


def _stop(ready: Plan, number: signal.Signals) -> None:
    """The first signal drains, the second gives up at once."""
    if ready.tee.stopping.startswith("told to by"):
        ready.tee.abort()
        return
    ready.confirm.abort()
    ready.tee.stop(f"told to by {number.name}", DRAIN_S)


def _before(config: Config, patterns: Sequence[str], out: Path) -> Before | None:
    """What an earlier process left in `out`. Raises `UsageError` where it followed something else."""
    info = runinfo.info(out) if out.is_dir() else None
    if info is None:
        return None
    checkpoint = read_checkpoint(out)
    if checkpoint is None:
        raise UsageError(f"--out {out}: holds another run; name another folder")
    if info.logs != [str(Path(p)) for p in patterns] or info.resume_hash != same_run(config):
        raise UsageError(f"--out {out}: was made from other logs or with other settings; name another folder")
    if STDIN in patterns:
        raise UsageError(f"--out {out}: stdin cannot be read again; name another folder")
    path, places, seq = out / "comparisons.jsonl", set[str](), 0
    fresh = out / "comparisons.tmp"
    with fresh.open("wb") as file:
        fresh.chmod(0o600)
        for line in tape.read(path) if path.exists() else ():
            place = line.get("source") or line["id"]
            seq = max(seq, line["seq"])
            if line.get("why") != INTERRUPTED and place not in places:
                file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                places.add(place)
    fresh.replace(path)
    journal = out / SENT
    sent = journal.read_text("utf-8", "replace").split("\n") if journal.exists() else []
    again = list(dict.fromkeys(place for place in sent if place and place not in places))
    with (out / "resent.txt").open("a") as file_:
        file_.writelines(f"{place}\n" for place in again)
    return Before(info, checkpoint.marks, checkpoint.passed, places, seq, again)


def _resumed(before: Before) -> str:
    text = f"Going on: {len(before.places)} exchanges were compared before"
    if before.again:
        more = f" and {len(before.again) - MAX_LISTED} more" if len(before.again) > MAX_LISTED else ""
        text += f"; {len(before.again)} were in flight and are sent again (resent.txt): "
        text += ", ".join(before.again[:MAX_LISTED]) + more
    return text + "."
