"""Formats are told by content; a foreign file says what was looked for."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from shadowdiff.capture.sniff import sniff
from shadowdiff.errors import SourceError


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"target":"/"}\n', "jsonl"), (b'\xef\xbb\xbf{"log":{"version":"1.2","entries":[]}}', "har"),
        (b'{ "log" : { "entries" : [] } }', "har"), (b"", "empty"), (b"\n \n", "empty"),
        (b"\n" * 100 + b'{"target":"/"}\n', "jsonl"),
        (b'1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5\n', "access"),
        (b'junk first\n1.1.1.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5\n', "access"),
    ],
)  # fmt: skip
def test_told_by_content_also_when_packed(tmp_path: Path, content: bytes, name: str) -> None:
    for packed in (content, gzip.compress(content), zstandard.compress(content)):
        path = tmp_path / "x"
        path.write_bytes(packed)
        assert sniff(path) == name


def test_a_foreign_json_document_is_not_taken_for_lines(samples: Path) -> None:
    for path in [*(samples / "hoverfly").glob("*.json"), samples / "vegeta" / "target.schema.json"]:
        with pytest.raises(SourceError, match="a JSON document, but none I know; looked for JSONL"):
            sniff(path)


def test_a_foreign_file_says_what_was_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(SourceError, match=r"x\.bin.*looked for JSONL.*--format"):
        sniff(path)
