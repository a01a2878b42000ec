"""Windows: one for each candidate and step; FAIL latches, PASS never; epochs find what turns bad late."""

from __future__ import annotations

import pytest

from shadowdiff.gate.limits import Limits
from shadowdiff.gate.window import Window, WindowRules, Windows
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.verdict import Status
from shadowdiff.testing import comparison_of

GOOD, BAD = Outcome.MATCHED, Outcome.MISMATCHED


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def feed(window: Window | None, outcomes: list[Outcome], now: float = 1000.0, start: int = 0) -> Window:
    assert window is not None
    for number, outcome in enumerate(outcomes, start):
        window.opened(f"x{number}", True, "GET /")
        window.add(comparison_of(outcome, number, unit=f"x{number}"), now)
    return window


def windows(clock: Clock, **rules: float) -> Windows:
    return Windows(Limits(), WindowRules(**rules), clock)  # type: ignore[arg-type]


def test_each_candidate_and_step_is_judged_on_its_own_traffic() -> None:
    made = windows(Clock())
    feed(made.at("v2", "5"), [GOOD] * 200)
    feed(made.at("v2", "25"), [GOOD] * 30)
    first, second = made.verdict("v2", "5"), made.verdict("v2", "25")
    assert first is not None and second is not None
    assert (first.verdict, first.candidate, first.step) == (Status.PASS, "v2", "5")
    assert second.verdict is Status.INCONCLUSIVE and second.divergence.n == 30
    assert made.verdict("v3", "5") is None and first.window != second.window
    fresh = made.at("v2", "50")
    assert fresh is not None and "nothing has come" in fresh.judge(1000).reason


def test_a_fail_latches_and_a_pass_never() -> None:
    made = windows(Clock())
    window = feed(made.at("v2", ""), [GOOD] * 200)
    assert window.judge(1000).verdict is Status.PASS
    feed(window, [BAD] * 100, start=200)
    failed = window.judge(1000)
    assert failed.verdict is Status.FAIL
    feed(window, [GOOD] * 5000, start=300)
    assert window.judge(2000) == failed


def test_a_candidate_that_was_replaced_never_reopens() -> None:
    made = windows(Clock())
    feed(made.at("v2", ""), [GOOD] * 200)
    feed(made.at("v3", ""), [GOOD] * 20)
    assert made.at("v2", "") is None and made.at("v2", "50") is None
    old = made.verdict("v2", "")
    assert old is not None and old.verdict is Status.PASS
    assert made.at("v3", "50") is not None


def test_stale_or_young_evidence_is_no_pass_and_still_a_fail() -> None:
    clock = Clock()
    made = windows(clock, stale_s=600, min_s=60)
    feed(made.at("v2", ""), [GOOD] * 200)
    young = made.verdict("v2", "")
    assert young is not None and young.verdict is Status.INCONCLUSIVE and "a pass needs" in young.reason
    clock.now += 120
    assert made.verdict("v2", "").verdict is Status.PASS  # type: ignore[union-attr]
    clock.now += 600
    stale = made.verdict("v2", "")
    assert stale is not None and stale.verdict is Status.INCONCLUSIVE and "stale" in stale.reason
    feed(made.at("v3", ""), [BAD] * 40)
    clock.now += 6000
    assert made.verdict("v3", "").verdict is Status.FAIL  # type: ignore[union-attr]


def turns_bad(epoch: int) -> int:
    """Pairs after a release turned bad (30 %) until it is stopped, after 5,000 clean ones."""
    window = feed(windows(Clock(), epoch=epoch).at("v2", ""), [GOOD] * 5000)
    for n in range(2000):
        feed(window, [BAD if n % 10 < 3 else GOOD], start=5000 + n)
        if n % 10 == 9 and window.judge(1000).verdict is Status.FAIL:
            return n + 1
    return 2000


def test_epochs_find_soon_what_turns_bad_late() -> None:
    assert turns_bad(500) < 120 < turns_bad(0)


@pytest.mark.parametrize("epoch", [0, 50])
def test_sessions_stay_in_the_epoch_they_began_in(epoch: int) -> None:
    window = windows(Clock(), epoch=epoch).at("v2", "")
    assert window is not None
    for n in range(120):
        for turn in (1, 2):
            window.opened(f"s{n}#0", False, "POST /chat")
            window.add(comparison_of(GOOD, n, unit=f"s{n}#0", session=f"s{n}", turn=turn), 1000)
        window.closed(f"s{n}#0")
    verdict = window.judge(1000)
    assert verdict.divergence.n == 120 and verdict.ledger["matched"] == verdict.ledger["read"] == 240


def test_epochs_follow_each_other_while_pairs_are_always_in_flight() -> None:
    window = windows(Clock(), epoch=100).at("v2", "")
    assert window is not None
    for n in range(32):
        window.opened(f"x{n}", True, "GET /")
    for n in range(5000):
        window.opened(f"x{n + 32}", True, "GET /")
        window.add(comparison_of(GOOD, n, unit=f"x{n}"), 1000)
    assert len(window._epochs) > 30 and window.judge(1000).divergence.n == 5000


def test_a_fail_that_nobody_asked_about_at_the_time_stays() -> None:
    window = feed(windows(Clock()).at("v2", ""), [BAD] * 40 + [GOOD] * 5000)
    assert window.judge(1000).verdict is Status.FAIL


def test_what_is_withdrawn_is_not_counted() -> None:
    window = feed(windows(Clock()).at("v2", ""), [GOOD] * 200)
    window.opened("y", True, "GET /")
    window.withdrawn("y", True, "GET /")
    for turn in ("s", "s"):
        window.opened(turn, False, "POST /")
    window.withdrawn("s", False, "POST /")
    window.add(comparison_of(GOOD, 900, unit="s", session="s", turn=1), 1000)
    assert window.holds("s") and not window.holds("y")
    window.closed("s")
    verdict = window.judge(1000)
    assert not window.holds("s") and verdict.divergence.n == 201 and verdict.ledger["read"] == 201
