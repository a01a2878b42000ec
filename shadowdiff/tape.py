"""Result files: NDJSON, versioned, readable after `kill -9`.

A run folder holds `run.json` (what was compared and how, written first), `comparisons.jsonl` (one settled
exchange a line, `comparisons-<n>.jsonl` a worker) and `state.json` (the ledger, replaced every second).
Lines older than `VERSION` pass through one-step migrations; a torn last line is what a kill leaves.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff import lines, redact, stored
from shadowdiff.errors import OutputError, SourceError, UsageError
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity, Timings
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.runinfo import State, comparisons, write_result

VERSION = 1
STATE_S = 1.0

Line = dict[str, Any]
_UNIT = re.compile(rb'"unit":("(?:[^"\\]|\\.)*")')
"""Ours stands before anything that a target said; inside strings quotes are escaped."""
_SESSION = b'"session":"'
MIGRATIONS: dict[int, Callable[[Line], Line]] = {}
"""From version to the function that makes the next one."""


class TapeSink:
    """Writes one worker's comparisons as they settle: a kill loses only what was in flight."""

    def __init__(
        self,
        folder: Path,
        *,
        worker: int | None = None,
        store: str = "mismatched",
        max_body: int = stored.MAX_BODY,
        append: bool = False,
        clock: Callable[[], float] = time.monotonic,
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """`store` is mismatched, all or none: which pairs keep their redacted bodies. Raises `UsageError`.

        `append` goes on after the lines of an earlier attempt. `soon` calls a function at the end of this turn of the
        event loop, so that the lines of a turn go out in one write; without it each goes out at once.
        """
        self._soon = soon
        self._waiting: list[bytes] = []
        self._failed: OutputError | None = None
        suffix = "" if worker is None else f"-{worker}"
        self._folder = folder
        self._suffix = suffix
        self._store = store
        self._max = max_body
        self._clock = clock
        self._stated = clock()
        path = comparisons(folder, worker)
        try:
            self._file = path.open("ab" if append else "wb", buffering=0)
            path.chmod(0o600)
        except OSError as error:
            raise UsageError(f"--out {folder}: cannot be written ({error.strerror})") from None

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Write one line. Raises `OutputError`, for this line or for one before it."""
        self._waiting.append(encode(comparison, pair, self._store, self._max))
        if self._soon is None:
            self._flush()
        elif len(self._waiting) == 1:
            self._soon(self._flush)
        self._check()

    def _flush(self) -> None:
        """Write what waits; what goes wrong is raised by the next call from outside."""
        data = memoryview(b"".join(self._waiting))
        self._waiting.clear()
        try:
            while data:  # a nearly full disk takes part of a write
                data = data[self._file.write(data) :]
        except OSError as error:
            self._failed = OutputError(
                f"{self._folder}: results cannot be written ({error.strerror}); free some space, then --resume"
            )

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    @property
    def state_due(self) -> bool:
        """Whether `state.json` is a second old."""
        return self._clock() - self._stated >= STATE_S

    def state(self, shard: Shard, open_units: list[str], complete: bool, stopped: str) -> None:
        """Replace `state.json`, once every line that it counts is on the tape."""
        self._flush()
        self._check()
        self._stated = self._clock()
        state = State(shard.id, shard.ledger, open_units[:100_000], complete, stopped)
        write_result(self._folder / f"state{self._suffix}.json", msgspec.json.encode(state))

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Close the file."""
        if not self._file.closed:
            self._flush()
        self._file.close()
        self._check()


def encode(comparison: Comparison, pair: Pair, store: str = "mismatched", max_body: int = stored.MAX_BODY) -> bytes:
    """One redacted line, with its newline. `pair` gives the bodies that are kept."""
    c = comparison
    line: dict[str, Any] = {
        "v": VERSION,
        "id": c.id,
        "seq": c.seq,
        "route": c.route,
        "outcome": c.outcome,
        "rules": c.rules,
        "scores": {score.scorer: _score(score) for score in c.scores},
        "timings": _timings(c.timings),
        "unit": c.unit,
        "bets": c.bets,
        "status": [c.blue_status, c.green_status],
    }
    if c.run:
        line["run"] = c.run
    if c.session is not None:
        line["session"] = c.session
        line["turn"] = c.turn
    if c.marks:
        line["marks"] = c.marks
    if c.outcome is not Outcome.MATCHED:
        line["why"] = redact.text(c.why)
    if c.source and c.source != c.id:
        line["source"] = c.source
    if c.control is not None:
        line["control"] = c.control
        line["reask"] = c.reask
    if not c.baseline:
        line["baseline"] = False
    if c.green_down:
        line["green_down"] = True
    if c.after_divergence:
        line["after_divergence"] = True
    if c.tokens:
        line["tokens"] = c.tokens
    if c.same:
        line["same"] = True
    if c.build:
        line["build"] = redact.text(c.build)
    if c.config:
        line["config"] = c.config
    if store == "all" or (store == "mismatched" and c.outcome is Outcome.MISMATCHED):
        line |= stored.fields(pair, max_body)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read(path: Path) -> Iterator[Line]:
    """Every whole line of one comparisons file, migrated to `VERSION`.

    A torn last line is dropped. Raises `SourceError` naming file and line for any other damage.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from None
    with file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                return
            try:
                line = orjson.loads(raw)
                version = line["v"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                raise SourceError(f"{path}:{number}: no comparison line; was the file edited?") from None
            while isinstance(version, int) and version in MIGRATIONS:
                line = MIGRATIONS[version](line)
                version += 1
            if isinstance(version, int) and version > VERSION:
                raise SourceError(f"{path}:{number}: version {version} is newer than {VERSION}; upgrade shadowdiff")
            if why := lines.fault(line) if version == VERSION else f"version {version}":
                raise SourceError(f"{path}:{number}: no comparison line ({why}); was the file edited?")
            yield line


def read_all(paths: Iterable[Path]) -> Iterator[Line]:
    """Every line of several comparisons files, one file after another."""
    for path in paths:
        yield from read(path)


def last_lines(path: Path) -> dict[str, int]:
    """The number of the last line of every session's unit, found without reading what else a line holds."""
    found: dict[str, int] = {}
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            unit = _UNIT.search(raw) if _SESSION in raw else None
            if unit is not None:
                found[orjson.loads(unit[1])] = number
    return found


def decode(line: Line) -> Comparison:
    """The comparison of one line; bodies stay in the line."""
    control = line.get("control")
    blue, green = line["status"]
    return Comparison(
        id=line["id"],
        seq=line["seq"],
        route=line["route"],
        outcome=Outcome(line["outcome"]),
        unit=line["unit"],
        run=line.get("run", ""),
        bets=line["bets"],
        session=line.get("session"),
        turn=line.get("turn", 0),
        marks=tuple(line.get("marks", ())),
        control=(Outcome(control[0]), Outcome(control[1])) if control else None,
        reask=line.get("reask", False),
        rules=tuple(line["rules"]),
        scores=tuple(_unscore(name, score) for name, score in line["scores"].items()),
        timings=Timings(**line["timings"]),
        blue_status=blue,
        green_status=green,
        baseline=line.get("baseline", True),
        green_down=line.get("green_down", False),
        why=line.get("why", ""),
        source=line.get("source") or line["id"],
        after_divergence=line.get("after_divergence", False),
        tokens=line.get("tokens", 0),
        same=line.get("same", False),
        build=line.get("build", ""),
        config=line.get("config", ""),
    )


def _score(score: Score) -> dict[str, Any]:
    out: dict[str, Any] = {"divergence": round(score.divergence, 4)}
    if score.findings:
        out["findings"] = [_finding(finding) for finding in score.findings[:50]]
        if len(score.findings) > 50:
            out["more"] = len(score.findings) - 50
    if score.skipped:
        out["skipped"] = score.skipped
    return out


def _finding(finding: Finding) -> dict[str, str]:
    out = {
        "path": redact.valid(finding.path),
        "kind": finding.kind,
        "severity": str(finding.severity),
        "blue": redact.at_path(finding.path, finding.blue),
        "green": redact.at_path(finding.path, finding.green),
    }
    if finding.noisy:
        out["noisy"] = finding.noisy
    return out


def _unscore(name: str, score: dict[str, Any]) -> Score:
    findings = tuple(
        Finding(f["path"], f["kind"], Severity(f["severity"]), f["blue"], f["green"], f.get("noisy", ""))
        for f in score.get("findings", ())
    )
    return Score(name, score["divergence"], findings, score.get("skipped", ""))


def _timings(t: Timings) -> dict[str, float]:
    out = {
        "blue_ttfb_s": t.blue_ttfb_s, "blue_s": t.blue_s, "green_ttfb_s": t.green_ttfb_s, "green_s": t.green_s,
    }  # fmt: skip
    if t.twin_s:
        out["twin_s"] = t.twin_s
    if t.blue_ttft_s is not None:
        out["blue_ttft_s"] = t.blue_ttft_s
    if t.green_ttft_s is not None:
        out["green_ttft_s"] = t.green_ttft_s
    if t.twin_ttft_s is not None:
        out["twin_ttft_s"] = t.twin_ttft_s
    if t.lag_s:
        out["lag_s"] = t.lag_s
    return out
