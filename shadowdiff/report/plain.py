"""Text from targets and logs made safe to show: no terminal escapes, no hidden direction changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]")


_BLOCKS = "▁▂▃▄▅▆▇█"


def safe(text: str, limit: int | None = None) -> str:
    r"""`text` with control and bidi characters as visible escapes (`\x1b`); cut to `limit` with an ellipsis."""
    shown = _UNSAFE.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", text)
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def one_line(text: str, limit: int | None = None) -> str:
    """The same on one line."""
    return safe(" ".join(text.split()), limit)


def toml(value: str | list[str]) -> str:
    """A string or a list of strings as TOML writes them: quoted as in JSON."""
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return msgspec.json.encode(value).decode("utf-8")


def bars(counts: Sequence[float]) -> str:
    """A chart one line high: a block an eighth a step, a dot where there is nothing."""
    top = max(counts, default=0)
    return "".join("·" if not count else _BLOCKS[min(7, int(8 * count / top))] for count in counts)


def seconds(value: float | None) -> str:
    """A time for a table: three digits that count."""
    if value is None or value == 0:
        return "–"
    if value < 0.9995:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"
