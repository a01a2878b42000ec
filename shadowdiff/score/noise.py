"""What blue does to itself: the findings of blue against its control, learnt per route.

A (path, kind) that blue showed against itself is noise on that route from then on. Prose, endings and
statuses are never learnt: a service that varies its wording must not excuse a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from shadowdiff.contracts import Baseline, TextNoise
from shadowdiff.model.comparison import Score, Severity
from shadowdiff.score.pointer import generalize
from shadowdiff.score.structure import learnable

REASKS = 8
"""Exchanges of a route that blue is asked twice when it has no twin: 5 teach its volatile fields (scoring.md 6)."""
REASKS_PROSE = 40
"""The same for a route whose answers are free text (DESIGN section 7)."""
REASKS_ALL = 2000
"""Over all routes."""
REASKS_FREE = 40
REASKS_SHARE = 0.1
"""Beyond the first 40, at most this share of what blue is asked: many routes must not double its load."""


class Learner:
    """Collects noise by route; every change gives a new immutable Baseline."""

    def __init__(self) -> None:
        self.baseline = Baseline()
        self._asked: dict[str, int] = {}
        self._prose: set[str] = set()
        self._units: dict[str, bool] = {}
        self._seen = 0
        self.reasks = 0

    def learn(self, route: str, found: frozenset[tuple[str, str]]) -> None:
        """Add what blue showed against itself on `route`."""
        known = self.baseline.noise.get(route, frozenset())
        if found <= known:
            return
        self.baseline = Baseline(
            self.baseline.version + 1, {**self.baseline.noise, route: known | found}, self.baseline.texts
        )

    def learn_texts(self, route: str, texts: TextNoise) -> None:
        """Replace what is known of how blue's texts vary on `route`."""
        known = self.baseline
        self.baseline = Baseline(known.version + 1, known.noise, {**known.texts, route: texts})

    def saw_prose(self, route: str) -> None:
        """Answers on `route` are free text: its re-asks go up to 40."""
        self._prose.add(route)

    def wants(self, route: str, unit: str, in_session: bool) -> bool:
        """Whether blue should be asked twice for this exchange; a whole session goes one way."""
        if in_session and unit in self._units:
            if self._units[unit]:
                self._count(route)
            return self._units[unit]
        self._seen += 1
        limit = REASKS_PROSE if route in self._prose else REASKS
        yes = self._asked.get(route, 0) < limit and self.reasks < min(
            REASKS_ALL, REASKS_FREE + REASKS_SHARE * self._seen
        )
        if in_session:
            if len(self._units) > 10_000:
                self._units.clear()
            self._units[unit] = yes
        if yes:
            self._count(route)
        return yes

    def _count(self, route: str) -> None:
        self._asked[route] = self._asked.get(route, 0) + 1
        self.reasks += 1


def own_noise(scores: Iterable[Score]) -> frozenset[tuple[str, str]]:
    """The learnable (path, kind) findings of blue against its control."""
    return frozenset(
        (generalize(finding.path), finding.kind)
        for score in scores
        if score.scorer == "structure"
        for finding in score.findings
        if learnable(finding) and (finding.severity is not Severity.INFO or finding.kind != "text")
    )
