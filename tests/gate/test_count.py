"""Counting: a balanced ledger, one bet a session, any interleaving."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.gate.count import Counter
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import comparison_of


def test_a_session_is_one_bet_its_mean_once_closed_and_settled() -> None:
    counter = Counter("s", Ledger())
    for _ in range(4):
        counter.opened("a#0", False, "GET /")
    outcomes = [Outcome.MATCHED, Outcome.MISMATCHED, Outcome.ERRORED, Outcome.MATCHED]
    for number, outcome in enumerate(outcomes[:3]):
        counter.add(comparison_of(outcome, number, session="a", unit="a#0"))
    counter.closed("a#0")
    assert (counter.shard.units, counter.shard.open_units) == (0, 1)
    last = counter.add(comparison_of(outcomes[3], 3, session="a", unit="a#0"))
    assert last.after_divergence
    assert counter.shard.bets == {"divergence": {round(64 / 3): 1}} and counter.shard.open_units == 0


def test_a_session_of_errors_alone_is_no_unit() -> None:
    counter = Counter("s", Ledger())
    counter.opened("a#0", False, "GET /")
    counter.add(comparison_of(Outcome.ERRORED, session="a", unit="a#0"))
    counter.closed("a#0")
    counter.closed("never-sent#0")
    assert (counter.shard.units, counter.shard.open_units) == (0, 0)


@given(st.lists(st.sampled_from(list(Outcome)), max_size=60), st.integers(0, 1000))
def test_the_ledger_balances_and_order_does_not_matter(outcomes: list[Outcome], seed: int) -> None:
    def count(order: list[int]) -> Counter:
        ledger = Ledger(read=len(outcomes), sent=len(outcomes))
        counter = Counter("s", ledger)
        for number in order:
            session = f"s{number % 5}" if number % 2 else None
            unit = f"{session}#0" if session else f"x{number}"
            counter.opened(unit, session is None, "GET /")
        for number in order:
            session = f"s{number % 5}" if number % 2 else None
            unit = f"{session}#0" if session else f"x{number}"
            counter.add(comparison_of(outcomes[number], number, session=session, unit=unit))
        counter.close_all()
        return counter

    numbers = list(range(len(outcomes)))
    shuffled = numbers[:]
    random.Random(seed).shuffle(shuffled)
    one, two = count(numbers), count(shuffled)
    assert one.shard.ledger.balances and one.shard.bets == two.shard.bets
    assert one.shard.open_units == two.shard.open_units == 0


def test_a_recorded_blue_is_not_asked() -> None:
    counter = Counter("s", Ledger(), blue_asked=False)
    counter.opened("x1", True, "GET /")
    counter.add(comparison_of(Outcome.MATCHED))
    assert counter.shard.blue_asked == 0


def test_a_session_whose_end_is_read_before_its_turns_are_sent_is_still_one_unit() -> None:
    """Reading is ahead of sending: the unit closes when its last turn settles, and withdrawn turns do not hold it."""
    made = Counter("r/0", Ledger())
    for _ in range(3):
        made.opened("s#0", False, "GET /")
    made.closed("s#0")
    made.withdrawn("s#0", False, "GET /")
    made.add(comparison_of(unit="s#0", session="s"))
    assert (made.shard.units, made.shard.open_units) == (0, 1)
    made.add(comparison_of(unit="s#0", session="s"))
    assert (made.shard.units, made.shard.open_units, made.shard.session_units) == (1, 0, 1)


def test_a_unit_of_which_nothing_was_sent_is_no_evidence() -> None:
    made = Counter("r/0", Ledger())
    made.opened("s#0", False, "GET /")
    made.opened("x", True, "GET /")
    made.withdrawn("s#0", False, "GET /")
    made.withdrawn("x", True, "GET /")
    made.closed("s#0")
    assert (made.shard.units, made.shard.open_units) == (0, 0)


def test_only_the_first_diverging_turn_of_a_session_is_counted_over_all_its_units() -> None:
    made = Counter("r/0", Ledger())
    for turn, unit in ((1, "s#0"), (2, "s#0"), (21, "s#1")):
        made.opened(unit, False, "GET /")
        outcome = Outcome.MATCHED if turn == 1 else Outcome.MISMATCHED
        marked = made.add(comparison_of(outcome=outcome, unit=unit, session="s", turn=turn))
    assert made.shard.first_diverging == {2: 1} and marked.after_divergence
