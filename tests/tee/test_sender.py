"""The tee: sessions in order under concurrency, stops that drain, budgets, and a balanced ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from shadowdiff.contracts import Call
from shadowdiff.model.exchange import Exchange, Observation, Pair, Role
from shadowdiff.model.tally import Ledger
from shadowdiff.net.endpoint import endpoint
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.budget import Budget
from shadowdiff.tee.hold import Holder
from shadowdiff.tee.pace import Pacer
from shadowdiff.tee.pair import recorded_blue
from shadowdiff.tee.rewrite import Rewriter, Target
from shadowdiff.tee.sender import Tee
from shadowdiff.tee.session import Sessions
from shadowdiff.testing import exchange_of, observed, request_of, response_of


class Slow:
    """A transport that answers after a moment and remembers the order."""

    def __init__(self, delay: float = 0.002) -> None:
        self.delay = delay
        self.order: list[str] = []
        self.at_once = self.most = 0

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        self.order.append(calls[0].request.target)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.delay)
        self.at_once -= 1
        return tuple(observed(call.role, response_of("x")) for call in calls)

    async def aclose(self) -> None: ...


def tee(transport: Slow, ledger: Ledger, **options) -> Tee:
    targets = [Target(r, i, endpoint(r.value, "http://t"), {}) for i, r in enumerate((Role.BLUE, Role.GREEN))]
    return Tee(
        transport=transport, rewriter=Rewriter(targets, run="r"), holder=Holder(), pacer=Pacer(), brake=Brake(),
        sessions=Sessions("", lambda _: None), ledger=ledger, roles=lambda _: (Role.BLUE, Role.GREEN), **options,
    )  # fmt: skip


def run(
    made: Tee, exchanges: list[Exchange], ledger: Ledger, each: Callable[[Pair], None] = lambda _: None
) -> list[Pair]:
    def source():
        for exchange in exchanges:
            ledger.read += 1
            yield exchange

    async def main() -> list[Pair]:
        found = []
        async with made.running(source()) as pairs:
            async for pair in pairs:
                found.append(pair)
                each(pair)
        return found

    return asyncio.run(main())


def many(count: int, **fields) -> list[Exchange]:
    return [exchange_of(request_of("GET", f"/{n}"), id=f"x{n}", unit=f"x{n}", seq=n, **fields) for n in range(count)]


def conversations(sessions: int, turns: int) -> list[Exchange]:
    return [
        exchange_of(request_of("GET", f"/{s}/{t}"), id=f"{s}-{t}", unit="", session=f"s{s}")
        for t in range(turns)
        for s in range(sessions)
    ]


def settle(ledger: Ledger, pairs: list[Pair]) -> bool:
    ledger.matched = len(pairs)
    return ledger.balances


def test_everything_read_is_sent_and_handed_back_once() -> None:
    ledger, transport = Ledger(), Slow()
    pairs = run(tee(transport, ledger), many(300), ledger)
    assert sorted(p.exchange.seq for p in pairs) == list(range(300))
    assert transport.most == 16 and settle(ledger, pairs)


def test_turns_of_a_session_go_in_order_while_sessions_run_side_by_side() -> None:
    ledger, transport = Ledger(), Slow()
    pairs = run(tee(transport, ledger), conversations(10, 6), ledger)
    for session in range(10):
        turns = [path for path in transport.order if path.startswith(f"/{session}/")]
        assert turns == [f"/{session}/{t}" for t in range(6)]
    assert transport.most > 5 and len(pairs) == 60


def test_a_stop_sends_nothing_new_and_counts_what_was_read() -> None:
    ledger, transport = Ledger(), Slow()
    made = tee(transport, ledger)
    pairs = run(made, many(1000), ledger, lambda pair: made.stop("enough"))
    assert len(pairs) < 100 and ledger.sent == len(pairs)
    assert settle(ledger, pairs)


@pytest.mark.parametrize("options", [{"limit": 25}, {"budget": Budget(50)}])
def test_limit_and_budget_stop_exactly(options: dict) -> None:
    ledger = Ledger()
    pairs = run(tee(Slow(), ledger, **options), many(200), ledger)
    assert len(pairs) == 25 and settle(ledger, pairs)


def test_a_limit_sends_as_many_turns_of_sessions_too() -> None:
    """Turns that wait for the one before them are drawn already: a limit of 25 meant 3 sent, and 22 forgotten."""
    ledger, transport = Ledger(), Slow()
    made = tee(transport, ledger, limit=25)
    pairs = run(made, conversations(3, 10), ledger)
    assert len(pairs) == 25 and ledger.unsent == 0 and made.stopping == "limit of 25 reached"
    assert settle(ledger, pairs)


def test_warm_up_is_sent_and_never_counted() -> None:
    ledger, transport, taken, withdrawn = Ledger(), Slow(), [], []
    made = tee(transport, ledger, warmup=10, opened=taken.append, withdrawn=withdrawn.append)
    pairs = run(made, many(50), ledger)
    assert (ledger.warmup, ledger.sent, len(pairs), len(transport.order)) == (10, 40, 40, 50)
    assert (len(taken), len(withdrawn)) == (50, 10)
    assert settle(ledger, pairs)


def test_a_stop_ends_every_wait_at_once_and_loses_nothing() -> None:
    import time

    ledger, transport = Ledger(), Slow()
    made = tee(transport, ledger)
    made._pacer = Pacer(rate=0.1)  # the second exchange is due in ten seconds
    begun = time.monotonic()
    pairs = run(made, many(100), ledger, lambda pair: made.stop("enough"))
    assert time.monotonic() - begun < 2 and len(pairs) == 1
    assert ledger.unsent > 0 and settle(ledger, pairs)


def test_a_throttled_target_holds_everybody_back_until_it_may_go_on() -> None:
    ledger, transport = Ledger(), Slow()
    made = tee(transport, ledger)
    made._brake._until = made._brake._clock() + 0.2
    begun = made._brake._clock()
    pairs = run(made, many(20), ledger)
    assert made._brake._clock() - begun >= 0.2 and settle(ledger, pairs)


def test_held_back_exchanges_are_in_the_ledger_with_their_reason() -> None:
    ledger = Ledger()
    exchanges = [*many(3), exchange_of(request_of("POST", "/p"))]
    pairs = run(tee(Slow(), ledger), exchanges, ledger)
    assert ledger.skipped == 1 and "skipped: POST is not sent" in next(iter(ledger.reasons))
    assert settle(ledger, pairs)


def test_a_drain_past_its_deadline_is_given_up_and_handed_back_as_interrupted() -> None:
    ledger, transport = Ledger(), Slow(delay=0.01)
    made = tee(transport, ledger)

    def hang(pair: Pair) -> None:
        transport.delay = 60
        if len(made._ready) == 0 and not made.stopping:
            asyncio.get_running_loop().call_later(0.1, made.stop, "enough", 0.1)

    pairs = run(made, many(100), ledger, hang)
    assert any("interrupted" in p.blue.detail for p in pairs)
    assert settle(ledger, pairs)


def test_the_recording_stands_in_for_blue() -> None:
    answered = exchange_of(recorded=response_of("hi", 200), recorded_status=200)
    assert recorded_blue(answered).status == 200
    assert recorded_blue(exchange_of(recorded_status=404)).status == 404
    assert recorded_blue(exchange_of()).failure is not None


class Stuck(Slow):
    """Answers four times, then hangs."""

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        self.delay = 0 if len(self.order) < 4 else 1000
        return await super().send(calls)


def test_leaving_ends_however_full_the_queue_of_pairs_is() -> None:
    """A sink that fails must end the run: what is given up in the air finds no room among the pairs nobody takes."""

    async def main() -> None:
        async with tee(Stuck(), Ledger(), max_in_flight=2).running(iter(many(50))) as pairs:
            async for _ in pairs:
                await asyncio.sleep(0.02)
                raise OSError("disk full")

    async def bounded() -> None:
        async with asyncio.timeout(5):
            with pytest.raises(ExceptionGroup):
                await main()

    asyncio.run(bounded())
