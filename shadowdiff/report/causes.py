"""Root causes: mismatches grouped by what differs, so that thousands of rows read as a handful of reasons.

A cause is a signature (`shape`): the rule, the kind of the gravest finding, its place without list positions and ids,
and the shape of the edit. Its name is made of that alone: the same in every run, and so two runs can be compared.
Routes are counted inside, so that one change on twelve routes is one cause. `handful` folds one kind of change at
many places of a JSON answer into one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import msgspec

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.report import kinds
from shadowdiff.report.plain import one_line, toml
from shadowdiff.report.shape import Signature, signature
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.units import show_percent as pct

MAX_CAUSES = 300
MAX_VALUES = 50
"""Different changes remembered of a cause, to tell one that is always the same."""
MAX_WITH = 20
FOLD = 4
"""Places at which one kind of change is one cause."""
REST = "other"


class Cause(msgspec.Struct):
    """One reason. `noisy` counts pairs of it in which blue also differed from itself, of `asked` that could tell.

    `places` are the JSON places of a folded cause, `beside` how often other kinds of findings fired with it.
    """

    name: str
    rule: str
    kind: str
    path: str
    shape: str = ""
    count: int = 0
    routes: dict[str, int] = {}
    first: str = ""
    worst: str = ""
    worst_score: float = -1.0
    noisy: int = 0
    asked: int = 0
    values: set[tuple[str, str]] = set()
    beside: dict[str, int] = {}
    places: dict[str, int] = {}

    @property
    def own_noise(self) -> bool:
        """Whether blue mostly differs from itself in these pairs too."""
        return bool(self.asked) and self.noisy > self.asked / 2

    def title(self, words: Words = ENGLISH) -> str:
        """What differs, in a few words."""
        said = kinds.title(self.kind, self.shape, self.rule, words)
        where = self.path
        if self.places:
            shown = sorted(self.places, key=lambda place: -self.places[place])[:3]
            where = ", ".join(shown)
            if len(self.places) > len(shown):
                where += words(" and {n} more places", n=len(self.places) - len(shown))
        return words("{what} at {where}", what=said, where=where) if where else said

    def step(self, words: Words = ENGLISH) -> str:
        """What to do next."""
        if self.kind in kinds.FAILED:
            return words("green fails: look for {id} in its log", id=self.worst)
        if self.own_noise:
            if self.ignore:
                return words("blue differs from itself here too: score.ignore = {paths}", paths=toml(self.ignore))
            if self.kind in kinds.LIMITS:
                return words("blue differs from itself here too: shadowdiff calibrate RUN proposes a limit")
            return words("blue differs from itself here too: give a --twin, or the profile `sampled`")
        if len(self.values) == 1 and self.count > 1:
            return words("the same change each time: if it is meant, accept it (gate.accept, with owner and expiry)")
        own = words("blue repeats itself here, green does not; ") if self.asked and not self.noisy else ""
        return own + words("look at one: shadowdiff show RUN {id}", id=self.worst)

    @property
    def ignore(self) -> list[str]:
        """The JSON places that would be ignored; empty where the change is not at one."""
        if self.kind not in kinds.SCALAR:
            return []
        return [path for path in (self.places or [self.path]) if path.startswith("/") and "{id}" not in path]

    def snippet(self, until: str) -> str:
        """Configuration text that makes this difference expected (an accepted one `until` a day); empty where it
        should not be."""
        if self.kind in kinds.FAILED:
            return ""
        if self.own_noise and self.ignore:
            return f"[score]\nignore = {toml(self.ignore)}\n"
        at = f"path = {toml(self.path)}\n" if self.path and not self.places else ""
        route = f"route = {toml(next(iter(self.routes)))}\n" if len(self.routes) == 1 else ""
        return (
            f'[[accept]]\n{route}{at}kind = {toml(self.kind)}\nowner = ""\nexpires = {until}\nreason = ""\n'
            if at or self.kind not in kinds.GRAVE
            else ""
        )


class Causes:
    """Counts causes as comparisons settle."""

    def __init__(self) -> None:
        self.found: dict[str, Cause] = {}
        self.total = 0

    def add(self, comparison: Comparison) -> tuple[Cause, bool] | None:
        """Count one mismatch; its cause, and whether it is the worst of it so far."""
        if comparison.outcome is not Outcome.MISMATCHED:
            return None
        self.total += 1
        sign, found = signature(comparison)
        name = name_of(sign)
        cause = self.found.get(name)
        if cause is None:
            if len(self.found) >= MAX_CAUSES:
                name, sign = REST, Signature("", REST, "", "")
            rule, kind, path, shape = sign
            cause = self.found.setdefault(name, Cause(name, rule, kind, redact.text(path), redact.text(shape)))
        cause.count += 1
        cause.routes[comparison.route] = cause.routes.get(comparison.route, 0) + 1
        cause.first = cause.first or comparison.id
        worst = found.divergence > cause.worst_score
        if worst:
            cause.worst, cause.worst_score = comparison.id, found.divergence
        if len(cause.values) < MAX_VALUES:
            cause.values.add((found.finding.blue, found.finding.green))
        for score in comparison.scores:
            for finding in score.findings:
                kind = finding.kind
                if finding.fires and kind != cause.kind and (kind in cause.beside or len(cause.beside) < MAX_WITH):
                    cause.beside[kind] = cause.beside.get(kind, 0) + 1
        if comparison.control is not None:
            cause.asked += 1
            cause.noisy += comparison.control[0] is Outcome.MISMATCHED
        return cause, worst

    def join(self, other: Causes) -> None:
        """Add what another worker found; whose worst is equally bad, the smaller id is kept."""
        self.total += other.total
        for name, theirs in other.found.items():
            if name not in self.found and len(self.found) >= MAX_CAUSES:
                name = REST
            mine = self.found.setdefault(name, Cause(name, theirs.rule, theirs.kind, theirs.path, theirs.shape))
            mine.count += theirs.count
            mine.noisy += theirs.noisy
            mine.asked += theirs.asked
            mine.first = mine.first or theirs.first
            if (-theirs.worst_score, theirs.worst) < (-mine.worst_score, mine.worst):
                mine.worst, mine.worst_score = theirs.worst, theirs.worst_score
            mine.values |= set(sorted(theirs.values)[: MAX_VALUES - len(mine.values)])
            for counts, more in ((mine.routes, theirs.routes), (mine.beside, theirs.beside)):
                for key, count in more.items():
                    counts[key] = counts.get(key, 0) + count

    def top(self, most: int) -> list[Cause]:
        """The most frequent first."""
        return sorted(self.found.values(), key=lambda one: (-one.count, one.name))[:most]

    def handful(self, most: int) -> list[Cause]:
        """The same, with one kind of change at many places folded into one cause: at `FOLD` or more, or at two and
        more fields of one name."""
        groups: dict[tuple[str, str, str], list[Cause]] = defaultdict(list)
        for cause in self.found.values():
            if cause.path.startswith("/"):
                groups[cause.rule, cause.kind, cause.shape].append(cause)
        folded = []
        for group in groups.values():
            if len(group) >= FOLD:
                folded.append(_folded("*", group))
                continue
            fields: dict[str, list[Cause]] = defaultdict(list)
            for cause in group:
                fields[cause.path.rpartition("/")[2]].append(cause)
            folded += [_folded(f"**/{name}", same) for name, same in fields.items() if len(same) > 1]
        inside = {(one.rule, one.kind, one.shape, place) for one in folded for place in one.places}
        kept = [one for one in self.found.values() if (one.rule, one.kind, one.shape, one.path) not in inside]
        return sorted(kept + folded, key=lambda one: (-one.count, one.name))[:most]

    def lines(self, most: int, words: Words = ENGLISH) -> list[tuple[str, str]]:
        """(what and how often, an example and what to do next) of each cause, for terminal and live page."""
        out = []
        for cause in self.handful(most):
            routes = ", ".join(sorted(cause.routes, key=lambda route: -cause.routes[route])[:2])
            more = words(" and {n} more", n=len(cause.routes) - 2) if len(cause.routes) > 2 else ""
            share = f"{cause.count} ({pct(cause.count / max(1, self.total))})"
            what = words("{share} {title} on {routes}", share=share, title=cause.title(words), routes=routes + more)
            then = words("e.g. {id}; {step}", id=cause.worst, step=cause.step(words))
            out.append((one_line(redact.text(what)), one_line(redact.text(then))))
        return out


def name_of(sign: Signature) -> str:
    """Eight hex digits that name a signature."""
    return hashlib.sha256("\0".join(sign).encode("utf-8", "replace")).hexdigest()[:8]


def _folded(where: str, group: list[Cause]) -> Cause:
    rule, kind, shape = group[0].rule, group[0].kind, group[0].shape
    one = Cause(name_of(Signature(rule, kind, where, shape)), rule, kind, "", shape)
    for cause in sorted(group, key=lambda cause: (-cause.count, cause.name)):
        one.count += cause.count
        one.noisy += cause.noisy
        one.asked += cause.asked
        one.places[cause.path] = cause.count
        one.first = one.first or cause.first
        if cause.worst_score > one.worst_score:
            one.worst, one.worst_score = cause.worst, cause.worst_score
        for mine, theirs in ((one.routes, cause.routes), (one.beside, cause.beside)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count
    one.values = set()  # different places: never one and the same change
    return one
