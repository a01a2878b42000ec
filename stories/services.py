"""Start what a story needs, wait until it answers, and end all of it: real servers, each in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = "127.0.0.1"


class Services(contextlib.ExitStack):
    """Processes that end together; what each prints lies in `folder`/NAME.log."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what was started must not outlive us
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        """Run `command` until the stack closes."""
        log = self.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=cwd, env={**os.environ, **(env or {})}, start_new_session=True
        )
        self._running[name] = process
        (self.folder / f"{name}.pid").write_text(str(process.pid), "utf-8")
        self.callback(_end, process)

    def until(self, what: Callable[[], bool], name: str, seconds: float = 90) -> None:
        """Wait for it. Raises `SystemExit` with the end of its log."""
        over = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                if what():
                    return
            ended = self._running[name].poll() is not None
            if ended or time.monotonic() > over:
                log = (self.folder / f"{name}.log").read_text("utf-8", "replace")
                why = "ended" if ended else f"did not start within {seconds:.0f} s"
                raise SystemExit(f"{name} {why}:\n{log[-2000:]}")
            time.sleep(0.1)

    def stay(self) -> None:
        """Say that all is there, in `folder`/ready too, and wait until SIGTERM or SIGINT asks for the end."""
        (self.folder / "ready").write_text("", "utf-8")
        print("ready", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                signal.pause()

    def redis(self, port: int) -> None:
        """A Redis without a disk."""
        options = (
            "--port",
            str(port),
            "--bind",
            LOCAL,
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self.folder),
        )
        self.start("redis", needed("redis-server"), *options)
        self.until(lambda: listening(port), "redis")

    def postgres(self, port: int) -> str:
        """A PostgreSQL of its own; its URL."""
        programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)
        where = (str(programs) + "/") if programs else ""
        data = self.folder / "postgres"
        as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:  # it refuses to run as root
            data.mkdir(parents=True, exist_ok=True)
            for part in (data, *data.parents[:-1]):
                part.chmod(part.stat().st_mode | 0o011)
            shutil.chown(data, "postgres")
            as_user = ("runuser", "-u", "postgres", "--")
        subprocess.run(
            [*as_user, f"{where}initdb", "-D", str(data), "-A", "trust", "-U", "ktem", "-E", "UTF8"],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        self.start(
            "postgres", *as_user, f"{where}postgres", "-D", str(data), "-p", str(port), "-k", "", "-h", LOCAL,
            "-c", "fsync=off", cwd=Path("/"),
        )  # fmt: skip
        url = f"postgresql://ktem@{LOCAL}:{port}/postgres"
        self.until(lambda: listening(port), "postgres")
        return url

    def model(self, port: int) -> str:
        """The stub model; its URL."""
        self.start("model", sys.executable, str(ROOT / "stories" / "model.py"), "--port", str(port))
        self.until(lambda: listening(port), "model")
        return f"http://{LOCAL}:{port}/v1"


NGINX = """{user}daemon off; worker_processes 1; pid "{folder}/nginx.pid"; error_log "{folder}/nginx.err" crit;
events {{ worker_connections 2048; }}
http {{ access_log off; include "{folder}/http.conf"; client_body_temp_path "{folder}/t1"; proxy_temp_path "{folder}/t2";
fastcgi_temp_path "{folder}/t3"; uwsgi_temp_path "{folder}/t4"; scgi_temp_path "{folder}/t5"; }}
"""


def nginx_main(folder: Path, http: str) -> Path:
    """The configuration of an nginx of its own, with `http` in its http block (http.conf, to change later)."""
    (folder / "http.conf").write_text(http, "utf-8")
    main = folder / "nginx.conf"
    main.write_text(NGINX.format(folder=folder, user="user root; " * (os.geteuid() == 0)), "utf-8")
    return main


def needed(program: str) -> str:
    """Where a program is. Raises `SystemExit`."""
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is not installed")
    return found


def product(name: str) -> Path:
    """The environment of a product, made by `make stories`. Raises `SystemExit`."""
    found = ROOT / ".venv" / name
    if not (found / "made").exists():
        raise SystemExit(f"{name} is not here: run `make stories` first")
    return found


def listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.create_connection((LOCAL, port), 0.5):
        return True


def answers(url: str) -> bool:
    """Whether it answers without an error."""
    with urllib.request.urlopen(url, timeout=5) as reply:
        return bool(reply.status < 400)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
