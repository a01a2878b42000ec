"""The panel: baselines, green's failures, OR-ed rules, the twin, contained plugins."""

from __future__ import annotations

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Outcome, Score, Severity
from shadowdiff.model.exchange import STATUS_ONLY, Failure, Observation, Pair, Response, Role
from shadowdiff.score.keywords import Keywords
from shadowdiff.score.length import Length
from shadowdiff.score.panel import Panel, outcome_of
from shadowdiff.score.status import Status
from shadowdiff.score.structure import Structure
from shadowdiff.testing import exchange_of, pair_of, response_of

RULES = [Status(), Structure(), Length(), Keywords()]


def judged(blue, green, twin=None, recorded: int = 0, paired: bool = False):
    pair = pair_of(blue, green, twin, exchange_of(recorded_status=recorded))
    return Panel(RULES, paired=paired).compare(pair, Baseline())


def outcome(*args, **more) -> Outcome:
    return judged(*args, **more).comparison.outcome


@pytest.mark.parametrize("status", [401, 403, 407, 429, 500, 503])
def test_without_a_recording_such_a_blue_is_no_baseline(status: int) -> None:
    assert outcome(response_of("x", status), response_of("x", status)) is Outcome.ERRORED


@pytest.mark.parametrize(
    ("blue", "recorded", "good"),
    [(404, 404, True), (404, 200, False), (500, 500, True), (200, 304, True), (429, 404, False)],
)
def test_with_a_recording_the_status_class_must_be_as_in_production(blue: int, recorded: int, good: bool) -> None:
    made = judged(response_of("x", blue), response_of("x", blue), recorded=recorded)
    assert made.comparison.outcome is (Outcome.MATCHED if good else Outcome.ERRORED)
    assert made.comparison.baseline is good


@pytest.mark.parametrize("failure", [f for f in Failure if f is not Failure.RACE])
def test_any_failure_of_green_is_a_mismatch_and_of_blue_no_baseline(failure: Failure) -> None:
    assert outcome("x", failure) is Outcome.MISMATCHED
    assert outcome(failure, "x") is Outcome.ERRORED
    assert outcome(failure, failure) is Outcome.ERRORED


def test_a_transport_race_is_our_doing() -> None:
    assert outcome("x", Failure.RACE) is Outcome.ERRORED


def test_green_5xx_while_blue_is_good_is_a_mismatch() -> None:
    made = judged(response_of("x"), response_of("x", 502)).comparison
    assert (made.outcome, made.rules, made.bets["divergence"]) == (Outcome.MISMATCHED, ("status",), 1.0)
    assert made.why == "status: 200 → 502"


def test_a_cut_answer_keeps_what_arrived_and_is_a_failure() -> None:
    pair = pair_of("whole answer", "whole")
    cut = Observation(
        role=Role.GREEN, response=Response(status=200, body=b"whole", size=5), failure=Failure.RESET, detail="cut"
    )
    made = Panel(RULES, paired=False).compare(Pair(pair.exchange, pair.blue, cut), Baseline()).comparison
    assert (made.outcome, made.rules) == (Outcome.MISMATCHED, ("failure",))


def test_outcomes_follow_the_findings() -> None:
    def score(*findings: Finding) -> list[Score]:
        return [Score("s", 0.1, findings)]

    assert outcome_of([]) is Outcome.MATCHED
    assert outcome_of(score(Finding("", "x", Severity.INFO))) is Outcome.MATCHED
    assert outcome_of(score(Finding("", "x", noisy="accepted"))) is Outcome.IGNORED
    assert outcome_of(score(Finding("", "x", noisy="accepted"), Finding("", "y"))) is Outcome.MISMATCHED


def test_asking_blue_again_excuses_what_it_does_to_itself_and_is_not_subtracted() -> None:
    made = judged('{"n": 1, "a": 1}', '{"n": 3, "a": 1}', '{"n": 2, "a": 1}')
    assert made.comparison.outcome is Outcome.IGNORED
    assert (made.comparison.bets["divergence"], made.comparison.reask) == (0.0, True)
    assert ("/n", "value") in made.noise
    assert judged('{"n": 1, "a": 1}', '{"n": 3, "a": 9}', '{"n": 2, "a": 1}').comparison.outcome is Outcome.MISMATCHED


@pytest.mark.parametrize(
    ("green", "twin", "bet"),
    [
        ("same", "same", 0.5),  # D = 0
        ("other" * 20, "same", 1.0),  # green differs from both: D = 1
        ("same", "other" * 20, 0.25),  # only the twin differs: (0 + 1) / 2 - 1 = -1/2
        ("other" * 20, "other" * 20, 0.25),  # the twin agrees with green: (1 + 0) / 2 - 1
        ("third" * 30, "other" * 20, 0.5),  # all three differ: noise
    ],
)
def test_with_a_twin_the_bet_is_the_excess_over_noise(green: str, twin: str, bet: float) -> None:
    assert judged("same", green, twin, paired=True).comparison.bets["divergence"] == bet


def test_a_twin_that_fails_gives_no_control() -> None:
    made = judged("x", "x", Failure.TIMEOUT, paired=True).comparison
    assert made.outcome is Outcome.ERRORED and "twin" in made.why and made.baseline


def test_a_recorded_status_without_a_body_compares_status_alone() -> None:
    blue = Observation(role=Role.BLUE, response=Response(status=200), detail=STATUS_ONLY)
    pair = pair_of("x", "anything at all")
    made = Panel(RULES, paired=False).compare(
        Pair(pair.exchange, blue, pair.green, None, None, pair.green_doc), Baseline()
    )
    assert made.comparison.outcome is Outcome.MATCHED


def test_a_raising_scorer_is_named_and_the_others_still_judge() -> None:
    class Bad:
        name = "bad"
        on_equal = True

        def score(self, pair: Pair, baseline: Baseline) -> Score:
            raise ZeroDivisionError("oops")

    made = Panel([Bad(), *RULES], paired=False, owner=lambda _: "some-dist").compare(
        pair_of('{"a":1}', '{"a":2}'), Baseline()
    )
    assert made.comparison.outcome is Outcome.MISMATCHED
    assert "some-dist" in made.errors["bad"] and "oops" in made.errors["bad"]


def test_what_was_given_up_at_the_end_is_nobodys_fault() -> None:
    from shadowdiff.model.exchange import INTERRUPTED

    pair = pair_of("x", "y")
    gone = Observation(role=Role.BLUE, failure=Failure.TIMEOUT, detail=INTERRUPTED)
    made = Panel(RULES, paired=False).compare(Pair(pair.exchange, gone, pair.green), Baseline()).comparison
    assert made.outcome is Outcome.ERRORED and made.baseline


def test_a_write_refused_the_second_time_is_no_noise() -> None:
    from shadowdiff.testing import request_of

    exchange = exchange_of(request_of("POST", "/orders"))
    pair = pair_of(response_of("made", 201), response_of("made", 201), response_of("exists", 409), exchange)
    made = Panel(RULES, paired=False).compare(pair, Baseline()).comparison
    assert (made.outcome, made.control) == (Outcome.MATCHED, None)


def test_a_secret_at_a_named_path_is_not_in_the_explanation() -> None:
    made = judged('{"api_key": "abcdef", "n": 1}', '{"api_key": "ghijkl", "n": 1}').comparison
    assert "abcdef" not in made.why and "ghijkl" not in made.why and "/api_key" in made.why


def test_critical_findings_and_raw_rates_are_bets_where_they_are_asked_for() -> None:
    long = "The parcel leaves our depot within three days and reaches you on the day after, as a rule."
    gone = "I'm sorry, but I can't help with that."

    def bets(twin: str | None, **options: bool) -> dict[str, float]:
        made = Panel([Structure()], paired=twin is not None, critical=True, **options)
        return made.compare(pair_of(long, gone, twin), Baseline()).comparison.bets

    assert bets(None) == {"divergence": 1.0, "critical": 1.0}
    assert bets(long) == {"divergence": 1.0, "critical": 1.0}
    assert bets(gone) == {"divergence": 0.25, "critical": 0.25}
    assert bets(None, unpaired=True) == {"raw": 1.0, "critical": 1.0}
    assert bets(gone, unpaired=True) == {"raw": 1.0, "critical": 1.0, "noise": 1.0}
