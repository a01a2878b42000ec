"""Name a capture's format from its first bytes, or say what was looked for.

Order follows peers-replay-and-formats.md 1.7; `--format` overrides it.
"""

from __future__ import annotations

import re
from pathlib import Path

from shadowdiff.capture.files import head
from shadowdiff.capture.gor import SEPARATOR
from shadowdiff.capture.lineformat import json_format, line_format
from shadowdiff.capture.logs.container import is_wrapped
from shadowdiff.errors import SourceError

LOOKED_FOR = (
    "JSONL (one JSON object a line), HAR, GoReplay .gor, mitmproxy flows, vegeta targets, curl lines, OpenAI Batch, "
    "access logs of nginx, Apache, Envoy, Istio and ALB in text or JSON, docker or CRI lines around any of them"
)


def sniff(path: Path) -> str:
    """The registered source name for `path`, or `empty` for a file without a byte.

    Raises `SourceError` naming what was looked for.
    """
    start = head(path)
    if not start.strip():
        return "empty"
    lines = [line for line in start.split(b"\n")[:50] if line.strip()]
    if is_wrapped(lines[0].strip()):
        return "container"
    if _is_gor(lines[0], start):
        return "gor"
    if re.match(rb"\d{1,9}:", start):
        return "mitm"
    if start.lstrip()[:1] == b"{":
        return "har" if _is_har(start) else json_format(lines[0])
    for line in lines:
        kind = line_format(line)
        if kind is not None:
            return kind
    raise SourceError(f"{path}: no format I know; looked for {LOOKED_FOR}. If you know it, name it with --format")


def _is_gor(first: bytes, start: bytes) -> bool:
    fields = first.split(b" ")
    return SEPARATOR in start or (
        len(fields) in (3, 4) and fields[0] in (b"1", b"2", b"3") and fields[2].strip().isdigit()
    )


def _is_har(start: bytes) -> bool:
    squeezed = b"".join(start.split())
    return squeezed.startswith(b'{"log":{') or (b'"log":{' in squeezed and b'"entries":[' in squeezed)
