"""VCR cassettes: every sample, by the safe loader only."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.sniff import sniff
from shadowdiff.capture.vcr import VcrSource
from shadowdiff.errors import SourceError
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.tally import Ledger

COUNTS = {
    "llm_test_responses_basic_non_streaming.yaml": 1, "llm_test_responses_basic_streaming.yaml": 1,
    "llm_test_responses_tool_use_streaming.yaml": 2, "llm_test_tool_use_chain_of_two_calls.yaml": 3,
    "llm_test_tools_streaming_variant_a.yaml": 2, "vcrpy_domain_redirect.yaml": 2, "vcrpy_gzip_httpx_old_format.yaml": 1,
    "vcrpy_gzip_requests.yaml": 1, "vcrpy_new_cassette.json": 1, "vcrpy_new_cassette.yaml": 1,
}  # fmt: skip


def read(path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(VcrSource(path, Builder(ledger)).stream()), ledger


@pytest.mark.parametrize("name", COUNTS)
def test_every_sample_is_read_whole(samples: Path, name: str) -> None:
    path = samples / "vcr" / name
    assert sniff(path) == "vcr"
    found, ledger = read(path)
    assert len(found) == COUNTS[name] == ledger.read and ledger.unreadable == 0
    for exchange in found:
        assert (exchange.recorded is not None and exchange.recorded.body) or exchange.recorded_status in (301, 302)


def test_streams_and_packed_answers_keep_their_bytes(samples: Path) -> None:
    (stream, *_), _ = read(samples / "vcr" / "llm_test_tools_streaming_variant_a.yaml")
    assert stream.recorded.body.startswith(b"data: {") and b"\n\ndata: [DONE]" in stream.recorded.body
    assert json.loads(stream.request.body)["stream"] is True
    (packed,), _ = read(samples / "vcr" / "vcrpy_gzip_requests.yaml")
    assert packed.recorded.body[:2] == b"\x1f\x8b" and packed.recorded.header("content-encoding") == "gzip"
    (plain,), _ = read(samples / "vcr" / "vcrpy_gzip_httpx_old_format.yaml")
    assert plain.recorded.body.startswith(b"{") and plain.recorded.header("content-encoding") is None


def test_a_cassette_that_would_build_objects_is_refused(samples: Path, tmp_path: Path) -> None:
    old = samples / "vcr" / "vcrpy_old_cassette.yaml"
    assert sniff(old) == "vcr"
    with pytest.raises(SourceError, match="asks Python to build objects"):
        read(old)
    evil = tmp_path / "x.yaml"
    evil.write_text(f"interactions:\n- !!python/object/apply:os.system ['touch {tmp_path / 'owned'}']\n")
    with pytest.raises(SourceError, match="asks Python to build objects"):
        read(evil)
    assert not (tmp_path / "owned").exists()


def test_rubys_cassettes_are_read_with_their_times(tmp_path: Path) -> None:
    path = tmp_path / "ruby.yml"
    path.write_text(
        "---\nhttp_interactions:\n- request:\n    method: post\n    uri: http://h/x?y=1\n    body:\n"
        "      encoding: US-ASCII\n      string: 'a=1'\n    headers:\n      Accept:\n      - '*/*'\n"
        "  response:\n    status:\n      code: 201\n      message: Created\n    headers: {}\n    body:\n"
        "      encoding: ASCII-8BIT\n      base64_string: aGVsbG8=\n  recorded_at: Tue, 01 Nov 2011 04:58:44 GMT\n"
        "recorded_with: VCR 2.0.0\n"
    )
    assert sniff(path) == "vcr"
    (one,), _ = read(path)
    assert (one.request.method, one.request.target, one.request.body) == ("POST", "/x?y=1", b"a=1")
    assert (one.recorded.status, one.recorded.body, one.captured_at) == (201, b"hello", 1320123524.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("interactions: 5\n", "no list of interactions"),
        ("interactions:\n- [unclosed\n", "no valid YAML"),
        ('{"interactions":', "no valid JSON"),
        ("a: &a [*a]\ninteractions: *b\n", "no valid YAML"),
    ],
)
def test_a_broken_cassette_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SourceError, match=says):
        read(path)


def test_a_damaged_pack_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml.gz"
    packed = gzip.compress(b"interactions:\n" + b"# " + bytes(range(97, 120)) * 50)
    for damaged in (packed[:-4], packed[:-8] + b"\0" * 8):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match="cut or damaged"):
            read(path)


def test_one_bad_interaction_never_loses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "interactions:\n- 7\n- request: {method: GET}\n- request: {method: GET, uri: 'ftp://x'}\n"
        "- request: {method: GET, uri: 'http://h/ok'}\n  response: {status: {code: nope}}\n"
    )
    found, ledger = read(path)
    assert [e.request.target for e in found] == ["/ok"] and ledger.unreadable == 3
    assert found[0].recorded is None
