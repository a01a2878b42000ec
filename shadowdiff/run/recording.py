"""`--record FILE`: live exchanges as a capture with bodies, credentials redacted.

For teams whose logs hold no bodies. A full disk or the size limit ends the recording, never the relay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from shadowdiff import redact
from shadowdiff.capture.jsonl import line_of
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange
from shadowdiff.units import show_size


class Recorder:
    """Owns the file."""

    def __init__(self, path: Path, limit: int, warn: Callable[[str], None]) -> None:
        """Appends, up to `limit` bytes in all. Raises `UsageError` for a file that cannot be written."""
        self._path = path
        self._limit = limit
        self._warn = warn
        try:
            self._file = path.open("ab", buffering=1 << 16)
            path.chmod(0o600)
        except OSError as error:
            raise UsageError(f"--record {path}: cannot be written ({error.strerror})") from None
        self._size = self._file.tell()
        self._over = False
        self.count = 0

    def add(self, exchange: Exchange) -> None:
        """Write one exchange, unless the recording has ended."""
        if self._over:
            return
        line = line_of(redacted(exchange))
        if self._size + len(line) > self._limit:
            self._end(f"it has reached {show_size(self._limit)} (service.record_limit)")
            return
        try:
            self._file.write(line)
        except OSError as error:
            self._end(f"it cannot be written ({error.strerror})")
            return
        self._size += len(line)
        self.count += 1

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        try:
            self._file.flush()
        except OSError as error:
            self._end(f"it cannot be written ({error.strerror})")

    def close(self) -> None:
        """Close the file."""
        self.flush()
        try:
            self._file.close()
        except OSError:  # said already, as it was flushed
            return

    def _end(self, why: str) -> None:
        if not self._over:
            self._over = True
            self._warn(f"--record {self._path}: {why}; the recording ends after {self.count} exchanges")


def redacted(exchange: Exchange) -> Exchange:
    """`exchange` without credentials in its headers, asked and answered."""
    request = msgspec.structs.replace(
        exchange.request, headers=redact.headers(exchange.request.headers, credentials_only=True)
    )
    recorded = exchange.recorded
    if recorded is not None:
        kept = redact.headers(recorded.headers, credentials_only=True)
        recorded = msgspec.structs.replace(recorded, headers=kept)
    return msgspec.structs.replace(exchange, request=request, recorded=recorded)
