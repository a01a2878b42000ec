"""A recording can be replayed, holds no credentials, and ends in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.jsonl import JsonlSource
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Observation, Response, Role
from shadowdiff.model.tally import Ledger
from shadowdiff.run.recording import Recorder
from shadowdiff.testing import exchange_of, request_of, response_of


def answered(response: Response, **headers: str):
    seen = Observation(role=Role.BLUE, response=response, first_byte_s=0.1, total_s=0.2)
    return exchange_of(
        request_of("POST", "/a", b"{}", **headers), recorded=response, recorded_status=response.status, blue=seen
    )


def test_it_reads_back_without_credentials_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    one = Recorder(path, 10_000, print)
    one.add(answered(response_of("yes", Set_Cookie="sid=1"), Authorization="Bearer s3cret"))
    one.add(answered(Response(status=200, body=b"par", size=9, truncated=True, digest="d")))
    one.close()
    assert b"s3cret" not in path.read_bytes() and b"sid=1" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    first, second = JsonlSource(path, Builder(Ledger())).stream()
    assert first.request.body == b"{}" and first.recorded is not None and first.recorded.body == b"yes"
    assert second.recorded is None and second.recorded_status == 200, "of a part only the status can be compared"


def test_the_limit_ends_it_once(tmp_path: Path) -> None:
    said: list[str] = []
    one = Recorder(tmp_path / "a.jsonl", 300, said.append)
    for _ in range(5):
        one.add(answered(response_of("yes" * 30)))
    one.close()
    assert one.count == 1 and len(said) == 1 and "ends after 1 exchange" in said[0]


def test_a_full_disk_ends_it_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    said: list[str] = []
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    one = Recorder(Path("/dev/full"), 1 << 30, said.append)
    for _ in range(50):
        one.add(answered(response_of("yes" * 1000)))
    one.close()
    assert len(said) == 1 and "No space left" in said[0]


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--record"):
        Recorder(tmp_path / "no" / "a.jsonl", 1, print)
