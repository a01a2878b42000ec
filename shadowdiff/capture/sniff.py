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
    "JSONL (one JSON object a line), HAR, GoReplay .gor, mitmproxy flows, VCR cassettes, vegeta targets, curl lines, "
    "OpenAI Batch, messages and ShareGPT conversations, LiteLLM logs, Envoy taps, "
    "access logs of nginx, Apache, Envoy, Istio and ALB in text or JSON, docker or CRI lines around any of them"
)


def sniff(path: Path) -> str:
    """The registered source name for `path`, or `empty` for a file without a byte.

    Raises `SourceError` naming what was looked for.
    """
    start = head(path)
    if not start.strip():
        return "empty"
    lines = [line for line in start.split(b"\n") if line.strip()][:50]
    if is_wrapped(lines[0].strip()):
        return "container"
    if _is_gor(lines[0], start):
        return "gor"
    if re.match(rb"\d{1,9}:", start):
        return "mitm"
    first = start.lstrip()[:1]
    if first == b"{":
        kind = _document(start)
        if kind is None and not _is_lines(lines):
            raise SourceError(f"{path}: a JSON document, but none I know; looked for {LOOKED_FOR}")
        return kind or json_format(lines[0])
    if first == b"[" and (kind := _list(start)):
        return kind
    if re.search(rb"(?m)^(?:http_)?interactions:\s*$|^- request: !!python/", start):
        return "vcr"
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


def _document(start: bytes) -> str | None:
    """What a JSON document that is no line format is: told by its first keys, since it may be larger than we read."""
    squeezed = b"".join(start.split())
    if squeezed.startswith(b'{"log":{') or (b'"log":{' in squeezed and b'"entries":[' in squeezed):
        return "har"
    if b'"http_buffered_trace":' in squeezed or b'"httpBufferedTrace":' in squeezed or b'"http_streamed_' in squeezed:
        return "envoytap"
    if b'"interactions":[{"re' in squeezed or b'"http_interactions":[{"re' in squeezed:
        return "vcr"
    if start.lstrip().partition(b"\n")[0].strip() in (b"{", b"") and b'"call_type":' in squeezed:
        return "litellm"
    return None


def _is_lines(lines: list[bytes]) -> bool:
    """Whether this is one object a line: a line that is one whole, or a single line longer than we look."""
    return len(lines) == 1 or any(line.strip()[:1] == b"{" and line.strip()[-1:] == b"}" for line in lines)


def _list(start: bytes) -> str | None:
    squeezed = b"".join(start.split())
    if b'"call_type":' in squeezed:
        return "litellm"
    if b'"conversations":[' in squeezed or b'"messages":[' in squeezed:
        return "messages"
    return None
