"""The conformance checks can fail: each catches a plugin that breaks its promise."""

from __future__ import annotations

import gc
import socket
import sys
from pathlib import Path

import pytest

from shadowdiff.act.alertmanager import Alertmanager
from shadowdiff.act.command import Command
from shadowdiff.act.webhook import Webhook
from shadowdiff.contracts import Baseline
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.model.comparison import Score
from shadowdiff.model.exchange import Document, Pair, Response
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.tape import TapeSink
from shadowdiff.testing import CannedServer, answer, check_action, check_decoder, check_gate, check_scorer, check_sink


class Constant:
    name = "constant"
    on_equal = True

    def __init__(self, divergence: float) -> None:
        self.divergence = divergence

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        return Score(self.name, self.divergence)


@pytest.mark.parametrize("divergence", [0.5, -1.0])
def test_a_scorer_that_finds_differences_in_equal_answers_is_caught(divergence: float) -> None:
    with pytest.raises(AssertionError, match="same answer"):
        check_scorer(Constant(divergence))
    check_scorer(Constant(0.0))


def test_a_decoder_of_unknown_kinds_is_caught() -> None:
    class Odd:
        def priority(self, response: Response, head: bytes) -> float:
            return 1.0

        def decode(self, response: Response, body: bytes) -> Document:
            return Document(kind="mystery")

    with pytest.raises(AssertionError, match="mystery"):
        check_decoder(Odd())


def test_a_gate_that_passes_on_nothing_is_caught() -> None:
    class Lax:
        def judge(self, tally: Tally) -> Verdict:
            return Verdict(verdict=Status.PASS, reason="sure", exit_code=0)

    with pytest.raises(AssertionError, match="must not pass"):
        check_gate(Lax())
    check_gate(EvidenceGate(Limits()))


def test_the_tape_is_a_conforming_sink(tmp_path: Path) -> None:
    check_sink(TapeSink(tmp_path))


def test_a_connection_that_is_just_accepted_when_the_server_ends_is_not_left_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    for _ in range(40):
        with CannedServer(lambda head, body: [answer(b"x")]) as server:
            for _ in range(3):
                socket.create_connection(("127.0.0.1", server.port)).close()
        gc.collect()
    assert not left


def test_an_action_must_say_what_it_would_do_and_must_not_block() -> None:
    class Silent:
        def plan(self, verdict: Verdict) -> str:
            return ""

        async def act(self, verdict: Verdict) -> str:
            return ""

    class Blocking(Silent):
        def plan(self, verdict: Verdict) -> str:
            return "stop it"

        def act(self, verdict: Verdict) -> str:  # type: ignore[override]
            return ""

    for broken, why in ((Silent(), "says nothing"), (Blocking(), "no coroutine")):
        with pytest.raises(AssertionError, match=why):
            check_action(broken)
    for action in (Command(["true"]), Webhook("http://h"), Alertmanager("http://h")):
        check_action(action)
