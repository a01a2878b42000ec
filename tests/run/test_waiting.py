"""Waiting for a service's verdict: pass and fail end it, everything else is 3 at the deadline, silence is 4."""

from __future__ import annotations

import json

import pytest

from shadowdiff.errors import TargetError, UsageError
from shadowdiff.run.waiting import wait
from shadowdiff.testing import CannedServer, answer


def told(verdict: str, code: int) -> bytes:
    return answer(json.dumps({"verdict": verdict, "exit_code": code, "reason": "because"}).encode())


def ask(url: str, wait_s: float = 20, token: str = "") -> tuple[int, bytes, list[str]]:
    said: list[str] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    code, verdict = wait(url, {"candidate": "v2", "step": "25"}, wait_s, token, said.append, sleep, lambda: now[0])
    return code, verdict, said


def served(*answers: bytes, wait_s: float = 20, token: str = "") -> tuple[int, bytes, list[str], list[bytes]]:
    """What `wait` makes of `answers`, the last of which is repeated."""
    left = list(answers)
    with CannedServer(lambda head, body: [left.pop(0) if len(left) > 1 else left[0]]) as server:
        return *ask(server.url, wait_s, token), [head for head, _ in server.seen]


def test_it_waits_until_the_verdict_is_pass_or_fail() -> None:
    undecided = told("inconclusive", 3)
    code, verdict, said, seen = served(answer(b"{}", "404 Not Found"), undecided, undecided, told("fail", 1))
    assert code == 1 and json.loads(verdict)["verdict"] == "fail" and len(seen) == 4
    assert [text.split(": ", 1)[1] for text in said] == [
        "it does not know this candidate yet",
        "inconclusive: because",
    ]
    assert b"GET /api/v1/verdict?candidate=v2&step=25 " in seen[0]
    assert served(told("pass", 0))[0] == 0


@pytest.mark.parametrize("last", [told("inconclusive", 3), answer(b"{}", "404 Not Found"), answer(b"no JSON")])
def test_undecided_unknown_or_unreadable_at_the_deadline_is_3(last: bytes) -> None:
    code, _, _, seen = served(last, wait_s=9)
    assert code == 3 and len(seen) == 5
    assert len(served(last, wait_s=0)[3]) == 1


def test_a_service_that_was_never_reached_is_4() -> None:
    with CannedServer(lambda head, body: [None]) as server:
        url = server.url
    with pytest.raises(TargetError, match="is the service running"):
        ask(url, 5)


def test_a_service_that_goes_away_is_3_with_the_last_it_said() -> None:
    left = [told("inconclusive", 3), None]
    with CannedServer(lambda head, body: [left.pop(0) if len(left) > 1 else left[0]]) as server:
        code, verdict, said = ask(server.url)
    assert code == 3 and json.loads(verdict)["verdict"] == "inconclusive" and "cannot be reached" in said[-1]


def test_a_token_is_sent_and_a_refused_one_ends_the_wait() -> None:
    assert b"Authorization: Bearer s3cret" in served(told("pass", 0), token="s3cret")[3][0]
    with pytest.raises(UsageError, match="wants a token"):
        served(answer(b"{}", "401 Unauthorized"))
