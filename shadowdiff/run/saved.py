"""Judge, show and render saved runs: no traffic, and none of the network code is imported."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

import msgspec

import shadowdiff
from shadowdiff import plugins, runinfo, tape
from shadowdiff.errors import SourceError, UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger, Shard, Tally, merge
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.causes import Causes
from shadowdiff.report.material import Material
from shadowdiff.report.shifts import shifts
from shadowdiff.report.trail import Trail
from shadowdiff.report.words import Words
from shadowdiff.run.accept import Accepted
from shadowdiff.run.gathered import follow
from shadowdiff.run.limits import gate_limits
from shadowdiff.settings import Config, Control, GateRules, Report

READING_SIDE = ("unreadable", "filtered", "sampled_out", "skipped", "dropped", "warmup")


def tally_of(
    results: Sequence[Path],
    collected: Material | None = None,
    accepted: Accepted | None = None,
    limits: Limits | None = None,
) -> tuple[Tally, runinfo.RunInfo | None]:
    """Count every comparisons file; the same shard given twice counts once."""
    tally: Tally | None = None
    first: runinfo.RunInfo | None = None
    for result in results:
        info = runinfo.info(result)
        first = first or info
        if collected is not None:
            collected.confirmed.update(runinfo.confirmed(result))
            collected.targets = collected.targets or (info.targets if info is not None else {})
        for path in runinfo.files(result):
            one = _shard(path, info, collected, accepted, limits)
            tally = one if tally is None else merge(tally, one)
    if collected is not None and tally is not None:
        if len(tally.shards) > 1:  # points of several writers have no common order
            collected.trail = Trail()
        collected.close(tally, None)
    if tally is None:
        raise UsageError("gate: give at least one run folder or comparisons file")
    return tally, first


def judge(
    results: Sequence[Path],
    limits: Limits | None,
    collected: Material | None = None,
    accepted: Accepted | None = None,
) -> tuple[Verdict, Shard]:
    """The verdict on saved results, under their own gate settings unless `limits` are given."""
    tally, info = tally_of(results, collected, accepted, limits)
    limits = limits or limits_of(info)
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
    return named(verdict, info), total


def named(verdict: Verdict, info: runinfo.RunInfo | None) -> Verdict:
    """`verdict` with what a saved run says of itself."""
    if info is not None:
        verdict = msgspec.structs.replace(
            verdict, config_hash=info.config_hash, started_at=info.started_at, service=info.service,
            candidate=info.candidate,
        )  # fmt: skip
    return msgspec.structs.replace(verdict, tool_version=shadowdiff.__version__)


def limits_of(info: runinfo.RunInfo | None) -> Limits:
    """The gate settings a run was made with; the defaults where it does not say."""
    if info is None:
        return Limits()
    config = Config(
        gate=msgspec.convert(info.gate, GateRules),
        control=msgspec.convert(info.control, Control),
        report=Report(lang=info.lang),
    )
    return gate_limits(config, info.paired)


def collect(result: Path, lang: str = "") -> tuple[Verdict, Shard, Material]:
    """A run judged again with everything its reports are made of, in `lang` or the run's own language."""
    info = runinfo.info(result)
    limits = limits_of(info)
    if lang:
        limits = msgspec.structs.replace(limits, lang=lang)
    collected = Material(words_of(info, lang).lang)
    verdict, total = judge([result], limits, collected)
    return verdict, total, collected


def compare(collected: Material, total: Shard, other: Path) -> None:
    """Set `collected` against another run: which causes are new, gone or grown since."""
    _, earlier, before = collect(other)
    collected.shifts = shifts(before.causes, earlier.ledger.judged, collected.causes, total.ledger.judged)
    collected.compared_to = str(other)


def words_of(info: runinfo.RunInfo | None, lang: str = "") -> Words:
    """The language asked for, or that of the run."""
    return Words(lang or (info.lang if info is not None else "en"))


def find(result: Path, wanted: str) -> tape.Line:
    """The line of one comparison by id, or the worst of the cause of that name. Raises `SourceError` for neither."""
    for line in tape.read_all(runinfo.files(result)):
        if line["id"] == wanted:
            return line
    causes = causes_of(result)
    for cause in (*causes.found.values(), *causes.handful(len(causes.found))):
        if cause.name == wanted:
            return find(result, cause.worst)
    raise SourceError(
        f"{result}: no comparison has the id {wanted!r} and no cause that name; shadowdiff show {result} lists causes"
    )


def causes_of(result: Path) -> Causes:
    """Every cause of a run."""
    causes = Causes()
    for line in tape.read_all(runinfo.files(result)):
        if line["outcome"] == Outcome.MISMATCHED:
            causes.add(tape.decode(line))
    return causes


def _shard(
    path: Path,
    info: runinfo.RunInfo | None,
    collected: Material | None,
    accepted: Accepted | None,
    limits: Limits | None,
) -> Tally:
    state = runinfo.state(path)
    shard_id = state.shard if state else f"{info.run if info else path.resolve()}/{path.stem}"
    ledger = Ledger()
    paired = bool(info and info.paired)
    recorded = bool(info and info.targets.get("blue") == "recorded")
    by_request = bool(info and info.gate.get("unit") == "request")
    counter = Counter(shard_id, ledger, paired=paired, blue_asked=not recorded, by_request=by_request)
    still_open = set(state.open_units) if state and state.complete else set()
    if collected is not None:
        follow(collected, counter.tally, limits or limits_of(info))
    count(path, counter, collected, still_open, accepted)
    _reading_side(ledger, state)
    # a comparisons file on its own says nothing about its run; beside run.json a missing state is a cut run
    counter.tally.complete = state.complete if state is not None else info is None
    return counter.tally


def count(
    path: Path,
    counter: Counter,
    collected: Material | None,
    still_open: Set[str] = frozenset(),
    accepted: Accepted | None = None,
) -> None:
    """Count every line of a tape; each session is closed with its last line, but for those `still_open`."""
    last = tape.last_lines(path)
    loose: set[str] = set()
    for number, line in enumerate(tape.read(path), 1):
        comparison = tape.decode(line)
        if accepted is not None:
            comparison = accepted.judge(comparison)
        alone = comparison.session is None
        counter.shard.ledger.sent += 1
        counter.opened(comparison.unit, alone, comparison.route)
        counter.add(comparison)
        if not alone and comparison.unit not in still_open:
            if last.get(comparison.unit) == number:
                counter.closed(comparison.unit)
            elif comparison.unit not in last:  # a tape that was written by other hands
                loose.add(comparison.unit)
        if collected is not None:
            collected.take(line, comparison)
    for unit in loose:
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
