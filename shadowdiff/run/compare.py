"""Judge pairs that the user already has: no traffic. The batch entry for benchmarks and for stored answers.

In:  lines `{id, blue, green}` with optional kind (text, json, html), regime (det, sampled) and endpoint; control
lines of the same shape hold blue against blue. Out: a line a pair, `{id, flag, score, us, why}`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff import redact
from shadowdiff.capture.files import lines
from shadowdiff.contracts import Baseline, TextNoise
from shadowdiff.decode.body import Decoding
from shadowdiff.errors import SourceError
from shadowdiff.model.comparison import Comparison, Outcome, Severity
from shadowdiff.model.exchange import Exchange, Observation, Pair, Request, Response, Role
from shadowdiff.run.judging import judge
from shadowdiff.run.scoring import decoders, panel
from shadowdiff.score.calibrate import learn_texts
from shadowdiff.score.noise import Learner, own_noise
from shadowdiff.score.panel import Panel
from shadowdiff.score.reuse import MIN_CHARS, REUSED, alike, beginning
from shadowdiff.score.text import prose
from shadowdiff.settings import Config

TYPES = {"json": "application/json", "html": "text/html; charset=utf-8", "text": "text/plain; charset=utf-8"}
PROFILES = {"det": "stable", "sampled": "sampled", "strict": "strict"}


class Row(msgspec.Struct):
    """One pair to judge, as a line gives it."""

    id: str | int
    blue: str
    green: str
    kind: str = ""
    regime: str = ""
    endpoint: str = ""


_decode = msgspec.json.Decoder(Row).decode


class Comparer:
    """Judges rows under the configuration; learns from control rows only."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._decoding = Decoding(decoders(config))
        self._panels: dict[str, Panel] = {}
        self._learner = Learner()
        self._texts: dict[str, TextNoise] = {}
        self._canned: dict[tuple[str, str], int] = {}

    def learn(self, path: Path) -> int:
        """Learn from blue-against-blue rows; how many."""
        texts: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        count = 0
        for _, row in rows(path):
            count += 1
            pair = self._pair(row)
            profile = self._profile(row)
            judged, pair = judge(self._decoding, self._panel(profile), pair, Baseline())
            self._learner.learn(row.endpoint, own_noise(judged.comparison.scores))
            if (
                pair.blue_doc is not None
                and pair.green_doc is not None
                and pair.blue_doc.kind in ("text", "chat", "html")
            ):
                texts[(row.endpoint, profile)].append((prose(pair.blue_doc), prose(pair.green_doc)))
            elif row.kind in ("", "text"):
                texts[(row.endpoint, profile)].append((row.blue, row.green))
        for (endpoint, profile), pairs in texts.items():
            self._texts[endpoint] = learn_texts(pairs, profile)
        return count

    def census(self, path: Path) -> None:
        """Look at all rows once, for replies that green gives to several different questions."""
        blues: dict[tuple[str, str], set[int]] = defaultdict(set)
        for _, row in rows(path):
            if row.kind in ("", "text"):
                said = beginning(row.green)
                if len(said) >= MIN_CHARS:
                    blues[(row.endpoint, said)].add(hash(beginning(row.blue)))
        self._canned = {key: len(found) for key, found in blues.items() if len(found) >= REUSED}

    def judge(self, row: Row) -> dict[str, Any]:
        """The verdict on one row as an output line."""
        begun = time.perf_counter()
        comparison = self.compare(row)
        flag = comparison.outcome is Outcome.MISMATCHED
        why = comparison.why
        if not flag and row.kind in ("", "text") and self._canned and row.blue != row.green:
            times = self._canned.get((row.endpoint, beginning(row.green)), 0)
            if times and not alike(row.blue, row.green):
                flag, why = True, f"reuse: green says the same to {times} different questions"
        spent = (time.perf_counter() - begun) * 1e6
        return {"id": row.id, "flag": flag, "score": round(rank(comparison, flag), 4), "us": round(spent, 1),
                "why": redact.text(why)}  # fmt: skip

    def compare(self, row: Row) -> Comparison:
        """The comparison alone, by what was learnt for its endpoint."""
        known, texts = self._learner.baseline.noise.get(row.endpoint), self._texts.get(row.endpoint)
        baseline = Baseline(
            1, {row.endpoint: known} if known else {}, {row.endpoint: texts} if texts is not None else {}
        )
        judged, _ = judge(self._decoding, self._panel(self._profile(row)), self._pair(row), baseline)
        return judged.comparison

    def _profile(self, row: Row) -> str:
        return PROFILES.get(row.regime, self._config.score.profile)

    def _panel(self, profile: str) -> Panel:
        made = self._panels.get(profile)
        if made is None:
            score = msgspec.structs.replace(self._config.score, profile=profile)
            config = msgspec.structs.replace(self._config, score=score)
            made = self._panels[profile] = panel(config, deciding=True)
        return made

    def _pair(self, row: Row) -> Pair:
        exchange = Exchange(
            id=str(row.id),
            seq=0,
            request=Request("GET", "/"),
            route=row.endpoint,
            unit=str(row.id),
            recorded_status=200,
        )
        blue = _answer(Role.BLUE, row.blue, row.kind)
        return Pair(exchange, blue, _answer(Role.GREEN, row.green, row.kind))


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Every row with its line number. Raises `SourceError` for a line that is none."""
    for number, line in lines(path):
        try:
            yield number, _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SourceError(f'{path}:{number}: no pair ({error}); write {{"id", "blue", "green"}} a line') from None


def rank(comparison: Comparison, flag: bool) -> float:
    """How bad a pair is, 0 to 1, for ranking: the worst that fired, then how much did."""
    worst = 0.0
    for score in comparison.scores:
        for finding in score.findings:
            if not finding.noisy:
                worst = max(worst, {Severity.CRITICAL: 0.9, Severity.MAJOR: 0.7}.get(finding.severity, 0.1))
    fired = sum(finding.fires for score in comparison.scores for finding in score.findings)
    return (worst if flag else min(worst, 0.3)) + min(0.1, 0.02 * fired)


def run(config: Config, pairs: Path, control: Path | None, out: Path) -> tuple[int, int]:
    """Judge every pair; (how many, how many flagged)."""
    comparer = Comparer(config)
    if control is not None:
        comparer.learn(control)
    comparer.census(pairs)
    count = flagged = 0
    with out.open("wb") as file:
        for _, row in rows(pairs):
            line = comparer.judge(row)
            count += 1
            flagged += line["flag"]
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return count, flagged


def _answer(role: Role, text: str, kind: str) -> Observation:
    body = text.encode("utf-8", "surrogatepass")
    headers = (("Content-Type", TYPES[kind]),) if kind in TYPES else ()
    return Observation(role=role, response=Response(status=200, headers=headers, body=body, size=len(body)))
