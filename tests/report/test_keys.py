"""Which key would find how many sessions."""

from __future__ import annotations

import pytest

from shadowdiff.report import keys as module
from shadowdiff.report.keys import Keys
from shadowdiff.testing import exchange_of, request_of


def test_every_kind_of_key_is_tried_and_only_what_groups_is_shown() -> None:
    keys = Keys()
    for number in range(6):
        body = f'{{"session_id":"s{number % 2}","q":"x","user":{{"a":1}}}}'.encode()
        request = request_of(
            "POST", f"/x?thread_id=t{number % 3}&page=1", body, Cookie=f"sid={number}; _ga=1", X_User_Id=f"u{number % 3}",
            X_Forwarded_For="1.1.1.1", Sec_Fetch_User="?1",
        )  # fmt: skip
        keys.add(exchange_of(request, session="c"))
    assert list(keys.lines()) == [
        "  the capture's own field: 1 sessions over 6 exchanges",
        "  --session-by header:x-user-id: 3 sessions over 6 exchanges",
        "  --session-by ip: 1 sessions over 6 exchanges",
        "  --session-by query:thread_id: 3 sessions over 6 exchanges",
        "  --session-by json:/session_id: 2 sessions over 6 exchanges",
    ]


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 3)
    monkeypatch.setattr(module, "MAX_VALUES", 5)
    keys = Keys()
    for number in range(100):
        keys.add(exchange_of(request_of(Cookie="; ".join(f"c{n}={number // 2}" for n in range(50)))))
    assert len(list(keys.lines())) == 3 and "at least 5 sessions over 100" in next(keys.lines())
