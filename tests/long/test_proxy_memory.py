"""A proxy whose green hangs: memory stays flat, and every client is served."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

import pytest
import uvloop

from bench.pair_cost import answer
from bench.proxy_cost import SITE, children, green_of, load, proxy
from tests.long.scale import scale
from tests.long.test_memory import resident_mb
from tests.servers.nginx import available, nginx

pytestmark = pytest.mark.long
RATE = 500


def test_memory_is_flat_while_green_hangs_under_load(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    if not available():
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    seconds = scale(180, 600)
    samples: list[tuple[float, float]] = []
    over = threading.Event()
    body = answer()
    with (
        nginx(SITE.format(body=body)) as blue,
        green_of("hung", body) as green,
        proxy(blue, green, tmp_path / "run") as (port, relay),
    ):
        judge = children(relay.pid)[0]

        def watch() -> None:
            while not over.wait(1):
                samples.append((resident_mb(relay.pid), resident_mb(judge)))

        watching = threading.Thread(target=watch)
        watching.start()
        begun = time.monotonic()
        took = uvloop.run(load(port, RATE, seconds))
        over.set()
        watching.join()
        lasted = time.monotonic() - begun
    third = len(samples) // 3
    relays, judges = zip(*samples, strict=True)
    with capsys.disabled():
        print(
            f"\n{len(took)} requests in {lasted:.0f} s at {RATE}/s with green hung: "
            f"p50 {1e3 * statistics.median(took):.2f} ms, p99 {1e3 * sorted(took)[int(len(took) * 0.99)]:.2f} ms; "
            f"relay {relays[third]:.0f} → {relays[-1]:.0f} MB, judging {judges[third]:.0f} → {judges[-1]:.0f} MB"
        )
    assert len(took) == RATE * seconds
    for one in (relays, judges):
        assert statistics.mean(one[-third:]) < statistics.mean(one[third : 2 * third]) + 8, samples
