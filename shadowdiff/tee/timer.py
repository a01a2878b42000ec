"""Wake at absolute times, never early and within a fraction of a millisecond (transport.md section 5).

uvloop's own timers tick in whole milliseconds, so on Linux one timerfd is read by the event loop;
elsewhere the loop's timers serve. One heap holds every waiter: one timer, however many sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import heapq
import os
import sys
import time

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_ABSOLUTE = 1


class _Spec(ctypes.Structure):
    """struct itimerspec: interval and value, seconds and nanoseconds."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """Owned by one running event loop; close it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._armed = float("inf")
        self._handle: asyncio.TimerHandle | None = None
        self._libc, self._fd = _timerfd()
        if self._fd is not None:
            self._loop.add_reader(self._fd, self._fired)

    async def until(self, due: float) -> None:
        """Return at `due` on the monotonic clock, or at once when the timer is released."""
        self._count += 1
        waiter: asyncio.Future[None] = self._loop.create_future()
        heapq.heappush(self._heap, (due, self._count, waiter))
        if due < self._armed:
            self._arm(due)
        await waiter

    def release(self) -> None:
        """End every wait now."""
        while self._heap:
            _, _, waiter = heapq.heappop(self._heap)
            if not waiter.done():
                waiter.set_result(None)

    def close(self) -> None:
        """Release the waiters and the file descriptor."""
        self.release()
        if self._handle is not None:
            self._handle.cancel()
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _arm(self, due: float) -> None:
        self._armed = due
        if self._fd is None or self._libc is None:
            if self._handle is not None:
                self._handle.cancel()
            self._handle = self._loop.call_later(max(0.0, due - time.monotonic()), self._wake)
            return
        nanoseconds = max(1, int(due * 1e9) + 1)
        spec = _Spec(0, 0, nanoseconds // 10**9, nanoseconds % 10**9)
        self._libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(spec), None)

    def _fired(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._fd, 8)
        self._wake()

    def _wake(self) -> None:
        self._armed = float("inf")
        heap = self._heap
        while heap and (heap[0][2].done() or heap[0][0] <= time.monotonic()):
            _, _, waiter = heapq.heappop(heap)
            if not waiter.done():
                waiter.set_result(None)
        if heap:
            self._arm(heap[0][0])


def _timerfd() -> tuple[ctypes.CDLL | None, int | None]:
    """(libc, descriptor); (None, None) where there is no timerfd."""
    if not sys.platform.startswith("linux"):
        return None, None
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
    except (OSError, AttributeError):
        return None, None
    return (libc, descriptor) if descriptor >= 0 else (None, None)
