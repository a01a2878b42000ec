"""Looking up names: one at a time, off the loop, and never waited for at the end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time

import pytest

from shadowdiff.net.names import Names


def test_many_who_ask_at_once_are_one_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, real = [], socket.getaddrinfo

    def counting(*given, **more):
        asked.append(given)
        time.sleep(0.1)
        return real(*given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counting)

    async def main() -> list:
        names = Names("localhost", 80)
        return await asyncio.gather(*(names.resolve() for _ in range(20)))

    found = asyncio.run(main())
    assert len(asked) == 1 and all(one == found[0] and one for one in found)


def test_one_who_gives_up_leaves_the_answer_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def slow(*given, **more):
        go.wait(10)
        return [(2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def main() -> list:
        names = Names("slow.example", 80)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await names.resolve()
        go.set()
        return await names.resolve()

    assert asyncio.run(main()) == [("127.0.0.1", 80)]


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a" * 70 + ".invalid", "\udcff.invalid"])
def test_a_name_that_is_none_is_an_error_of_the_system(name: str) -> None:
    with pytest.raises(OSError):
        asyncio.run(_resolved(name))


async def _resolved(name: str) -> list:
    return await Names(name, 80).resolve()


def test_a_resolver_that_hangs_does_not_hold_up_the_end() -> None:
    code = """
import asyncio, socket, time
from shadowdiff.net.names import Names
from shadowdiff.run.around import run_loop
socket.getaddrinfo = lambda *a, **k: time.sleep(60)
async def main():
    try:
        async with asyncio.timeout(0.1):
            await Names("hangs.example", 80).resolve()
    except TimeoutError:
        print("gave up")
run_loop(main)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stdout == "gave up\n", done.stderr
