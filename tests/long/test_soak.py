"""Every target misbehaves for a long time: memory, open files, threads and disk stay bounded, and no pair is lost.

Short: 40 s each; full (`make long`): 15 minutes each. Figures: bench/RESULTS.md.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from shadowdiff.testing import CannedServer, Piece
from tests.e2e.live import live
from tests.faults.kit import FAULTS, healthy
from tests.faults.runs import LIMITS, served_whole
from tests.long.scale import scale

pytestmark = pytest.mark.long
SECONDS = scale(40, 900)
RATE = 40
SCRIPTS = [fault.script for fault in FAULTS if fault.script is not None]
IN_FLIGHT = 64


def faulty(seed: int, share: float):
    """A target that does something else wrong each time, and is sound the rest of the time."""
    rng = random.Random(seed)

    def script(head: bytes, body: bytes) -> Iterator[Piece]:
        if rng.random() < share:
            yield from rng.choice(SCRIPTS)(head, body)
        else:
            yield healthy(head)

    return script


def tasks_of(api: str) -> int:
    """How many tasks the process has that answers at `api`."""
    with urllib.request.urlopen(f"{api}/events", timeout=10) as stream:
        return int(json.loads(stream.readline().removeprefix(b"data: "))["tasks"])


class Gauge(threading.Thread):
    """Samples what processes hold, twice a second."""

    def __init__(self, pids: list[int], folder: Path) -> None:
        super().__init__(daemon=True)
        self._processes = [psutil.Process(pid) for pid in pids]
        self._folder = folder
        self._over = threading.Event()
        self.samples: list[tuple[float, int, int, int]] = []
        """(MB, open files and sockets, threads, bytes on disk) of all of them and their children."""

    def run(self) -> None:
        while not self._over.wait(0.5):
            try:
                family = [one for top in self._processes for one in (top, *top.children(recursive=True))]
                held = [(one.memory_info().rss, one.num_fds(), one.num_threads()) for one in family]
            except psutil.Error:
                continue
            disk = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
            memory, files, threads = (sum(column) for column in zip(*held, strict=True))
            self.samples.append((memory / 1e6, files, threads, disk))

    def end(self) -> None:
        self._over.set()
        self.join()

    def bounded(self, what: str, pairs: int, capsys: pytest.CaptureFixture) -> None:
        """The last third holds no more than the middle one, but for noise; what is on disk grows with the pairs."""
        third = len(self.samples) // 3
        memory, files, threads, disk = zip(*self.samples, strict=True)
        with capsys.disabled():
            print(
                f"\n{what}, {SECONDS} s, {pairs} pairs: memory {statistics.mean(memory[third : 2 * third]):.0f} → "
                f"{statistics.mean(memory[-third:]):.0f} MB (peak {max(memory):.0f}), files and sockets at most "
                f"{max(files)}, threads at most {max(threads)}, disk {disk[-1] / max(pairs, 1):.0f} bytes a pair"
            )
        assert statistics.mean(memory[-third:]) < 1.15 * statistics.mean(memory[third : 2 * third]) + 12
        assert statistics.mean(files[-third:]) < statistics.mean(files[third : 2 * third]) + 2 * IN_FLIGHT
        assert max(files) < 12 * IN_FLIGHT and max(threads) < 60


def test_a_replay_holds_no_more_as_time_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"id": f"r{n}", "target": f"/{'chat' if n % 3 else 'item'}/{n}"}) + "\n" for n in range(500)
        )
    )
    with (
        CannedServer(faulty(1, 0.1)) as blue,
        CannedServer(faulty(2, 0.5)) as green,
        CannedServer(faulty(3, 0.2)) as twin,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", blue.url, "--green", green.url, "--twin", twin.url,
             "-o", str(tmp_path / "run"), "--loop", "1000000", "--rate", f"{RATE}/s", "--max-in-flight", str(IN_FLIGHT), *LIMITS, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        gauge = Gauge([process.pid], tmp_path / "run")
        gauge.start()
        time.sleep(SECONDS)
        gauge.end()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    verdict = json.loads(out)
    ledger = verdict["ledger"]
    assert process.returncode == 130 and "Traceback" not in err, err
    assert ledger["sent"] == ledger["matched"] + ledger["mismatched"] + ledger["ignored"] + ledger["errored"]
    assert ledger["mismatched"] > 20 and ledger["matched"] > 20 and ledger["errored"] > 20
    assert len((tmp_path / "run" / "comparisons.jsonl").read_text().splitlines()) == ledger["sent"]
    gauge.bounded("replay", ledger["sent"], capsys)


def test_a_proxy_holds_no_more_as_time_goes_on_and_serves_everybody(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with (
        CannedServer(lambda head, body: [healthy(head)]) as blue,
        CannedServer(faulty(5, 0.5)) as green,
        CannedServer(faulty(6, 0.2)) as twin,
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--twin", twin.url, *LIMITS, "--drain", "5s") as one,
    ):  # fmt: skip
        gauge = Gauge([one.process.pid], tmp_path / "run")
        gauge.start()
        until, count, unserved = time.monotonic() + SECONDS, 0, 0
        tasks: list[int] = []
        with ThreadPoolExecutor(8) as clients:
            while time.monotonic() < until:
                begun = time.monotonic()
                served = list(clients.map(lambda n: served_whole(one.port, f"/item/{n}"), range(count, count + RATE)))
                count, unserved = count + len(served), unserved + len(served) - sum(served)
                tasks.append(tasks_of(one.api))
                time.sleep(max(0.0, 1 - (time.monotonic() - begun)))
        gauge.end()
        code, verdict = one.end()
    ledger = verdict["ledger"]
    assert code == 1 and unserved == 0 and "Traceback" not in one.text, one.text[-3000:]
    assert ledger["read"] == count == sum(ledger[name] for name in ("sent", "skipped", "dropped", "unsent"))
    assert ledger["mismatched"] > 20 and ledger["matched"] > 20
    with capsys.disabled():
        print(f"\ntasks of the judging process: at most {max(tasks)}, at the end {tasks[-1]}")
    assert max(tasks) < 4 * IN_FLIGHT
    gauge.bounded("proxy", ledger["sent"], capsys)
