"""curl command lines, as browsers' "copy as cURL" writes them: read, never run.

Understood: -X -H -d and its family, --json, -G, -u, -b, -A, -e, -I, --url; `$'…'` strings; lines joined by a
backslash. A `@file` body is read only from inside the log's folder.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from shadowdiff.capture.build import Builder, Unreadable, host_of
from shadowdiff.capture.files import beside, lines
from shadowdiff.model.exchange import BodyState, Exchange

_ANSI = re.compile(r"(?<=\s)\$'((?:[^'\\]|\\.)*)'")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)")
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json"})
_WITH_VALUE = frozenset(
    {"-o", "--output", "--max-time", "-m", "--connect-timeout", "--cacert", "--cert", "--key", "-x", "--proxy",
     "--resolve", "--retry", "-w", "--write-out", "-c", "--cookie-jar", "--http2-prior-knowledge"}
)  # fmt: skip
_LONG = {
    "-X": "--request", "-H": "--header", "-u": "--user", "-b": "--cookie", "-A": "--user-agent", "-e": "--referer",
    "-G": "--get", "-I": "--head",
}  # fmt: skip


class CurlSource:
    """Reads one file of curl lines."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every command in file order; other lines are counted, comments and blank ones passed over."""
        joined, begun = b"", 0
        for number, line in lines(self._path, self._builder.notice):
            if not joined and line.lstrip().startswith(b"#"):
                continue
            begun = begun if joined else number
            joined += line
            if joined.endswith(b"\\"):
                joined = joined[:-1] + b" "
                continue
            whole, joined = joined, b""
            try:
                yield self.one(f"{self._path.name}:{begun}", whole)
            except Unreadable as why:
                self._builder.unreadable(f"{self._path}:{begun}", str(why))

    def one(self, where: str, line: bytes) -> Exchange:
        """The exchange of one command. Raises `Unreadable`."""
        text = line.decode("utf-8", "surrogateescape").strip().rstrip(";&").strip()
        if text.endswith("--compressed ^"):
            text = text[:-1]
        try:
            words = shlex.split(_ANSI.sub(lambda m: shlex.quote(_unescape(m[1])), text))
        except ValueError as error:
            raise Unreadable(f"no curl line ({error})") from None
        if not words or words[0] != "curl":
            raise Unreadable("no curl line")
        command = _Command(self._path.parent)
        command.read(words[1:])
        if not command.url:
            raise Unreadable("a curl line without a URL")
        headers = command.headers
        if (host := host_of(command.url)) and not any(name.lower() == "host" for name, _ in headers):
            headers.insert(0, ("Host", host))
        return self._builder.exchange(
            where=where,
            method=command.method or ("POST" if command.has_data else "GET"),
            target=command.url,
            headers=tuple(headers),
            body=command.body,
            body_state=command.state,
        )


def curl_of(exchanges: Iterator[Exchange], origin: str = "http://captured.invalid") -> Iterator[bytes]:
    """Exchanges as curl lines. A body that is not UTF-8 has no place on a line: it is written as `$'…'` escapes."""
    for exchange in exchanges:
        request = exchange.request
        host = next((value for name, value in request.headers if name.lower() == "host"), "")
        words = ["curl", "-X", request.method, (f"http://{host}" if host else origin) + request.target]
        line = shlex.join(words)
        for name, value in request.headers:
            line += f" -H {_quoted(f'{name}: {value}'.encode('latin-1', 'replace'))}"
        if request.body:
            line += f" --data-raw {_quoted(request.body)}"
        yield line.encode() + b"\n"


def _quoted(raw: bytes) -> str:
    """One shell word for any bytes but NUL, on one line and in ASCII."""
    plain = raw.decode("ascii", "replace")
    if plain.isprintable() and "\ufffd" not in plain and "$" not in plain:
        return shlex.quote(plain)
    return "$'" + "".join(chr(b) if 32 <= b < 127 and chr(b) not in "'\\" else f"\\x{b:02x}" for b in raw) + "'"


class _Command:
    """What the words of one curl line ask for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[bytes] = []
        self._get = False
        self.url = ""
        self.method = ""
        self.headers: list[tuple[str, str]] = []
        self.has_data = False
        self.body = b""
        self.state: BodyState | None = None

    def read(self, words: list[str]) -> None:
        """Take in every word; `-XPUT` and `--request=PUT` are `-X PUT`."""
        rest = deque(words)
        while rest:
            word = rest.popleft()
            if word.startswith("--"):
                word, eq, value = word.partition("=")
                if eq:
                    rest.appendleft(value)
            elif len(word) > 2 and word[:2] in (*_LONG, "-d"):
                word, value = word[:2], word[2:]
                rest.appendleft(value if word not in ("-G", "-I") else f"-{value}")
            self._option(_LONG.get(word, word), rest)
        self._finish()

    def _option(self, name: str, rest: deque[str]) -> None:
        if name in _DATA:
            self._data(name, _next(rest))
        elif name == "--request":
            self.method = _next(rest)
        elif name == "--header":
            key, colon, value = _next(rest).partition(":")
            if colon and key.strip() and value.strip():
                self.headers.append((_latin(key.strip()), _latin(value.strip())))
        elif name == "--user":
            token = base64.b64encode(_bytes(_next(rest))).decode("ascii")
            self.headers.append(("Authorization", f"Basic {token}"))
        elif name in ("--cookie", "--user-agent", "--referer"):
            header = {"--cookie": "Cookie", "--user-agent": "User-Agent", "--referer": "Referer"}[name]
            self.headers.append((header, _next(rest)))
        elif name == "--get":
            self._get = True
        elif name == "--head":
            self.method = "HEAD"
        elif name == "--url":
            self.url = _next(rest)
        elif name in ("-F", "--form", "--form-string"):
            _next(rest)
            self.has_data, self.state = True, BodyState.MISSING  # the boundary was curl's to choose
        elif name in _WITH_VALUE:
            _next(rest)
        elif not name.startswith("-") and not self.url:
            self.url = name

    def _data(self, name: str, value: str) -> None:
        self.has_data = True
        if name == "--json":
            self.headers += [("Content-Type", "application/json"), ("Accept", "application/json")]
        if value.startswith("@") and name not in ("--data-raw",):
            raw = beside(self._folder, value[1:])
            if raw is not None:
                self._parts.append(raw if "binary" in name or name == "--json" else raw.replace(b"\n", b""))
            else:
                self.state = BodyState.MISSING
            return
        if name == "--data-urlencode":
            key, eq, text = value.partition("=")
            value = f"{key}{eq}{quote(_bytes(text), safe='')}" if eq else quote(_bytes(value), safe="")
        self._parts.append(_bytes(value))

    def _finish(self) -> None:
        body = b"&".join(self._parts)
        if self._get and body:
            self.url += ("&" if "?" in self.url else "?") + body.decode("utf-8", "surrogateescape")
            self.has_data, body = False, b""
        self.body = body
        if self.has_data and not any(name.lower() == "content-type" for name, _ in self.headers):
            self.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        if self.url and "://" not in self.url:
            self.url = f"http://{self.url}"


def _latin(text: str) -> str:
    """Header text in our convention: one character a byte."""
    return _bytes(text).decode("latin-1")


def _next(rest: deque[str]) -> str:
    return rest.popleft() if rest else ""


def _unescape(text: str) -> str:
    """A `$'…'` string as bash reads it: hex and octal escapes are bytes, `u` escapes characters."""
    out = bytearray()
    last = 0
    for match in _ESCAPE.finditer(text):
        out += _bytes(text[last : match.start()])
        last = match.end()
        code = match[1]
        if code[0] == "u" and len(code) == 5:
            out += chr(int(code[1:], 16)).encode("utf-8", "replace")
        elif code[0] == "x" and len(code) > 1:
            out.append(int(code[1:], 16))
        elif code[0].isdigit():
            out.append(int(code, 8) & 0xFF)
        else:
            out += _bytes(_NAMED.get(code, code))
    out += _bytes(text[last:])
    return out.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    """The bytes of a word: those of the file where they were no UTF-8; a surrogate of no byte becomes `?`."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
