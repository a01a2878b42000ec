"""Live copies become exchanges; whatever is not taken is in the ledger with its reason."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shadowdiff.capture.build import Builder
from shadowdiff.capture.copies import Answer, Copy, Pulse
from shadowdiff.model.exchange import HELD_BACK, BodyState, Exchange, Failure, Later
from shadowdiff.model.tally import Ledger
from shadowdiff.run import inbox as feed
from shadowdiff.run.inbox import Inbox, read_checkpoint


def copy(number: int = 1, status: int = 200, **fields) -> Copy:
    answer = Answer(status, (("Content-Type", "text/plain"),), b"yes", 3, "", (), 0.1, 0.2)
    values = {
        "number": number, "at": 1.0, "method": "GET", "target": "/a", "headers": (), "body": b"",
        "state": BodyState.EMPTY, "peer": "", "answer": answer,
    }  # fmt: skip
    return Copy(**(values | fields))


def inbox(**more) -> tuple[Inbox, Ledger]:
    ledger = Ledger()
    return Inbox(Builder(ledger), ledger, **({"max_bytes": 1000} | more)), ledger


def taken(one: Inbox) -> list[Exchange]:
    found = []
    for item in one.stream():
        if isinstance(item, Later):
            break
        found.append(item)
    return found


def test_blue_is_what_the_client_got() -> None:
    one, _ = inbox()
    one.take(Pulse("s1"))
    one.take(copy(5))
    (exchange,) = taken(one)
    assert exchange.source == "s1:5" and exchange.blue is not None and exchange.blue.total_s == 0.2
    assert exchange.recorded is not None and exchange.recorded.body == b"yes" and exchange.recorded_status == 200
    assert one.places == ["s1:5"]
    one.settled("s1:5")
    assert not one.places


def test_failures_of_blue_are_no_baseline_and_other_statuses_are() -> None:
    one, _ = inbox()
    for status in (500, 429, 404):
        one.take(copy(status=status))
    assert [exchange.recorded_status for exchange in taken(one)] == [0, 0, 404]
    cut = msgspec.structs.replace(copy().answer, ended="the connection was reset")
    one.take(copy(answer=cut))
    (exchange,) = taken(one)
    assert exchange.blue is not None and exchange.blue.failure is Failure.RESET and exchange.recorded is None


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    one, ledger = inbox(max_bytes=10)
    for number in range(5):
        one.take(copy(number))
    assert len(taken(one)) == 3 and (ledger.read, ledger.dropped) == (5, 2)
    one.take(copy(9))
    assert len(taken(one)) == 1


def test_what_waited_too_long_and_what_a_breaker_holds_is_dropped() -> None:
    now, why = [0.0], [""]
    one, ledger = inbox(clock=lambda: now[0], resting=lambda: why[0])
    one.take(copy(1))
    now[0] = feed.MAX_WAIT_S + 1
    assert not taken(one)
    one.take(copy(2))
    why[0] = "resting"
    assert not taken(one) and ledger.dropped == 2 and "dropped: resting" in ledger.reasons


def test_clients_that_left_and_targets_that_are_none_are_counted() -> None:
    one, ledger = inbox()
    one.take(copy(1, client_left=True))
    one.take(copy(2, target="nonsense"))
    assert not taken(one) and (ledger.read, ledger.skipped, ledger.unreadable) == (2, 1, 1) and ledger.balances


def test_totals_of_the_sender_are_counted_once_across_restarts(tmp_path: Path) -> None:
    one, ledger = inbox()
    one.take(Pulse("s1", made=4, dropped=3))
    one.take(Pulse("s1", made=9, dropped=5, blind=1))
    one.checkpoint(tmp_path)
    assert ledger.dropped == 5 and "1 connections were no HTTP" in one.notes()[0]
    two, later = inbox(left=read_checkpoint(tmp_path))
    two.take(Pulse("s1", dropped=6))
    assert later.dropped == 1
    two.take(Pulse("s2", dropped=2))
    assert later.dropped == 3


def test_copies_that_died_with_a_judging_process_are_counted(tmp_path: Path) -> None:
    one, _ = inbox()
    one.take(Pulse("s1", made=0))
    for number in range(1, 6):
        one.take(copy(number, client_left=number == 5))
    one.take(Pulse("s1", made=5))
    one.checkpoint(tmp_path)
    two, ledger = inbox(left=read_checkpoint(tmp_path), known=["s1:1", "s1:2"])
    two.take(Pulse("s1", made=9, dropped=1))
    assert ledger.reasons == {"dropped: more traffic than green could take": 1, f"dropped: {feed.LOST}": 5}
    two.take(Pulse("s1", made=9, dropped=1))
    assert ledger.dropped == 6


def test_credentials_that_are_held_back_are_marked() -> None:
    one, _ = inbox(held_back=lambda copy: True)
    one.take(copy())
    assert taken(one)[0].tags == (HELD_BACK,)


def test_it_ends_when_the_sender_has_and_nothing_waits() -> None:
    one, _ = inbox()
    one.take(copy())
    one.ended = True
    assert len(list(one.stream())) == 1
