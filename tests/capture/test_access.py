"""Access logs: every real line is read or named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.build import Builder
from shadowdiff.capture.logs.access import AccessLogSource, clf_time, unescape
from shadowdiff.model.exchange import BodyState, Exchange, TimeKind
from shadowdiff.model.tally import Ledger


def read(path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(AccessLogSource(path, Builder(ledger)).stream()), ledger


def test_every_line_of_the_real_log_is_read(samples: Path, tmp_path: Path) -> None:
    log = samples / "accesslog" / "elastic_apache_combined_5000.log"
    found, ledger = read(log)
    assert (ledger.read, len(found), ledger.unreadable) == (5000, 5000, 0)
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert [e.request for e in read(packed)[0]] == [e.request for e in found]


def test_hostile_lines_of_a_real_nginx_are_read_or_named(samples: Path) -> None:
    found, ledger = read(samples / "accesslog" / "selfgen_nginx1.22_combined_edge.log")
    assert ledger.read == len(found) + ledger.unreadable and found and ledger.unreadable
    assert {"unreadable: TLS bytes on a plain port", "unreadable: empty request"} <= set(ledger.reasons)
    for exchange in found:
        assert exchange.request.target.isascii() and " " not in exchange.request.target


def test_a_post_in_an_access_log_has_a_missing_body(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "POST /x HTTP/1.1" 200 5\n')
    (exchange,), _ = read(log)
    assert (exchange.body_state, exchange.recorded_status, exchange.time_kind) == (
        BodyState.MISSING,
        200,
        TimeKind.END,
    )


def test_escapes_and_times_are_undone() -> None:
    assert unescape(rb"a\x22b\\c\"d") == b'a"b\\c"d'
    assert clf_time("17/May/2015:10:05:03 +0200") == 1431849903.0
    assert clf_time("99/Foo/2015:10:05:03 +0000") is None


@given(st.lists(st.binary(max_size=200).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_any_bytes_are_read_or_counted(lines: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "a.log"
        log.write_bytes(b"\n".join(lines))
        found, ledger = read(log)
    assert ledger.read == len(found) + ledger.unreadable


def test_a_hostile_line_cannot_stall_the_reader(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x - - " + b" [" * 30_000 + b"\n" + b"x - - " + b" [" * 3_000_000 + b"\n")
    found, ledger = read(log)
    assert not found and ledger.unreadable == 2


@pytest.mark.parametrize("text", ["17/May/2015:10:05:03 +6000", "00/May/2015:10:05:03", "17/Foo/2015:10:05:03", "x",
                                  "31/Dec/0000:10:05:03 +0000"])  # fmt: skip
def test_what_is_no_time_is_none_and_no_crash(text: str) -> None:
    assert clf_time(text) is None
