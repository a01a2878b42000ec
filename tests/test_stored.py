"""Stored pairs: what was kept is judged as the answers were, and what was not kept is named."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shadowdiff import stored, tape
from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Expect, Failure, Pair
from shadowdiff.run.scoring import panel
from shadowdiff.settings import Config
from shadowdiff.testing import comparison_of, exchange_of, pair_of, response_of

LONG = "The parcel leaves our depot within 3 days and reaches you on the day after. Keep the receipt for 24 months."
CHAT = '{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"%s"},"finish_reason":"%s"}]}'
PAGE = "<html><head><title>t</title></head><body><h1>Shop</h1><p>%s</p><a href='/buy'>buy</a></body></html>"


def again(pair: Pair) -> tuple[Comparison, Comparison]:
    """The comparison of a pair, and that of what its line keeps."""
    scorers = panel(Config())
    first = scorers.compare(pair, Baseline()).comparison
    line: dict[str, Any] = orjson.loads(tape.encode(first, pair, "all"))
    kept = stored.pair_of(line)
    assert isinstance(kept, Pair), kept
    return first, scorers.compare(kept, Baseline()).comparison


@pytest.mark.parametrize(
    ("blue", "green"),
    [
        ('{"a":1,"b":[1,2],"n":12345678901234567890}', '{"a":1.0,"b":[1,2],"n":12345678901234567890}'),
        ('{"a":1,"b":[1,2]}', '{"a":"1","b":[1]}'),
        (LONG, LONG.replace("3 days", "30 days")),
        (LONG, LONG + " Thank you."),
        (CHAT % (LONG, "stop"), CHAT % (LONG[:60], "length")),
        (CHAT % (LONG, "stop"), CHAT % (LONG, "content_filter")),
        (PAGE % LONG, PAGE.replace("<a href='/buy'>buy</a>", "buy") % LONG),
        (LONG, ""),
        ("", '{"a":1}'),
    ],
)
def test_a_stored_pair_is_judged_as_the_answers_were(blue: str, green: str) -> None:
    first, second = again(pair_of(blue, green))
    assert (second.outcome, second.rules) == (first.outcome, first.rules)
    assert [f.kind for s in second.scores for f in s.findings] == [f.kind for s in first.scores for f in s.findings]


def test_failures_controls_and_expectations_come_back() -> None:
    pair = pair_of(LONG, Failure.TIMEOUT, exchange=exchange_of(expect=Expect(contains=("24",))))
    first, second = again(pair)
    assert first.outcome is second.outcome is Outcome.MISMATCHED and second.rules == ("failure",)
    made = tape.encode(comparison_of(Outcome.MISMATCHED), pair, "all")
    kept = stored.pair_of(orjson.loads(made))
    assert isinstance(kept, Pair) and kept.exchange.expect == Expect(contains=("24",))


def test_what_cannot_be_judged_again_says_why() -> None:
    line = orjson.loads(tape.encode(comparison_of(Outcome.MATCHED), pair_of("a", "a"), "none"))
    assert stored.pair_of(line) == stored.NOT_STORED
    long = orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED), pair_of("x " * 50_000, "y " * 50_000)))
    assert stored.pair_of(long) == stored.CUT
    raw = orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED), pair_of(b"\0\1\2" * 9, b"\0\1\3" * 9)))
    assert stored.pair_of(raw) == stored.BINARY
    asked_twice = orjson.loads(
        tape.encode(comparison_of(Outcome.MISMATCHED, control=(Outcome.MATCHED, Outcome.IGNORED)), pair_of("a", "b"))
    )
    assert stored.pair_of(asked_twice) == stored.NOT_STORED


def test_people_see_all_parts_of_a_chat_answer() -> None:
    line = orjson.loads(
        tape.encode(comparison_of(Outcome.MISMATCHED), pair_of(CHAT % (LONG, "stop"), response_of("no")))
    )
    assert LONG in stored.shown(line["blue"]) and "finish" in stored.shown(line["blue"])
    assert stored.shown(line["green"]) == "no" and stored.shown({"failure": "timeout"}) == ""


def test_a_number_that_names_a_person_leaves_json_that_can_be_judged_again() -> None:
    pair = pair_of(
        '{"phone": 13800138000, "n": [4111111111111111, 12], "s": "a: 1"}',
        '{"phone": 13800138001, "n": [], "s": "b"}',
    )
    kept = stored.fields(pair)
    assert "13800138000" not in str(kept) and "4111111111111111" not in str(kept)
    assert orjson.loads(kept["blue"]["body"]) == {"phone": "[redacted]", "n": ["[redacted]", 12], "s": "a: 1"}
