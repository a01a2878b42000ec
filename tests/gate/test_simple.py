"""Simple mode stands beside the evidence gate in test_rules.py; here: how often it cries wolf."""

from __future__ import annotations

import random

from shadowdiff.gate.evidence import binary
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.gate.simple import SimpleGate
from shadowdiff.model.tally import Ledger, Shard


def stops(gate, rate: float, seed: int, pairs: int = 1000) -> bool:
    rng = random.Random(seed)
    k = 0
    for n in range(1, pairs + 1):
        k += rng.random() < rate
        if n % 5 == 0 and gate.fails(
            Shard(
                id="a", units=n, bets={"divergence": binary(k, n)}, ledger=Ledger(sent=n, matched=n - k, mismatched=k)
            ),
            False,
        ):
            return True
    return False


def test_watched_all_along_the_plain_rule_stops_healthy_releases_and_the_evidence_does_not() -> None:
    plain = sum(stops(SimpleGate(Limits()), 0.04, seed) for seed in range(40))
    evidence = sum(stops(EvidenceGate(Limits()), 0.04, seed) for seed in range(40))
    assert plain >= 20 and evidence <= 2, (plain, evidence)
