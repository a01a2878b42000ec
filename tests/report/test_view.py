"""The view of one pair: headers that differ first, times, arrivals, curl that a shell takes, everything safe."""

from __future__ import annotations

import shlex

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Finding, Outcome, Score, Timings
from shadowdiff.model.exchange import Failure, Observation, Response, Role
from shadowdiff.report.view import curl_lines, view
from shadowdiff.report.words import ENGLISH
from shadowdiff.testing import comparison_of, exchange_of, observed, pair_of, request_of, response_of


def line_of(blue: object = "the answer", green: object = "another answer", **more) -> dict:
    fields = {
        "rules": ("structure",),
        "scores": (Score("structure", 0.5, (Finding("/a", "value", blue="1", green="2"),)),),
    }
    return orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED, **(fields | more)), pair_of(blue, green)))


def streamed(role: Role, *events: tuple[int, float]) -> Observation:
    response = Response(200, (("Content-Type", "text/plain"),), b"x" * 90, 90, events=events)
    return Observation(role=role, response=response, total_s=events[-1][1])


def test_headers_that_differ_come_first_and_repeated_ones_are_joined() -> None:
    one = response_of("a", **{"X-Build": "1", "Vary": "Accept"})
    two = response_of("a", **{"X-Build": "2", "Vary": "Accept", "X-New": "y"})
    rows = view(line_of(one, two), ENGLISH).headers
    assert [(name, same) for name, _, _, same in rows][:2] == [("x-build", False), ("x-new", False)]
    assert ("vary", "Accept", "Accept", True) in rows


def test_arrivals_of_a_stream_are_kept_and_thinned() -> None:
    pair = pair_of("x", "y")
    long = tuple((n, n / 100) for n in range(90))
    import msgspec

    pair = msgspec.structs.replace(
        pair, blue=streamed(Role.BLUE, *long), green=streamed(Role.GREEN, (0, 0.1), (40, 0.5))
    )
    line = orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED), pair))
    seen = view(line, ENGLISH)
    assert seen.green.events == [(100.0, 0.0), (500.0, 40.0), (500.0, 90.0)]
    assert seen.blue.events[-1] == (890.0, 90.0) and len(seen.blue.events) <= 130


def test_times_of_whom_was_asked() -> None:
    timed = Timings(blue_ttfb_s=0.01, blue_s=0.1, green_ttfb_s=0.02, green_s=0.3, twin_s=0.2, blue_ttft_s=0.05)
    rows = view(line_of(timings=timed), ENGLISH).times
    assert rows == [
        ("first byte", 0.01, 0.02, None), ("first words", 0.05, None, None), ("whole answer", 0.1, 0.3, 0.2),
    ]  # fmt: skip


def test_a_failure_shows_what_happened_in_place_of_an_answer() -> None:
    pair = pair_of("x", "y")
    import msgspec

    pair = msgspec.structs.replace(pair, green=observed(Role.GREEN, Failure.TIMEOUT), green_doc=None)
    seen = view(orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED), pair)), ENGLISH)
    assert seen.green.head == "timeout: by the test" and seen.green.pieces


def test_curl_sends_a_body_as_it_is() -> None:
    import msgspec

    asked = request_of("POST", "/a b?x='1'", b'@it\'s {"a": 1}\n', Accept="*/*", Host="shop")
    pair = msgspec.structs.replace(pair_of("x", "y"), exchange=exchange_of(asked))
    line = orjson.loads(tape.encode(comparison_of(Outcome.MISMATCHED), pair))
    ((role, curl),) = curl_lines(line, {"blue": "recorded", "green": "http://g:1/"})
    words = shlex.split(curl)
    assert role == "green" and words[-1] == "http://g:1/a b?x='1'"
    assert words[words.index("--data-raw") + 1] == '@it\'s {"a": 1}\n' and "Host: shop" not in words


def test_control_characters_are_shown_not_sent_to_the_terminal() -> None:
    seen = view(line_of("\x1b[2Ja", "\x1b[2Jb\u202e"), ENGLISH)
    assert "\x1b" not in "".join(text for text, _ in seen.blue.pieces + seen.green.pieces)


def test_only_a_place_in_json_can_be_ignored() -> None:
    scores = (Score("structure", 0.5, (
        Finding("/a", "value", blue="1", green="2"), Finding("/text", "number", blue="1", green="2"),
        Finding("/b", "value", blue="1", green="2", noisy="ignored by rule"),
    )),)  # fmt: skip
    assert [found.ignore for found in view(line_of(scores=scores), ENGLISH).findings] == ["/a", "", ""]


def test_the_same_at_each_place_of_a_list_is_one_row() -> None:
    scores = (
        Score("structure", 0.5, tuple(Finding(f"/hits/{n}/in_stock", "missing", blue="true") for n in range(4))),
    )
    (row,) = view(line_of(scores=scores), ENGLISH).findings
    assert row.where == row.ignore == "/hits/*/in_stock" and row.what == "missing ×4"
