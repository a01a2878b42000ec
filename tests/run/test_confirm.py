"""Confirm: mismatches are asked again beside the run; what comes back is told, nothing is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shadowdiff.contracts import Call
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Exchange, Observation, Role
from shadowdiff.run.confirm import Confirm, counts, note
from shadowdiff.run.judging import Judging
from shadowdiff.run.scoring import panel
from shadowdiff.run.targets import targets
from shadowdiff.score.noise import Learner
from shadowdiff.settings import Config
from shadowdiff.settings import Targets as TargetRules
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.budget import Budget
from shadowdiff.testing import comparison_of, decoding, exchange_of, observed, request_of, response_of

CONFIG = Config(targets=TargetRules(blue="http://blue:80", green="http://green:80"))


class Answering:
    """Green answers otherwise on the first `flaky` asks, blue always the same."""

    def __init__(self, wrong: int) -> None:
        self.wrong = wrong
        self.calls: list[Sequence[Call]] = []

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        await asyncio.sleep(0)
        self.calls.append(calls)
        said = '{"n":2}' if len(self.calls) <= self.wrong else '{"n":1}'
        return tuple(observed(c.role, response_of(said if c.role is Role.GREEN else '{"n":1}')) for c in calls)

    async def aclose(self) -> None:
        """Nothing is open."""


def confirming(wrong: int, times: int, budget: Budget | None = None) -> tuple[Confirm, Answering]:
    transport = Answering(wrong)
    made = Confirm(
        rewriters=[targets(CONFIG, f"{n}run")[0] for n in range(times)],
        roles=(Role.BLUE, Role.GREEN),
        transport=transport,
        judging=Judging(decoding(), panel(CONFIG), Learner()),
        brake=Brake(),
        budget=budget or Budget(),
    )
    return made, transport


def ask(confirm: Confirm, *exchanges: Exchange, outcome: Outcome = Outcome.MISMATCHED) -> Confirm:
    async def main() -> None:
        async with confirm.running():
            for number, exchange in enumerate(exchanges):
                confirm.take(comparison_of(outcome, number), exchange)

    asyncio.run(main())
    return confirm


def test_what_comes_back_and_what_does_not_is_told_apart() -> None:
    exchange = exchange_of(id="a")
    found = ask(confirming(3, 3)[0], exchange).found
    assert counts(found) == {"asked": 1, "always": 1, "sometimes": 0, "never": 0}
    assert ask(confirming(1, 3)[0], exchange).found == {"a": (1, 3)}
    never = ask(confirming(0, 2)[0], exchange)
    assert counts(never.found)["never"] == 1 and "does not count this" in note(never.found)


def test_matches_and_turns_of_sessions_are_not_asked_again() -> None:
    confirm, transport = confirming(1, 2)
    ask(confirm, exchange_of(id="a"), outcome=Outcome.MATCHED)
    ask(confirm, exchange_of(id="b", session="s"))
    assert not transport.calls and confirm.in_sessions == 1 and not confirm.found


def test_each_time_has_ids_of_its_own() -> None:
    """An idempotency record must not answer for green."""
    confirm, transport = confirming(3, 3)
    ask(confirm, exchange_of(request_of("POST", "/", b"{}", **{"Idempotency-Key": "k1"}), id="a"))
    keys = {dict(call.request.headers)["Idempotency-Key"] for calls in transport.calls for call in calls}
    assert len(keys) == 6 and "k1" not in keys


def test_a_budget_bounds_what_is_asked_again() -> None:
    confirm, transport = confirming(9, 5, Budget(4))
    ask(confirm, exchange_of(id="a"), exchange_of(id="b"))
    assert len(transport.calls) == 2 and sum(asked for _, asked in confirm.found.values()) == 2


def test_without_a_number_nothing_is_asked() -> None:
    confirm, transport = confirming(1, 0)
    ask(confirm, exchange_of(id="a"))
    assert not transport.calls and not confirm.found
