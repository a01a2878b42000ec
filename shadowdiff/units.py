"""Parse and print values that carry a unit: "30s", "50/s", "1%", "64KiB", "2x", "5000-requests".

Every parser takes the text and the name of the place it came from, and raises `UsageError` with
one line that says what would be accepted.
"""

from __future__ import annotations

import re

from shadowdiff.errors import UsageError

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "": 1, "b": 1,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
    "kb": 10**3, "mb": 10**6, "gb": 10**9,
}  # fmt: skip
_COUNT = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"


def duration(text: str, where: str = "duration") -> float:
    """Seconds from "250ms", "30s", "1m30s", "2h". A bare number is refused: it has no unit."""
    parts = re.findall(_NUMBER + r"(us|ms|s|m|h|d)", text)
    if not parts or "".join(n + u for n, u in parts) != text.replace(" ", ""):
        raise UsageError(f"{where}: {text!r} is no duration; write it with a unit, e.g. 30s, 250ms, 1m30s")
    return sum(float(n) * _SECONDS[u] for n, u in parts)


def percent(text: str | float, where: str = "share") -> float:
    """A share in 0..1 from "5%" or "0.05". Above 100 % or below 0 is refused."""
    raw = str(text).strip()
    match = re.fullmatch(_NUMBER + r"\s*(%?)", raw)
    if not match:
        raise UsageError(f"{where}: {raw!r} is no share; write e.g. 5% or 0.05")
    value = float(match[1]) / (100 if match[2] else 1)
    if not 0 <= value <= 1:
        raise UsageError(f"{where}: {raw} is out of range; a share lies between 0% and 100%")
    return value


def size(text: str | int, where: str = "size") -> int:
    """Bytes from "64KiB", "1MiB", "500kB" or a bare number of bytes."""
    match = re.fullmatch(_NUMBER + r"\s*([A-Za-z]*)", str(text).strip())
    if not match or match[2].lower() not in _BYTES:
        raise UsageError(f"{where}: {text!r} is no size; write e.g. 64KiB, 1MiB, 2GiB")
    return int(float(match[1]) * _BYTES[match[2].lower()])


def rate(text: str, where: str = "rate") -> float:
    """Events a second from "50/s", "300/m", "2/h" or "100/30s"."""
    match = re.fullmatch(_NUMBER + r"\s*/\s*([0-9.]*)\s*(ms|s|m|h)", text.strip())
    if not match or float(match[1]) <= 0 or (match[2] and float(match[2]) <= 0):
        raise UsageError(f"{where}: {text!r} is no rate; write e.g. 50/s or 300/m")
    return float(match[1]) / (float(match[2] or 1) * _SECONDS[match[3]])


def speed(text: str, where: str = "speed") -> float:
    """A factor on recorded time from "2x", "0.5x" or "200%"."""
    match = re.fullmatch(_NUMBER + r"\s*(x|%)", text.strip())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"{where}: {text!r} is no speed; write e.g. 2x or 50%")
    return float(match[1]) / (100 if match[2] == "%" else 1)


def budget(text: str, where: str = "budget") -> tuple[int, str]:
    """(amount, "requests" | "tokens") from "5000-requests" or "2M-tokens"."""
    match = re.fullmatch(_NUMBER + r"([kKmMgG]?)[- ](requests|writes|tokens)", text.strip())
    if not match:
        raise UsageError(f"{where}: {text!r} is no budget; write e.g. 5000-requests, 100-writes or 2M-tokens")
    return int(float(match[1]) * _COUNT[match[2].lower()]), match[3]


def show_percent(value: float) -> str:
    """A share as people read it: 5%, 0.4%, 12.3%."""
    shown = value * 100
    if shown and abs(shown) < 0.1:
        return f"{shown:.2g}%"
    text = f"{shown:.1f}"
    return (text[:-2] if text.endswith(".0") else text) + "%"


def show_duration(seconds: float) -> str:
    """A span as people read it: 850 µs, 12 ms, 3.4 s, 2m05s."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes}m{int(seconds % 60):02d}s"
    hours = minutes // 60
    return f"{hours}h{minutes % 60:02d}m" if hours < 48 else f"{hours // 24}d{hours % 24:02d}h"


def show_size(count: int) -> str:
    """Bytes as people read them: 512 B, 64 KiB, 1.5 MiB."""
    if count < 1 << 10:
        return f"{count} B"
    if count < 1 << 20:
        return f"{count / (1 << 10):.4g} KiB"
    return f"{count / (1 << 20):.4g} MiB"
