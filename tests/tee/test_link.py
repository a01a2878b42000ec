"""Sessions found by what answers minted."""

from __future__ import annotations

import uuid

from shadowdiff.tee.link import Linker
from shadowdiff.testing import exchange_of, request_of, response_of


def step(linker: Linker, id: str, target: str, answer: str = "{}") -> str:
    return linker.session_of(exchange_of(request_of("GET", target), id=id, recorded=response_of(answer)))


def test_a_request_that_carries_a_minted_value_continues_its_session() -> None:
    linker, one, two = Linker(), uuid.uuid4().hex, uuid.uuid4().hex
    assert step(linker, "a", "/new", f'{{"id":"{one}"}}') == "a"
    assert step(linker, "b", "/new", f'{{"id":"{two}"}}') == "b"
    third = uuid.uuid4().hex
    assert step(linker, "c", f"/t/{one}/run", f'{{"run":"{third}"}}') == "a"
    assert step(linker, "d", f"/runs?id={third}") == "a"
    assert step(linker, "e", f"/t/{two}") == "b"


def test_a_value_that_two_sessions_were_told_links_nobody() -> None:
    linker, article = Linker(), uuid.uuid4().hex
    step(linker, "a", "/list", f'{{"items":["{article}"]}}')
    step(linker, "b", "/list", f'{{"items":["{article}"]}}')
    assert step(linker, "c", f"/items/{article}") == "c"


def test_a_value_the_client_brought_is_not_minted() -> None:
    linker, own = Linker(), uuid.uuid4().hex
    step(linker, "a", f"/x/{own}", f'{{"echo":"{own}"}}')
    assert step(linker, "b", f"/x/{own}") == "b"
