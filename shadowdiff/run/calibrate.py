"""Propose ignore rules and limits from what blue does to itself, each with its evidence and its effect.

In:  a saved run with a control (a twin, or blue asked twice), or a run of blue against blue. Out: `Proposal`s.
Only pairs with stored answers can be looked at (--store-bodies all keeps every one).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shadowdiff import runinfo, stored, tape
from shadowdiff.contracts import Baseline
from shadowdiff.errors import SourceError
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.run.proposals import Proposal
from shadowdiff.run.rescore import Rescored, again
from shadowdiff.run.scoring import panel
from shadowdiff.score.pointer import generalize
from shadowdiff.score.structure import learnable
from shadowdiff.settings import Config, ScoreRules
from shadowdiff.units import show_percent as pct

LEAST = 3
LEAST_SHARE = 0.05
"""A place counts as noise where blue differs from itself in so many pairs and such a share of those of its routes."""
TOLERABLE = 0.05
"""Numbers that move by less than this share get a tolerance, not an ignore rule."""
MARGIN = 1.25
QUANTILE = 0.98
MAX_PAIRS = 3_000
"""Pairs that are scored again to tell the effect of a proposal."""
MAX_ROUTES = 3


class Place(msgspec.Struct):
    """What blue did to itself at one place: pairs, routes, kinds, and for numbers the farthest they moved."""

    pairs: int = 0
    routes: Counter[str] = msgspec.field(default_factory=Counter)
    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    moved: float = 0.0
    share: float = 0.0


class Calibration(msgspec.Struct):
    """What was seen and what is proposed. `looked` of `asked` controls had stored answers; in `noisy` of them blue
    differs from itself under the run's rules, in `left` still with what is proposed."""

    run: str
    asked: int
    looked: int
    noisy: int
    left: int
    proposals: list[Proposal]
    effects: str = ""


def calibrate(results: Path) -> Calibration:
    """Look at every control of a saved run. Raises `SourceError` where it has none that can be looked at."""
    info = runinfo.info(results)
    if info is None:
        raise SourceError(f"{results}: has no run.json, which says how it was made; give the run folder")
    rules = msgspec.convert(info.score, ScoreRules)
    itself = info.targets.get("green") in (info.targets.get("blue"), info.targets.get("twin"))
    controls, asked = _controls(results, itself)
    if not controls:
        raise SourceError(
            f"{results}: none of {asked} pairs of blue with itself has stored answers; "
            "replay with --store-bodies all, and with --twin or without --no-control"
        )
    seen = _places(controls, rules)
    routes = Counter(pair.exchange.route for pair in controls)
    green = Counter[str]() if itself else _of_green(results)
    proposals = list(_at_places(seen, routes, rules, green))
    proposals += _limits(controls, rules)
    if (profile := _profile(controls, rules, proposals)) is not None:
        proposals.append(profile)
    sure = [one for one in proposals if not one.doubt]
    noisy = _differing(controls, rules)
    found = Calibration(info.run, asked, len(controls), noisy, _differing(controls, _with(rules, sure)), proposals)
    if not itself:
        for one in proposals:
            one.effect = _effect(results, _with(rules, [one]))
        found.effects = _effect(results, _with(rules, sure)) if len(sure) > 1 else ""
    return found


def _controls(results: Path, itself: bool) -> tuple[list[Pair], int]:
    """Pairs of blue with itself that can be judged, and how many there were."""
    made, asked = [], 0
    for line in tape.read_all(runinfo.files(results)):
        if line["outcome"] == Outcome.ERRORED or not (itself or line.get("control")):
            continue
        asked += 1
        pair = stored.pair_of(line)
        if isinstance(pair, str):
            continue
        if not itself:
            if pair.twin is None:
                continue
            pair = msgspec.structs.replace(pair, green=pair.twin, green_doc=pair.twin_doc)
        made.append(msgspec.structs.replace(pair, twin=None, twin_doc=None))
    return made, asked


def _judge(controls: list[Pair], rules: ScoreRules) -> Iterator[Comparison]:
    scorers = panel(Config(score=rules), paired=False)
    for pair in controls:
        yield scorers.compare(pair, Baseline()).comparison


def _places(controls: list[Pair], rules: ScoreRules) -> dict[str, Place]:
    """Blue's own differences by place."""
    seen: dict[str, Place] = defaultdict(Place)
    for pair, judged in zip(controls, _judge(controls, rules), strict=True):
        here = set()
        for finding in _structural(judged):
            path = generalize(finding.path)
            place = seen[path]
            place.kinds[finding.kind] += 1
            moved, share = _move(finding)
            place.moved, place.share = max(place.moved, moved), max(place.share, share)
            here.add(path)
        for path in here:
            seen[path].pairs += 1
            seen[path].routes[pair.exchange.route] += 1
    return seen


def _structural(judged: Comparison) -> Iterator[Finding]:
    for score in judged.scores:
        for finding in score.findings:
            at = finding.path.startswith(("/", "header:"))
            told_only = finding.severity is Severity.INFO and finding.kind != "extra"
            if at and not finding.noisy and not told_only and (learnable(finding) or finding.kind == "header"):
                yield finding


def _move(finding: Finding) -> tuple[float, float]:
    """How far a number moved, absolutely and as a share; infinite for what is no number."""
    try:
        one, two = float(finding.blue), float(finding.green)
    except ValueError:
        return math.inf, math.inf
    far = abs(one - two)
    return far, far / max(abs(one), abs(two), 1e-12)


def _at_places(
    seen: dict[str, Place], routes: Counter[str], rules: ScoreRules, green: Counter[str]
) -> Iterator[Proposal]:
    """A rule for each place at which blue differs from itself often enough."""
    for path, place in sorted(seen.items(), key=lambda item: (-item[1].pairs, item[0])):
        of = sum(routes[route] for route in place.routes)
        if place.pairs < min(LEAST, of) or place.pairs < LEAST_SHARE * of or path in rules.ignore:
            continue
        shown = ", ".join(route for route, _ in place.routes.most_common(MAX_ROUTES))
        more = f" and {len(place.routes) - MAX_ROUTES} more routes" if len(place.routes) > MAX_ROUTES else ""
        why = f"blue differs from itself in {place.pairs} of {of} pairs of {shown}{more}"
        if set(place.kinds) == {"order"}:
            yield Proposal("unordered", path, why + ", in order alone")
        elif set(place.kinds) == {"value"} and place.share <= TOLERABLE:
            allowance = _rounded_up(MARGIN * place.moved)
            yield Proposal("tolerance", allowance, f"{why}, by at most {place.moved:g}", path=path)
        else:
            others = {key.partition(" ")[0]: n for key, n in green.items() if key.partition(" ")[2] == path}
            strange = {kind: n for kind, n in others.items() if kind not in place.kinds}
            said = ", ".join(f"{kind} in {n} pairs" for kind, n in sorted(strange.items()))
            doubt = f"green differs here in ways that blue does not ({said})" if strange else ""
            yield Proposal("ignore", path, why, path=path, doubt=doubt)


def _limits(controls: list[Pair], rules: ScoreRules) -> list[Proposal]:
    """Wider limits where the run had some that blue itself does not keep."""
    out = []
    for key, scorer, kind in (("max_length_change", "length", "length"), ("min_similarity", "fuzzy", "similarity")):
        if not getattr(rules, key):
            continue
        values, fired = [], 0
        for judged in _judge(controls, rules):
            for score in judged.scores:
                if score.scorer == scorer and not score.skipped:
                    values.append(score.divergence)
                    fired += any(finding.kind == kind for finding in score.findings)
        if fired < LEAST:
            continue
        far = sorted(values)[min(len(values) - 1, math.ceil(QUANTILE * len(values)) - 1)] * MARGIN
        value = f"{math.ceil(100 * min(far, 1))}%" if scorer == "length" else f"{math.floor(100 * max(0, 1 - far))}%"
        why = f"blue breaks {getattr(rules, key)} against itself in {fired} of {len(values)} pairs"
        out.append(Proposal(key, value, f"{why}; this is its {pct(QUANTILE)} quantile and a quarter more"))
    return out


def _profile(controls: list[Pair], rules: ScoreRules, proposals: list[Proposal]) -> Proposal | None:
    """The profile for sampled answers, where blue's texts differ from one another and that profile bears it."""
    if rules.profile == "sampled":
        return None
    now = _with(rules, [one for one in proposals if not one.doubt])
    before = _differing(controls, now)
    if before < LEAST or before < LEAST_SHARE * len(controls):
        return None
    after = _differing(controls, msgspec.structs.replace(now, profile="sampled"))
    if after > before / 2:
        return None
    told = f"blue differs from itself in {before} of {len(controls)} pairs under {rules.profile}"
    return Proposal("profile", "sampled", f"{told}, in {after} under sampled")


def _differing(controls: list[Pair], rules: ScoreRules) -> int:
    return sum(judged.outcome is Outcome.MISMATCHED for judged in _judge(controls, rules))


def _of_green(results: Path) -> Counter[str]:
    """`kind path` to how many pairs green differs so in, excused or not."""
    found: Counter[str] = Counter()
    for line in tape.read_all(runinfo.files(results)):
        here = {
            f"{finding['kind']} {generalize(finding['path'])}"
            for score in line["scores"].values()
            for finding in score.get("findings", ())
            if finding["severity"] != Severity.INFO
        }
        found.update(here)
    return found


def _with(rules: ScoreRules, proposals: list[Proposal]) -> ScoreRules:
    table = msgspec.to_builtins(rules)
    for one in proposals:
        table = one.settings(table)
    return msgspec.convert(table, ScoreRules)


def _effect(results: Path, rules: ScoreRules) -> str:
    """How many outcomes of the run change under `rules`."""
    found: Rescored = again(results, Config(score=rules), MAX_PAIRS)
    moved = [f"{before} → {after} ×{count}" for (before, after), (count, _, _) in sorted(found.moved.items())]
    of = f"the first {MAX_PAIRS} pairs" if found.pairs >= MAX_PAIRS else f"{found.pairs} pairs"
    kept = f" ({sum(found.kept.values())} could not be judged again)" if found.kept else ""
    return f"outcomes that change in {of}: {', '.join(moved) or 'none'}{kept}"


def _rounded_up(value: float) -> str:
    """Two digits that are not below `value`."""
    if value <= 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / step - 1e-9) * step:.12g}"
