"""Judge, show and render saved runs: no traffic, and none of the network code is imported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import msgspec

import shadowdiff
from shadowdiff import plugins, runinfo, tape
from shadowdiff.errors import SourceError, UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.model.tally import Ledger, Shard, Tally, merge
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.examples import Examples
from shadowdiff.run.accept import Accepted
from shadowdiff.run.limits import gate_limits
from shadowdiff.settings import Config, Control, GateRules, Report

READING_SIDE = ("unreadable", "filtered", "sampled_out", "skipped", "dropped", "warmup")


def tally_of(
    results: Sequence[Path], examples: Examples | None = None, accepted: Accepted | None = None
) -> tuple[Tally, runinfo.RunInfo | None]:
    """Count every comparisons file; the same shard given twice counts once."""
    tally: Tally | None = None
    first: runinfo.RunInfo | None = None
    for result in results:
        info = runinfo.info(result)
        first = first or info
        if examples is not None:
            examples.confirmed.update(runinfo.confirmed(result))
        for path in runinfo.files(result):
            one = _shard(path, info, examples, accepted)
            tally = one if tally is None else merge(tally, one)
    if tally is None:
        raise UsageError("gate: give at least one run folder or comparisons file")
    return tally, first


def judge(
    results: Sequence[Path],
    limits: Limits | None,
    examples: Examples | None = None,
    accepted: Accepted | None = None,
) -> tuple[Verdict, Shard]:
    """The verdict on saved results, under their own gate settings unless `limits` are given."""
    tally, info = tally_of(results, examples, accepted)
    limits = limits or (limits_of(info) if info is not None else Limits())
    verdict: Verdict = plugins.build("gates", limits.mode, limits=limits).judge(tally)
    total = tally.total()
    if accepted is not None:
        verdict = msgspec.structs.replace(verdict, notes=(*verdict.notes, *accepted.notes()))
    if not tally.complete:
        note = "the run was cut short: the ledger's reading side is from its last checkpoint"
        verdict = msgspec.structs.replace(verdict, notes=(*verdict.notes, note))
        if verdict.verdict is Status.PASS:
            # the missing pairs may be the slow ones, which are often the bad ones (gate.md 5.1)
            verdict = msgspec.structs.replace(
                verdict, verdict=Status.INCONCLUSIVE, exit_code=3,
                reason=f"the run did not finish, so it cannot pass; so far {verdict.reason}",
            )  # fmt: skip
    if info is not None and info.exploratory and verdict.verdict in (Status.PASS, Status.FAIL):
        verdict = msgspec.structs.replace(
            verdict, verdict=Status.INCONCLUSIVE, exit_code=3,
            reason=f"exploratory, {info.exploratory}; it would read: {verdict.verdict}, {verdict.reason}",
        )  # fmt: skip
    if info is not None:
        verdict = msgspec.structs.replace(
            verdict, config_hash=info.config_hash, started_at=info.started_at, service=info.service,
            candidate=info.candidate,
        )  # fmt: skip
    return msgspec.structs.replace(verdict, tool_version=shadowdiff.__version__), total


def limits_of(info: runinfo.RunInfo) -> Limits:
    """The gate settings a run was made with."""
    config = Config(
        gate=msgspec.convert(info.gate, GateRules),
        control=msgspec.convert(info.control, Control),
        report=Report(lang=info.lang),
    )
    return gate_limits(config, info.paired)


def find(result: Path, wanted: str) -> tape.Line:
    """The line of one comparison by id. Raises `SourceError` when no line has it."""
    for path in runinfo.files(result):
        for line in tape.read(path):
            if line["id"] == wanted:
                return line
    raise SourceError(f"{result}: no comparison has the id {wanted!r}; ids are in comparisons.jsonl")


def _shard(path: Path, info: runinfo.RunInfo | None, examples: Examples | None, accepted: Accepted | None) -> Tally:
    state = runinfo.state(path)
    shard_id = state.shard if state else f"{info.run if info else path.resolve()}/{path.stem}"
    ledger = Ledger()
    paired = bool(info and info.paired)
    recorded = bool(info and info.targets.get("blue") == "recorded")
    by_request = bool(info and info.gate.get("unit") == "request")
    counter = Counter(shard_id, ledger, paired=paired, blue_asked=not recorded, by_request=by_request)
    still_open = set(state.open_units) if state and state.complete else set()
    count(path, counter, examples, still_open, accepted)
    _reading_side(ledger, state)
    # a comparisons file on its own says nothing about its run; beside run.json a missing state is a cut run
    counter.tally.complete = state.complete if state is not None else info is None
    return counter.tally


def count(
    path: Path,
    counter: Counter,
    examples: Examples | None,
    still_open: Set[str] = frozenset(),
    accepted: Accepted | None = None,
) -> None:
    """Count every line of a tape; its sessions are closed afterwards, but for those `still_open`."""
    sessions: set[str] = set()
    for line in tape.read(path):
        comparison = tape.decode(line)
        if accepted is not None:
            comparison = accepted.judge(comparison)
        alone = comparison.session is None
        counter.shard.ledger.sent += 1
        counter.opened(comparison.unit, alone, comparison.route)
        counter.add(comparison)
        if examples is not None and line["outcome"] == comparison.outcome:
            examples.take(line, comparison)
        if not alone:
            sessions.add(comparison.unit)
    for unit in sessions - still_open:
        counter.closed(unit)


def _reading_side(ledger: Ledger, state: runinfo.State | None) -> None:
    """Lines say what was sent; the checkpoint says what was held back. The rest was in flight: unsent."""
    if state is None:
        ledger.read = ledger.sent
        return
    for name in READING_SIDE:
        setattr(ledger, name, getattr(state.ledger, name))
    known = sum(getattr(ledger, name) for name in READING_SIDE) + ledger.sent
    ledger.read = max(state.ledger.read, known)
    ledger.unsent = ledger.read - known
    for reason, count in state.ledger.reasons.items():
        if not reason.startswith("errored"):
            ledger.reasons[reason] = count


def curl_lines(line: dict[str, Any], targets: dict[str, str]) -> list[tuple[str, str]]:
    """(role, curl command) for each target; secrets stay redacted, so put your own in."""
    request = line.get("request")
    if request is None:
        return []
    out = []
    for role, base in targets.items():
        if base == "recorded":
            continue
        parts = ["curl", "-sS", "-i", "-X", request["method"]]
        for name, value in request["headers"]:
            if name.lower() not in ("host", "content-length", "connection"):
                parts += ["-H", f"{name}: {value}"]
        if request.get("body"):
            parts += ["--data-binary", request["body"]]
        parts.append(base.rstrip("/") + request["target"])
        out.append((role, shlex.join(parts)))
    return out
