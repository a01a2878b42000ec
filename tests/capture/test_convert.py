"""Round trips: what is written in a format and read back is what it was, as far as the format can say it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowdiff import plugins
from shadowdiff.capture.build import Builder
from shadowdiff.capture.curl import curl_of
from shadowdiff.capture.gor import gor_of
from shadowdiff.capture.har import har_of
from shadowdiff.capture.jsonl import JsonlSource, jsonl_of
from shadowdiff.capture.sniff import sniff
from shadowdiff.capture.vegeta import vegeta_of
from shadowdiff.model.exchange import Exchange, Request, Response
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import exchange_of
from tests.conftest import ROOT

names = st.from_regex(r"X-[A-Za-z]{1,6}", fullmatch=True)
ascii_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
headers = st.lists(st.tuples(names, ascii_text), max_size=3, unique_by=lambda pair: pair[0].lower()).map(
    lambda found: (("Host", "h.example"), *found)
)
targets = st.from_regex(r"/[a-zA-Z0-9%/.?=&'$~-]{0,20}", fullmatch=True)
bodies = st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace"))


def read(folder: str, name: str, data: bytes) -> list[Exchange]:
    path = Path(folder) / "x"
    path.write_bytes(data)
    ledger = Ledger()
    found = list(plugins.build("sources", name, path=path, builder=Builder(ledger), post="").stream())
    assert ledger.unreadable == 0, ledger.reasons
    return found


def asked(exchange: Exchange) -> tuple:
    request = exchange.request
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in ("content-length", "content-type"))
    return request.method, request.target, kept, request.body


@settings(max_examples=60, deadline=None)
@given(headers, targets, bodies)
@pytest.mark.parametrize(
    ("name", "write"),
    [("jsonl", jsonl_of), ("har", har_of), ("gor", gor_of), ("vegeta", vegeta_of), ("curl", curl_of)],
)
def test_a_request_survives_every_format(name: str, write, pairs: tuple, target: str, body: bytes) -> None:
    body = body.replace(b"\0", b"") if name == "curl" else body
    made = exchange_of(Request("POST", target, pairs, body), captured_at=1780300800.5)
    with tempfile.TemporaryDirectory() as folder:
        (back,) = read(folder, name, b"".join(write(iter([made]))))
    assert asked(back) == asked(made)


@pytest.mark.parametrize(("name", "write"), [("jsonl", jsonl_of), ("har", har_of), ("gor", gor_of)])
def test_answers_and_times_survive_where_the_format_has_them(name: str, write) -> None:
    answer = Response(status=201, headers=(("X-A", "1"),), body="答案".encode(), size=6)
    made = exchange_of(
        Request("GET", "/a", (("Host", "h"),)), captured_at=1780300800.5, recorded=answer, recorded_status=201
    )
    with tempfile.TemporaryDirectory() as folder:
        (back,) = read(folder, name, b"".join(write(iter([made]))))
    assert back.recorded is not None
    assert (back.recorded.status, back.recorded.body, back.captured_at) == (
        201,
        answer.body,
        pytest.approx(1780300800.5, abs=1e-3),
    )


@pytest.mark.parametrize(
    ("name", "write"), [("har", har_of), ("gor", gor_of), ("vegeta", vegeta_of), ("curl", curl_of)]
)
def test_the_chat_fixture_goes_out_and_comes_back_and_is_told_by_its_content(
    tmp_path: Path, name: str, write
) -> None:
    source = list(JsonlSource(ROOT / "fixtures" / "chat.jsonl", Builder(Ledger())).stream())
    path = tmp_path / "out"
    path.write_bytes(b"".join(write(iter(source))))
    assert sniff(path) == name
    back = read(str(tmp_path), name, path.read_bytes())
    assert [asked(e) for e in back] == [asked(e) for e in source]
