"""Name a capture's format from its first bytes, or say what was looked for.

Order follows peers-replay-and-formats.md 1.7; `--format` overrides it.
"""

from __future__ import annotations

from pathlib import Path

from shadowdiff.capture.files import head
from shadowdiff.capture.logs.access import LINE
from shadowdiff.errors import SourceError

LOOKED_FOR = "JSONL (one JSON object a line), HAR (log.entries), common or combined access log"


def sniff(path: Path) -> str:
    """The registered source name for `path`: jsonl, har or access; `empty` for a file without a byte.

    Raises `SourceError` naming what was looked for.
    """
    start = head(path)
    if not start.strip():
        return "empty"
    first = start.lstrip()[:1]
    if first == b"{":
        return "har" if _is_har(start) else "jsonl"
    lines = [line for line in start.split(b"\n")[:50] if line.strip()]
    if any(LINE.match(line) for line in lines):
        return "access"
    if any(line.lstrip().startswith(b"{") for line in lines):
        return "jsonl"
    raise SourceError(f"{path}: no format I know; looked for {LOOKED_FOR}. If you know it, name it with --format")


def _is_har(start: bytes) -> bool:
    squeezed = b"".join(start.split())
    return squeezed.startswith(b'{"log":{') or (b'"log":{' in squeezed and b'"entries":[' in squeezed)
