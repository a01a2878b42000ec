"""Remove secrets and credentials before a byte reaches disk, log, report, metric or alert.

Comparison runs on raw bytes in memory; everything that is stored or shown passes through here.
By name: headers, JSON keys (also escaped inside strings), query and form keys. By shape: bearer
tokens, JWTs, `sk-…` and cloud keys, private keys; numbers of identity cards, bank cards and mobile phones
(`personal`); and any of these in base64 or in escapes.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterable, Iterator

from shadowdiff import personal
from shadowdiff.model.exchange import Headers

MARK = "[redacted]"

_PLAIN = (
    r"password|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|access[_-]?token|refresh[_-]?token|"
    r"id[_-]?token|client[_-]?secret|private[_-]?key|session[_-]?token|csrf[_-]?token|authorization|auth[_-]?token|"
    r"signature|sig|x-amz-signature|x-amz-credential|x-amz-security-token|awsaccesskeyid|x-goog-signature"
)
_CHINESE = ("密码", "口令", "身份证号", "身份证号码", "身份证", "手机号", "手机号码", "银行卡号")
_NAMES = _PLAIN + "".join("|" + "".join(rf"(?:{sign}|\\+u{ord(sign):04x})" for sign in name) for name in _CHINESE)
SECRET_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token",
        "x-amz-security-token", "x-goog-api-key", "x-csrf-token", "www-authenticate", "authentication-info",
    }
)  # fmt: skip
_SECRET_HEADER = re.compile(r"(?i).*[-_](token|secret|key|password|signature)")
_SECRET_KEY = re.compile(rf"(?i)(?:[a-z0-9_-]{{0,100}}[_-])?(?:{_NAMES})")
_JSON_FIELD = re.compile(
    rf'(?i)(\\*"(?:[a-z0-9]+[_-])*(?:{_NAMES})\\*"\s*:\s*\\*")((?:[^"\\]|\\(?!")[^"])*)', re.ASCII
)
_QUERY_FIELD = re.compile(rf"(?i)((?:^|[?&;\s\"'])(?:[a-z0-9]+[_-])*(?:{_NAMES})=)([^&\s;\"']+)")
_SHAPES = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{8,800}\.[A-Za-z0-9_-]{4,8000}\.[A-Za-z0-9_-]{4,}"
    r"|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S]){0,8000}?-----END [A-Z ]*PRIVATE KEY-----"
)


_KINDS = (
    ("bearer", "bearer token"), ("basic", "basic credentials"), ("eyj", "JWT"), ("akia", "AWS key"),
    ("asia", "AWS key"), ("gh", "GitHub token"), ("xox", "Slack token"), ("-----begin", "private key"),
)  # fmt: skip


_STEMS = ("passw", "pwd", "secret", "token", "key", "authorization", "sig", "credential")
"""One of these stands in every name of a secret, in lower case."""
_CHINESE_STEMS = frozenset(name[:2] for name in _CHINESE)
_ESCAPED_STEMS = frozenset(f"u{ord(name[0]):04x}" for name in _CHINESE)
_LITERALS = ("eyJ", "sk-", "pk-", "rk-", "AKIA", "ASIA", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "xox", "-----BEGIN ")
"""One of these, or `bearer` or `basic`, stands in every shape of a secret."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,20000}={0,2}")
_ESCAPES = re.compile(r"(?:\\{1,4}u[0-9a-fA-F]{4}){6,}")
_LONGEST_NAME = 200
_NEAR = 24
"""Characters from a stem to the `=` behind its name, at most."""


def text(value: str) -> str:
    """`value` without secrets, by field name and by shape.

    A pattern over a whole answer costs a hundred times what the look for a word does, so each is tried only where one
    of its words stands.
    """
    value = valid(value)
    if len(value) < 6:
        return value
    lower = value.lower()
    if len(lower) != len(value):  # a letter that is two in lower case: places would not agree
        return everywhere(value)
    spots = [spot for stem in _stems(lower) for spot in _spots(lower, stem)]
    if spots:
        query = any("=" in value[spot : spot + _NEAR] for spot in spots)
        value = _fields(value, spots)
        if query:
            value = _QUERY_FIELD.sub(lambda m: m[1] + MARK, value)
    if "bearer" in lower or "basic" in lower or any(literal in value for literal in _LITERALS):
        value = _SHAPES.sub(MARK, value)
    return packed(personal.cleaned(value, MARK))


def everywhere(value: str) -> str:
    """The same by trying every pattern at every place: what `text` must agree with."""
    value = _JSON_FIELD.sub(lambda m: m[1] + MARK, value)
    if "=" in value:
        value = _QUERY_FIELD.sub(lambda m: m[1] + MARK, value)
    return packed(personal.cleaned(_SHAPES.sub(MARK, value), MARK))


def packed(value: str) -> str:
    """`value` without runs of base64 or of escapes that hold a secret."""

    def judged(match: re.Match[str]) -> str:
        inside = _unpacked(match[0])
        return MARK if inside and text(inside) != inside else match[0]

    if "\\u" in value:
        value = _ESCAPES.sub(judged, value)
    return _BASE64.sub(judged, value)


def _unpacked(run: str) -> str:
    """What a run of base64 or of escapes says, or an empty string where that is no text."""
    if run.startswith("\\u"):
        return valid(re.sub(r"\\+u(....)", lambda match: chr(int(match[1], 16)), run))
    raw = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(raw) % 4 == 1:
        return ""
    try:
        inside = base64.b64decode(raw + "=" * (-len(raw) % 4))
    except ValueError:
        return ""
    for charset in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return inside.decode(charset)
    return ""


def _stems(lower: str) -> Iterator[str]:
    yield from _STEMS
    if not lower.isascii():
        yield from _CHINESE_STEMS
    if "\\u" in lower:
        yield from _ESCAPED_STEMS


def _spots(lower: str, stem: str) -> Iterator[int]:
    at = lower.find(stem)
    while at >= 0:
        yield at
        at = lower.find(stem, at + 1)


def _fields(value: str, spots: Iterable[int]) -> str:
    """`value` without the values of JSON fields whose names hold one of `spots`."""
    quotes = {value.rfind('"', max(0, spot - _LONGEST_NAME), spot) for spot in spots} - {-1}
    out, done = [], 0
    for quote in sorted(quotes):
        match = _JSON_FIELD.match(value, quote) if quote >= done else None
        if match is not None:
            out += [value[done : match.end(1)], MARK]
            done = match.end()
    return "".join([*out, value[done:]]) if out else value


def found(pairs: Headers, target: str, body: str) -> Iterator[str]:
    """What kinds of secrets a request carries, by name or shape; never their values."""
    for name, value in pairs:
        lower = name.lower()
        if lower in SECRET_HEADERS or _SECRET_HEADER.fullmatch(lower):
            yield f"header {lower}"
        else:
            yield from _shapes(value)
    for match in _QUERY_FIELD.finditer(target.partition("?")[2]):
        yield f"query {match[1].strip('?&;= ').lower()}"
    if len(body) >= 6:
        for match in _JSON_FIELD.finditer(body):
            yield "body field " + match[1].strip('\\": \t\r\n').lower()
        yield from _shapes(body)


def _shapes(value: str) -> Iterator[str]:
    for match in _SHAPES.finditer(value):
        start = match[0][:10].lower()
        yield next((kind for prefix, kind in _KINDS if start.startswith(prefix)), "API key")


def valid(value: str) -> str:
    """`value` with lone surrogates as `?`: JSON can carry them, no file takes them."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def headers(pairs: Headers, *, credentials_only: bool = False) -> Headers:
    """Header pairs with secret values marked. `credentials_only` keeps other values as they are (recording)."""
    out = []
    for name, value in pairs:
        lower = name.lower()
        if lower in SECRET_HEADERS or _SECRET_HEADER.fullmatch(lower):
            value = MARK
        elif not credentials_only:
            value = text(value)
        out.append((name, value))
    return tuple(out)


def target(value: str) -> str:
    """A path and query without secret query values."""
    path, mark, query = value.partition("?")
    return path + mark + _QUERY_FIELD.sub(lambda m: m[1] + MARK, query) if mark else value


def at_path(path: str, value: str) -> str:
    """A finding's excerpt: marked whole when its path names a secret, else cleaned as text."""
    leaf = path.rpartition("/")[2].removeprefix("header:")
    if path and (_SECRET_KEY.fullmatch(leaf) or leaf.lower() in SECRET_HEADERS):
        return MARK if value else value
    return text(value)
