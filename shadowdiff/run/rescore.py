"""Score stored answers again under other rules: no traffic. The result is a run folder like any other.

Rules chosen after looking at pairs say nothing new about these pairs, so the verdict is marked exploratory unless
the rules are the run's own, or name in `score.tuned_on` the other runs they were chosen on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import msgspec
import orjson

import shadowdiff
from shadowdiff import runinfo, stored, tape
from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.run.scoring import panel
from shadowdiff.score.calibrate import learn_texts
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Panel
from shadowdiff.score.pointer import generalize
from shadowdiff.score.reuse import Replies
from shadowdiff.score.structure import LEARNT
from shadowdiff.score.text import prose
from shadowdiff.settings import Config

MAX_TEXTS = 40
"""Answers of blue to the same question that a route learns from, as in a run."""


class Rescored(msgspec.Struct):
    """What changed. `moved` maps (outcome before, after) to how many and the first of them with its reason."""

    run: str
    pairs: int = 0
    judged: int = 0
    kept: dict[str, int] = {}
    """Pairs that keep their outcome because they cannot be judged again, by reason."""
    moved: dict[tuple[str, str], tuple[int, str, str]] = {}
    exploratory: str = ""


def rescore(results: Path, config: Config, out: Path) -> Rescored:
    """Judge every stored pair of `results` under `config` into the run folder `out`. Raises `UsageError`."""
    files = runinfo.files(results)
    info = runinfo.info(results)
    if info is None:
        raise UsageError(f"{results}: has no run.json, which says how it was made; give the run folder")
    if out.resolve() == (results if results.is_dir() else results.parent).resolve():
        raise UsageError(f"--out {out}: is the folder that is read")
    found = Rescored(info.run, exploratory=exploratory(info, config))
    judging = _Judge(panel(config, info.run, paired=info.paired))
    try:
        out.mkdir(parents=True, exist_ok=True)
        judging.learn(tape.read_all(files), config.score.profile)
        for path in files:
            with (out / path.name).open("wb") as file:
                for line in tape.read(path):
                    file.write(orjson.dumps(judging.again(line, found), option=orjson.OPT_APPEND_NEWLINE))
            _copy_state(path, out, config.hash)
        if found.kept and not found.exploratory:
            found.exploratory = f"{sum(found.kept.values())} pairs could not be judged again"
        score = msgspec.to_builtins(config.score)
        after = msgspec.structs.replace(
            info, score=score, exploratory=found.exploratory, tool_version=shadowdiff.__version__
        )
        runinfo.write_whole(out / "run.json", msgspec.json.encode(after))
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})") from None
    return found


def again(results: Path, config: Config, most: int) -> Rescored:
    """What would change under `config` in the first `most` pairs; nothing is written."""
    files, info = runinfo.files(results), runinfo.info(results)
    found = Rescored(info.run if info is not None else "")
    judging = _Judge(panel(config, found.run, paired=info is not None and info.paired))
    judging.learn(islice(tape.read_all(files), most), config.score.profile)
    for line in islice(tape.read_all(files), most):
        judging.again(line, found)
    return found


def exploratory(info: runinfo.RunInfo, config: Config) -> str:
    """Why these rules prove nothing about this run, or an empty string."""
    rules = msgspec.to_builtins(config.score)
    if info.run in config.score.tuned_on:
        return "the rules were tuned on these very pairs (score.tuned_on)"
    same = {key: value for key, value in rules.items() if key != "tuned_on"} == {
        key: value for key, value in info.score.items() if key != "tuned_on"
    }
    if same or config.score.tuned_on:
        return ""
    return "the rules were chosen after these pairs were seen: confirm them on other traffic"


class _Judge:
    """Judges lines again, with what blue showed against itself."""

    def __init__(self, scorers: Panel) -> None:
        self._panel = scorers
        self._learner = Learner()
        self._replies = Replies()

    def learn(self, lines: Iterable[tape.Line], profile: str) -> None:
        """What the run had learnt, and what its stored controls teach under these rules."""
        texts: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in lines:
            known = frozenset(
                (generalize(finding["path"]), finding["kind"])
                for score in line["scores"].values()
                for finding in score.get("findings", ())
                if finding.get("noisy") == LEARNT
            )
            if known:
                self._learner.learn(line["route"], known)
            pair = stored.pair_of(line) if "twin" in line else None
            if isinstance(pair, Pair):
                self._learner.learn(line["route"], self._panel.compare(pair, Baseline()).noise)
                one, two = prose(pair.blue_doc), prose(pair.twin_doc)
                if one and two and len(texts[line["route"]]) < MAX_TEXTS:
                    texts[line["route"]].append((one, two))
        for route, pairs in texts.items():
            self._learner.learn_texts(route, learn_texts(pairs, profile))

    def again(self, line: tape.Line, found: Rescored) -> tape.Line:
        """The line under these rules; as it was where it cannot be judged again."""
        found.pairs += 1
        before = line["outcome"]
        pair = _judgeable(line)
        if isinstance(pair, str):
            if pair:
                found.kept[pair] = found.kept.get(pair, 0) + 1
            else:
                found.judged += 1
            return line
        found.judged += 1
        baseline = self._learner.baseline
        comparison = self._replies.judge(self._panel.compare(pair, baseline).comparison, pair)
        old = tape.decode(line)
        comparison = msgspec.structs.replace(
            old, outcome=comparison.outcome, rules=comparison.rules, scores=comparison.scores, why=comparison.why,
            bets=_bets(old, comparison), control=comparison.control,
        )  # fmt: skip
        after = str(comparison.outcome)
        if after != before:
            count, first, why = found.moved.get((before, after), (0, line["id"], comparison.why or "no rule fired"))
            found.moved[before, after] = (count + 1, first, why)
        made: tape.Line = orjson.loads(tape.encode(comparison, pair, "none"))
        return made | {name: line[name] for name in ("request", "blue", "green", "twin") if name in line}


def _bets(old: Comparison, new: Comparison) -> dict[str, float]:
    """What scoring decides anew; what was measured on the wire stays, as does a similarity cut for its limit."""
    if new.outcome is Outcome.ERRORED:
        return {}
    kept = ("similarity",) if "similarity" in old.bets else ()
    return old.bets | {name: bet for name, bet in new.bets.items() if name not in kept}


def _judgeable(line: tape.Line) -> Pair | str:
    """The pair, or why it keeps its outcome; an empty reason where every rule would find the same."""
    if line["outcome"] == Outcome.ERRORED or line.get("same"):
        return ""
    return stored.pair_of(line)


def _copy_state(path: Path, out: Path, config_hash: str) -> None:
    """The ledger's reading side; under a shard of its own, so that no merge takes it for the run's."""
    state = runinfo.state(path)
    if state is not None:
        state.shard = f"{state.shard}~{config_hash}"
        runinfo.write_whole(out / runinfo.state_file(path).name, msgspec.json.encode(state))


def table(found: Rescored, words: Words = ENGLISH) -> list[str]:
    """What changed, in lines for a person."""
    kept = Counter(found.kept)
    lines = [words("{n} of {all} pairs judged again", n=found.judged, all=found.pairs)]
    lines += [
        "  " + words("{n} keep their outcome: {reason}", n=count, reason=words.said(reason))
        for reason, count in kept.most_common()
    ]
    moved: Mapping[tuple[str, str], tuple[int, str, str]] = dict(
        sorted(found.moved.items(), key=lambda item: -item[1][0])
    )
    for (before, after), (count, first, why) in moved.items():
        sides = f"{words(before)} → {words(after)}"
        told = words("{sides}: {n}, first {id}", sides=sides, n=count, id=first)
        lines.append(f"  {told} ({words.why(why)[:100]})")
    if not moved:
        lines.append("  " + words("no outcome changes"))
    if found.exploratory:
        lines.append(words("exploratory: {why}", why=words.said(found.exploratory)))
    return lines
