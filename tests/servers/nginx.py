"""A real nginx on loopback: Debian's package, one worker, its own folder."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BASE = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 12000; }}
http {{
  access_log off; keepalive_requests 1000000; client_max_body_size 50m;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  {http}
}}
"""


def available() -> bool:
    return shutil.which("nginx") is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(http: str) -> Iterator[int]:
    """Run nginx with `http` inside its http block; `{port}` in it is the port, which is yielded."""
    folder = Path(tempfile.mkdtemp(prefix="shadowdiff-nginx-"))
    folder.chmod(0o755)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(BASE.format(folder=folder, http=http.replace("{port}", str(port))), "utf-8")
    process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start: {(process.stderr.read() if process.stderr else b'')!r}")
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        if process.stderr is not None:
            process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)
