"""GoReplay files: real ones of both versions, and every corruption its own tool dies of."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.gor import SEPARATOR, GorSource
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger

STOP = b"\n" + SEPARATOR + b"\n"


def read(path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    found = list(GorSource(path, Builder(ledger)).stream())
    assert ledger.read == len(found) + ledger.unreadable
    return found, ledger


def gor(folder: Path, *records: bytes) -> Path:
    path = folder / "x.gor"
    path.write_bytes(b"".join(record + STOP for record in records))
    return path


def request(
    n: int, target: str = "/a", body: bytes = b"", ts: bytes = b"1700000000000000000", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    return b"1 %024x %s 0\nPOST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (
        n,
        ts,
        target.encode(),
        size,
        body,
    )


@pytest.mark.parametrize(
    ("name", "count", "answered"),
    [
        ("datadog_ecommerce_requests_0.gor", 101, 0), ("handmade_last_record_no_separator.gor", 10, 0),
        ("selfgen_gor2.0.0_inputraw_types1_2.gor.gz", 6, 5), ("selfgen_gor2.0.0_replayed_types1_3_sse.gor", 2, 0),
        ("selfgen_gor2.0.0_inputraw_types1_2_chunked_100continue.gor", 6, 5),
    ],
)  # fmt: skip
def test_every_sample_is_read_whole(samples: Path, name: str, count: int, answered: int) -> None:
    found, ledger = read(samples / "gor" / name)
    assert (len(found), ledger.unreadable) == (count, 0)
    assert sum(e.recorded is not None for e in found) == answered
    assert all(e.captured_at and e.captured_at > 1.5e9 for e in found)


def test_chunked_bodies_are_unframed_and_answers_join_whatever_their_order(tmp_path: Path) -> None:
    answer = (
        b"2 %024x 1700000000100000000 5\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        % 7
    )
    hint = b"2 %024x 1700000000100000000 5\nHTTP/1.1 100 Continue\r\n\r\n" % 9
    framed = (
        b"1 %024x 1700000000000000000 0\nPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        % 8
    )
    found, _ = read(gor(tmp_path, answer, request(7), hint, framed))
    assert found[0].recorded is not None and (found[0].recorded_status, found[0].recorded.body) == (201, b"abc")
    assert (found[1].request.body, found[1].recorded) == (b"hi", None)


def test_a_separator_inside_a_body_is_part_of_the_body(tmp_path: Path) -> None:
    body = b"one\n" + SEPARATOR + b"\ntwo"
    found, ledger = read(gor(tmp_path, request(1, body=body), request(2)))
    assert found[0].request.body == body and len(found) == 2 and ledger.unreadable == 0


def test_glued_records_are_split_and_broken_ones_counted(tmp_path: Path) -> None:
    found, ledger = read(
        gor(
            tmp_path,
            request(1, "/a") + b"\n" + request(2, "/b"),
            b"garbage\nhere",
            request(3, "/c"),
            b"1 %024x 1 0\n" % 4,
        )
    )
    assert [e.request.target for e in found] == ["/a", "/b", "/c"] and ledger.unreadable == 2


def test_a_body_cut_by_the_capture_is_marked(tmp_path: Path) -> None:
    (exchange,), _ = read(gor(tmp_path, request(1, body=b"half", length=50)))
    assert exchange.body_state is BodyState.TRUNCATED


@pytest.mark.parametrize("ts", [b"soon", b"0", b"12", b"9" * 30])
def test_a_time_that_is_none_does_not_become_1970(tmp_path: Path, ts: bytes) -> None:
    (exchange,), _ = read(gor(tmp_path, request(1, ts=ts)))
    assert exchange.captured_at is None


def test_bare_line_feeds_and_absolute_targets_are_read(tmp_path: Path) -> None:
    raw = b"1 %024x 1700000000000000000\nGET http://shop:8080/x?y=1 HTTP/1.1\nA: 1\n\n" % 1
    (exchange,), _ = read(gor(tmp_path, raw))
    assert exchange.request.target == "/x?y=1" and exchange.request.headers == (("Host", "shop:8080"), ("A", "1"))
