"""A proxy or mirror as the real processes, for tests that send it traffic."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class Ended(AssertionError):
    """The command ended while something was still expected of it."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"exit code {code}: {said}")
        self.code, self.said = code, said


class Live:
    """A running command; `address` is where its traffic goes, `api` where it answers."""

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self.process, self.out = process, out
        self.said: list[str] = []
        self.address = self.api = ""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r'(http://[^\s"]+)/api/v1/verdict', line):
                self.api = found[1]
            if found := re.search(r'listening on ([^\s"]+)', line):
                self.address = found[1]

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def wait(self, what: Callable[[], object], seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while not what():
            code = self.process.poll()
            if code is not None:
                self._reading.join(5)
                raise Ended(code, self.text)
            assert time.monotonic() < until, self.text
            time.sleep(0.02)

    def compared(self) -> list[dict]:
        path = self.out / "comparisons.jsonl"
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []

    def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def close(self) -> None:
        """Read what it still said; let go of its pipe."""
        self._reading.join(5)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def end(self) -> tuple[int, dict]:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        self._reading.join(5)
        verdict = self.out / "verdict.json"
        return code, json.loads(verdict.read_text()) if verdict.exists() else {}


@contextlib.contextmanager
def live(command: str, out: Path, *options: str, listen: str = "127.0.0.1:0", **more) -> Iterator[Live]:
    """Run `command` (proxy or mirror) until the body is through."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "shadowdiff", command, "--listen", listen, "-o", str(out), "--api", "127.0.0.1:0",
            "--sample", "100%", *options,
        ],
        stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip
    try:
        running = Live(process, out)
        running.wait(lambda: running.address)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
        process.wait()
        running.close()
