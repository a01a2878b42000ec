"""HAR in the wild: every sample is read; one bad entry never loses the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.har import HarSource, har_of
from shadowdiff.errors import SourceError
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger


def read(path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(HarSource(path, Builder(ledger)).stream()), ledger


def entry(**request: object) -> dict:
    return {"request": {"method": "GET", "url": "http://h/a", "headers": [], **request}}


def har(path: Path, *entries: object) -> Path:
    log = path / "x.har"
    log.write_text(json.dumps({"log": {"entries": list(entries)}}))
    return log


def test_every_sample_is_read_without_a_crash(samples: Path) -> None:
    files = sorted((samples / "har").glob("*.har"))
    assert len(files) >= 23
    for path in files:
        found, ledger = read(path)
        entries = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))["log"]["entries"]
        assert ledger.read == len(entries) == len(found) + ledger.unreadable, path.name
        for exchange in found:
            assert not any(name.startswith(":") for name, _ in exchange.request.headers), path.name


def test_text_wins_over_params_and_params_serve_alone(tmp_path: Path) -> None:
    both = entry(
        method="POST",
        postData={
            "mimeType": "application/x-www-form-urlencoded",
            "text": "a=1",
            "params": [{"name": "b", "value": "2"}],
        },
    )
    alone = entry(
        method="POST",
        postData={"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "b", "value": "2 3"}]},
    )
    parts = entry(
        method="POST", postData={"mimeType": "multipart/form-data", "params": [{"name": "f", "fileName": "x"}]}
    )
    found, _ = read(har(tmp_path, both, alone, parts))
    assert [(e.request.body, e.body_state) for e in found] == [
        (b"a=1", BodyState.PRESENT), (b"b=2+3", BodyState.PRESENT), (b"", BodyState.MISSING),
    ]  # fmt: skip


def test_status_zero_is_no_recorded_answer_and_content_is_already_decoded(tmp_path: Path) -> None:
    stream = entry() | {
        "response": {"status": 200, "content": {"mimeType": "text/event-stream", "text": "", "size": 0}}
    }
    (kept,), _ = read(har(tmp_path, stream))
    assert (kept.recorded, kept.recorded_status) == (None, 200)
    blocked = entry() | {"response": {"status": 0}}
    packed = entry() | {
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Encoding", "value": "gzip"}],
            "content": {"text": "plain"},
        }
    }
    found, _ = read(har(tmp_path, blocked, packed))
    assert found[0].recorded is None and found[0].recorded_status == 0
    assert found[1].recorded is not None
    assert found[1].recorded.body == b"plain" and found[1].recorded.header("content-encoding") is None


def test_one_bad_entry_never_loses_the_file(tmp_path: Path) -> None:
    found, ledger = read(
        har(tmp_path, entry(), 5, {"request": None}, entry(url=""), entry(url="ws://h/"), entry(headers=5), entry())
    )
    assert len(found) == 2 and ledger.unreadable == 5


def test_pairs_as_headers_and_a_cookie_list_are_read(tmp_path: Path) -> None:
    found, _ = read(har(tmp_path, entry(headers=[["A", "1"]], cookies=[{"name": "s", "value": "x"}])))
    assert found[0].request.headers == (("Host", "h"), ("A", "1"), ("Cookie", "s=x"))


def test_half_a_document_keeps_what_was_whole_and_counts_the_cut(tmp_path: Path) -> None:
    log = har(tmp_path, entry(), entry(), entry())
    log.write_bytes(log.read_bytes()[:-40])
    found, ledger = read(log)
    assert len(found) == 2 and ledger.unreadable == 1
    assert list(ledger.reasons) == ["unreadable: the HAR document breaks off (the document ends inside an element)"]


def test_a_document_without_entries_is_one_clear_error(tmp_path: Path) -> None:
    log = tmp_path / "x.har"
    log.write_text('{"log": {"pages": []}}')
    with pytest.raises(SourceError, match="no HAR document: it has no list at log.entries"):
        read(log)


def test_round_trip_keeps_the_exchange(tmp_path: Path, samples: Path) -> None:
    found, _ = read(samples / "har" / "mitm_firefox.har")
    back_path = tmp_path / "back.har"
    back_path.write_bytes(b"".join(har_of(iter(found))))
    back, _ = read(back_path)
    assert [(e.request.method, e.request.target, e.request.body, e.recorded_status) for e in back] == [
        (e.request.method, e.request.target, e.request.body, e.recorded_status) for e in found
    ]
    assert [e.captured_at for e in back] == pytest.approx([e.captured_at for e in found], abs=1e-3)
