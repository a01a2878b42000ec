"""The timer: never early, in order, released at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from shadowdiff.tee import timer as module
from shadowdiff.tee.timer import Timer


@pytest.mark.parametrize("native", [True, False])
def test_waiters_wake_in_the_order_of_their_due_times_and_never_early(
    native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(module, "_timerfd", lambda: (None, None))

    async def main() -> list[int]:
        timer, woken = Timer(), []
        start = time.monotonic()

        async def one(number: int) -> None:
            due = start + number * 0.004
            await timer.until(due)
            assert time.monotonic() >= due
            woken.append(number)

        async with asyncio.TaskGroup() as group:
            for number in (3, 1, 5, 2, 4, 0):
                group.create_task(one(number))
        timer.close()
        return woken

    assert asyncio.run(main()) == [0, 1, 2, 3, 4, 5]


def test_a_release_ends_every_wait_and_a_cancelled_waiter_harms_nobody() -> None:
    async def main() -> None:
        timer = Timer()
        far = time.monotonic() + 60
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(timer.until(far + n)) for n in range(3)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.sleep(0)
            timer.release()
        timer.close()

    asyncio.run(asyncio.wait_for(main(), 5))
