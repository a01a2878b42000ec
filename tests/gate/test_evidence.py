"""The engine against every vector of gate.json, to its stated tolerance, and its laws."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.gate.criteria import mark
from shadowdiff.gate.evidence import Evidence, bin_of, binary

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "gate.json").read_text())


def close(got: float, want: str) -> bool:
    value = float(want)
    return abs(got - value) <= 1e-9 * max(1.0, abs(value))


@pytest.mark.parametrize("case", VECTORS["gate"], ids=lambda c: f"{c['k']}of{c['n']}@{c['tau']}a{c['alpha']}")
def test_gate_vector(case: dict) -> None:
    evidence = Evidence(binary(case["k"], case["n"]))
    assert close(evidence.log_fail(case["tau"]), case["log_e_fail"])
    assert close(evidence.log_pass(case["tau_pass"]), case["log_e_pass"])
    assert abs(evidence.lower(case["alpha"]) - float(case["lower"])) <= 1e-10
    assert abs(evidence.upper(case["beta"]) - float(case["upper"])) <= 1e-10
    failed = evidence.log_fail(case["tau"]) >= -math.log(case["alpha"])
    passed = evidence.log_pass(case["tau_pass"]) >= -math.log(case["beta"])
    assert ("FAIL" if failed else "PASS" if passed else "UNDECIDED") == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["boundary"], ids=lambda c: f"tau{c['tau']}alpha{c['alpha']}")
def test_boundary_tables(case: dict) -> None:
    for name, hit in (
        ("fail_at", lambda k, n: Evidence(binary(k, n)).log_fail(case["tau"]) >= -math.log(case["alpha"])),
        ("pass_at", lambda k, n: Evidence(binary(k, n)).log_pass(case["tau"]) >= -math.log(case["beta"])),
    ):
        for n, bound in enumerate(case[name], 1):
            if bound is None:
                assert not hit(n if name == "fail_at" else 0, n), (name, n)
                continue
            assert hit(bound, n), (name, n)
            beyond = bound - 1 if name == "fail_at" else bound + 1
            if 0 <= beyond <= n:
                assert not hit(beyond, n), (name, n)


def test_stream_37_stops_where_the_vector_stops() -> None:
    stream = VECTORS["stream_37"]
    for row in stream["rows"]:
        evidence = Evidence(binary(row["k"], row["n"]))
        assert close(evidence.log_fail(stream["tau"]), row["log_e_fail"])
        assert close(evidence.log_pass(stream["tau"]), row["log_e_pass"])
        stops = evidence.log_fail(stream["tau"]) >= -math.log(stream["alpha"])
        assert stops == (row["n"] >= stream["stop_n"])


@pytest.mark.parametrize(
    "case", VECTORS["paired"], ids=lambda c: f"{c['n10']}-{c['n01']}-{c['n0']}d{c['delta_fail']}"
)
def test_paired_vector(case: dict) -> None:
    """n10 counts D = 1 (green differs, the twin does not), n01 counts D = -1; bets are (1 + D) / 2."""
    bets = {64: case["n10"], 0: case["n01"], 32: case["n0"]}
    evidence = Evidence(bets)
    assert close(evidence.log_fail(mark(case["delta_fail"], True)), case["log_e_fail"])
    assert close(evidence.log_pass(mark(case["delta_pass"], True)), case["log_e_pass"])
    assert abs(2 * evidence.lower(case["alpha"]) - 1 - float(case["excess_lower"])) <= 1e-9
    assert abs(2 * evidence.upper(case["beta"]) - 1 - float(case["excess_upper"])) <= 1e-9


@pytest.mark.parametrize("case", [c for c in VECTORS["scores"] if all((float(x) * 64).is_integer() for x in c["x"])])
def test_score_vector(case: dict) -> None:
    bets: dict[int, int] = {}
    for x in case["x"]:
        bets[bin_of(float(x))] = bets.get(bin_of(float(x)), 0) + 1
    evidence = Evidence(bets)
    assert abs(evidence.log_fail(float(case["m"])) - float(case["log_e_above"])) < 1e-9
    assert abs(evidence.log_pass(float(case["m"])) - float(case["log_e_below"])) < 1e-9


counts = st.dictionaries(st.integers(0, 64), st.integers(0, 200), max_size=6)


@given(counts, st.floats(0.001, 0.999))
def test_what_is_in_flight_never_helps_a_decision(bets: dict[int, int], m: float) -> None:
    now, waiting = Evidence(bets), Evidence(bets, 7)
    assert waiting.log_fail(m) <= now.log_fail(m) + 1e-9
    assert waiting.log_pass(m) <= now.log_pass(m) + 1e-9


@given(counts, st.floats(0.01, 0.5), st.floats(0.001, 0.4))
def test_evidence_and_interval_say_the_same(bets: dict[int, int], m: float, alpha: float) -> None:
    evidence = Evidence(bets)
    log, low = evidence.log_fail(m), evidence.lower(alpha)
    if log >= -math.log(alpha) + 1e-6:
        assert low >= m - 1e-9
    if log <= -math.log(alpha) - 1e-6:
        assert low <= m + 1e-9


@given(st.integers(0, 400), st.integers(0, 400))
def test_upper_mirrors_lower(k: int, rest: int) -> None:
    n = k + rest
    assert Evidence(binary(k, n)).upper(0.05) == pytest.approx(1 - Evidence(binary(rest, n)).lower(0.05), abs=1e-12)
