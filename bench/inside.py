"""The work of N pairs in one process without a network: `python bench/inside.py N`. Used by `counts.py`.

Everything of a replay but the sockets: lines are read, requests written into nothing, captured answers parsed by the
real connections, compared, counted, written to a tape.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import uvloop

from bench.pair_cost import answer, capture
from shadowdiff.contracts import Call, Deadlines
from shadowdiff.model.exchange import Observation
from shadowdiff.net.conn import Conn
from shadowdiff.net.wire import header_block, serialize
from shadowdiff.run import pipeline
from shadowdiff.run.around import calm_collector
from shadowdiff.run.gathered import follow, material
from shadowdiff.run.journal import Journal
from shadowdiff.run.results import RunFolder
from shadowdiff.run.setup import plan
from shadowdiff.settings import Config, Control, GateRules, Sending, Targets
from shadowdiff.tape import TapeSink

BODY = answer().encode()
RAW = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 09:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n" % len(BODY) + BODY
)


class Nowhere:
    """Stands for a socket: takes what is written."""

    def write(self, data: bytes) -> None:
        """Into nothing."""

    def abort(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, name: str) -> tuple[str, int]:
        """A peer."""
        return ("192.0.2.1", 80)


class Canned:
    """Two real connections without sockets, answered at once."""

    def __init__(self, **_: Any) -> None:
        self.peers: dict[str, dict[str, int]] = {}
        self.races = 0
        self._conns = [Conn(1 << 20, lambda _: None) for _ in range(2)]
        self._limits = Deadlines()
        for conn in self._conns:
            conn.connection_made(Nowhere())  # type: ignore[arg-type]

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """What each connection made of the same bytes."""
        seen: list[Observation] = []
        for call in calls:
            conn = self._conns[call.endpoint]
            data = serialize(call.request, header_block(call.request.headers))
            conn.start(data, call.role, False, call.due_at, self._limits, seen.append)
            conn.data_received(RAW)
        return tuple(seen)

    async def aclose(self) -> None:
        """Nothing is open."""


async def replay(count: int, folder: Path) -> None:
    """One run of `count` pairs."""
    log = folder / "log.jsonl"
    capture(log, count)
    config = Config(
        targets=Targets(blue="http://127.0.0.1:1", green="http://127.0.0.1:2"),
        gate=GateRules(stop_on="none"),
        control=Control(enabled=False),
        send=Sending(max_in_flight=1, transport="bench.inside:Canned", seed=1),
    )
    journal: list[Journal] = []
    ready = plan(config, [log], print, sending=lambda exchange: journal[0].sent(exchange.seq), run_id="bench")
    run = RunFolder(folder / "run", "bench")
    run.begin("bench", config, [log])
    journal.append(Journal(run.path))
    tape = TapeSink(run.path, soon=asyncio.get_running_loop().call_soon)
    ready.sinks = [tape, follow(material(config), ready.counter.tally, ready.limits)]
    await pipeline.replay(ready)
    assert ready.ledger.matched == count
    tape.close(ready.counter.tally, None)
    journal[0].close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        calm_collector()
        uvloop.run(replay(int(sys.argv[1]), Path(made)))
