"""VCR cassettes of VCR.py (YAML or JSON, also its old httpx form) and of Ruby's VCR.

In:  `interactions` (or `http_interactions`) with request and response. Out: exchanges with recorded answers.
YAML is read by the safe loader only: a cassette that asks Python to build objects (before VCR.py 1.0) is
refused. Facts: peers-replay-and-formats.md 1.7. Needs PyYAML, extra [formats].
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, each_record, header_pairs, host_of
from shadowdiff.capture.files import BROKEN_PACK, open_capture
from shadowdiff.errors import SourceError, UsageError
from shadowdiff.model.exchange import Exchange, Headers, Response, TimeKind

MAX_SIZE = 256 << 20
"""Cassettes are documents that have to be read whole; a larger one is refused."""


class VcrSource:
    """Reads one cassette."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every interaction in file order."""
        found = self._interactions()
        return each_record(self._path, self._builder, found, self._one, "interaction", "interactions[{}]")

    def _interactions(self) -> list[Any]:
        with open_capture(self._path) as reader:
            try:
                raw = reader.read(MAX_SIZE + 1)
            except BROKEN_PACK as error:
                raise SourceError(f"{self._path}: the packed cassette is cut or damaged ({error})") from None
        if len(raw) > MAX_SIZE:
            raise SourceError(f"{self._path}: a cassette of more than {MAX_SIZE >> 20} MiB; split it")
        tree = _loads(raw, self._path)
        found = tree.get("interactions", tree.get("http_interactions")) if isinstance(tree, dict) else None
        if not isinstance(found, list):
            raise SourceError(f"{self._path}: no cassette: it has no list of interactions")
        return found

    def _one(self, where: str, record: dict[str, Any]) -> tuple[Exchange]:
        request = record["request"]
        url = str(request["uri"])
        headers = _headers(request.get("headers"))
        if (host := host_of(url)) and not any(name.lower() == "host" for name, _ in headers):
            headers = (("Host", host), *headers)
        at = record.get("recorded_at")
        made = self._builder.exchange(
            where=where,
            method=str(request["method"]).upper(),
            target=url,
            headers=headers,
            body=_body(request.get("body")),
            recorded=_recorded(record.get("response")),
            captured_at=None if at is None else _moment(str(at)),
            time_kind=TimeKind.END,
        )
        return (made,)


def _loads(raw: bytes, path: Path) -> Any:
    if raw.lstrip()[:1] == b"{":
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceError(f"{path}: no valid JSON cassette ({error})") from None
    try:
        import yaml
    except ImportError:
        raise UsageError(
            f"{path}: reading VCR cassettes needs PyYAML: pip install 'shadowdiff-gate[formats]'"
        ) from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(raw, loader)  # noqa: S506 - it is a safe loader
    except yaml.constructor.ConstructorError as error:
        raise SourceError(
            f"{path}: the cassette asks Python to build objects ({str(error.problem)[:100]}); such cassettes are "
            "from before VCR.py 1.0 and can run code; record it again"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"{path}: no valid YAML cassette ({' '.join(str(error).split())[:120]})") from None


def _headers(value: Any) -> Headers:
    return tuple((name, text) for name, text in header_pairs(value) if "\n" not in text)


def _body(value: Any) -> bytes:
    """The bytes of a body: text, binary, VCR.py's {string}, Ruby's {encoding, string | base64_string}."""
    if isinstance(value, dict):
        if "base64_string" in value:
            try:
                return base64.b64decode(value["base64_string"])
            except (binascii.Error, ValueError, TypeError):
                raise Unreadable("base64_string is no valid base64") from None
        if "string" in value:
            return _body(value["string"])
        return msgspec.json.encode(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if value is None or isinstance(value, bytes):
        return value or b""
    return msgspec.json.encode(value)


def _recorded(answer: Any) -> Response | None:
    if not isinstance(answer, dict):
        return None
    status = answer.get("status", answer.get("status_code"))
    code = status.get("code") if isinstance(status, dict) else status
    if not isinstance(code, int) or not 100 <= code < 600:
        return None
    body = _body(answer.get("body", answer.get("content")))
    headers = _headers(answer.get("headers"))
    packed = body[:2] == b"\x1f\x8b" or not body.isascii()
    if not packed:  # clients that hand over the unpacked text leave the header of the packed one
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-encoding")
    return Response(status=code, headers=headers, body=body, size=len(body))


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
