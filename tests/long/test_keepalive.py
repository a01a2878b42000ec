"""A server that closes idle connections just as the next request comes: that is nobody's failure."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff import tape
from shadowdiff.testing import CannedServer, Piece
from tests.e2e.targets import path_of, plain
from tests.long.scale import scale

pytestmark = pytest.mark.long
COUNT = scale(120, 4_000)
IDLE_S = 0.25


def closing(head: bytes, body: bytes) -> list[Piece]:
    return [plain(path_of(head)), IDLE_S, None]


def test_the_end_of_an_idle_connection_never_reads_as_green_s_failure(cli, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    asks = (
        {"id": f"r{n}", "target": f"/item/{n}", "method": "POST" if n % 2 else "GET", "body": "x" if n % 2 else ""}
        for n in range(COUNT)
    )
    log.write_text("".join(json.dumps(ask) + "\n" for ask in asks))
    with CannedServer(closing) as blue, CannedServer(closing) as green:
        # two requests a period of the server's: every other one comes as the connection is closed
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run", "--rate", f"{1 / IDLE_S}/s", "--max-in-flight", "1",
                   "--allow-method", "POST", "--no-control", "--json")  # fmt: skip
        sent = Counter((path_of(head), head.split(b" ")[0]) for server in (blue, green) for head, _ in server.seen)
    ledger = json.loads(done.stdout)["ledger"]
    lines = list(tape.read(tmp_path / "run" / "comparisons.jsonl"))
    raced = [line for line in lines if line["outcome"] == "errored"]
    print(f"\n{COUNT} exchanges, {len(raced)} races")
    assert ledger["mismatched"] == 0 and ledger["matched"] + ledger["errored"] == COUNT
    assert len(raced) < 10, "after the first ones such connections are not kept"
    assert all("transport race" in line["why"] and int(line["id"][1:]) % 2 for line in raced), (
        "only writes are not asked again"
    )
    assert all(count <= 2 for (_, method), count in sent.items() if method == b"POST"), (
        "a write goes out once to each"
    )
