"""Sessions: cut by turns and captured idle time, the same on every run, bounded."""

from __future__ import annotations

import pytest

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Response
from shadowdiff.tee import session as module
from shadowdiff.tee.session import Sessions
from shadowdiff.testing import exchange_of, request_of


def test_without_a_session_each_request_is_its_own_unit() -> None:
    exchange = exchange_of(id="a", unit="a")
    assert Sessions("", lambda _: None).place(exchange) is exchange


def test_a_unit_closes_after_twenty_turns_or_thirty_idle_minutes() -> None:
    closed: list[str] = []
    sessions = Sessions("", closed.append)
    units = [sessions.place(exchange_of(session="s", captured_at=float(n))).unit for n in range(21)]
    assert units == ["s#0"] * 20 + ["s#1"] and closed == ["s#0"]
    sessions.place(exchange_of(session="t", captured_at=30.0))
    assert sessions.place(exchange_of(session="u", captured_at=30.0 + 1801)).unit == "u#0"
    assert closed == ["s#0", "s#1", "t#0"]
    sessions.close_all()
    assert closed[-1] == "u#0"


@pytest.mark.parametrize(
    ("by", "request_", "found"),
    [
        ("header:X-S", request_of(X_S="1"), "1"), ("cookie:sid", request_of(Cookie="a=b; sid=42"), "42"),
        ("json:/user/id", request_of("POST", "/", b'{"user":{"id":7}}'), "7"),
        ("ip", request_of(X_Forwarded_For="1.2.3.4"), "1.2.3.4"), ("query:c", request_of("GET", "/x?c=q%201"), "q 1"),
        ("path:/threads/*", request_of("GET", "/threads/t1/messages"), "t1"), ("header:X-S", request_of(), None),
        ("json:/s,query:s", request_of("POST", "/", b'{"s":"a"}'), "a"), ("json:/s, query:s", request_of("GET", "/?s=b"), "b"),
    ],
)  # fmt: skip
def test_sessions_are_found_where_told(by: str, request_, found: str | None) -> None:
    assert Sessions(by, lambda _: None).place(exchange_of(request_)).session == found


def test_a_bad_place_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--session-by"):
        Sessions("somewhere", lambda _: None)


def test_the_table_of_open_sessions_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    closed: list[str] = []
    sessions = Sessions("", closed.append)
    for number in range(5):
        sessions.place(exchange_of(session=f"s{number}"))
    assert (sessions.evicted, closed) == (2, ["s0#0", "s1#0"])


def test_a_session_that_comes_back_after_an_idle_half_hour_is_a_new_unit_with_its_turns_counted_on() -> None:
    sessions = Sessions("", lambda _: None)
    placed = [sessions.place(exchange_of(session="s", captured_at=at)) for at in (0.0, 10.0, 5000.0)]
    assert [(p.unit, p.turn) for p in placed] == [("s#0", 1), ("s#0", 2), ("s#1", 3)]


def test_a_whole_file_can_be_one_session() -> None:
    sessions = Sessions("file", lambda _: None)
    assert sessions.place(exchange_of(source="a.har:entries[3]")).session == "a.har"


def test_a_request_without_the_key_joins_the_session_whose_answer_minted_its_id() -> None:
    sessions = Sessions("json:/hash,minted", lambda _: None)
    answer = Response(200, (), b'{"event_id":"9f86d081884c7d65"}', 31)
    asked = exchange_of(request_of("POST", "/call", b'{"hash":"h1"}'), id="a", recorded=answer)
    fetched = exchange_of(request_of("GET", "/call/9f86d081884c7d65"), id="b")
    assert [sessions.place(one).session for one in (asked, fetched)] == ["h1", "h1"]
    assert sessions.place(exchange_of(request_of("GET", "/else"), id="c")).session == "c"
