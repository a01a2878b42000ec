"""The how-to on captures, with the real nginx and the real mitmproxy: the traps are there, and the advice avoids them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.conftest import ROOT
from tests.servers.nginx import available, free_port, nginx

pytestmark = pytest.mark.real
PAGE = (ROOT / "docs" / "how-to" / "capture-with-bodies.md").read_text("utf-8")
SMALL, LARGE = json.dumps({"q": '你好 "x"'}).encode(), json.dumps({"q": "x" * 40_000}).encode()


def post(port: int, body: bytes) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat?a=1", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as got:
        assert got.status == 200


def bodies(cli, log: Path, out: Path) -> list[tuple[str, bytes]]:
    done = cli("convert", log, out)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return [(line["body_state"], line.get("body", "").encode()) for line in lines]


@pytest.mark.parametrize("advised", [True, False])
def test_the_nginx_log_of_the_page_keeps_bodies_and_the_default_buffer_loses_large_ones(
    cli, tmp_path: Path, advised: bool
) -> None:
    if not available():
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    tmp_path.chmod(0o777)
    log = tmp_path / "shadow.log"
    with CannedServer(lambda head, body: [answer(b"{}")]) as service:
        site = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)[1]
        site = site.replace("127.0.0.1:8080", "127.0.0.1:{port}").replace("http://127.0.0.1:9090", service.url)
        site = site.replace("/var/log/nginx/shadow.log", str(log))
        if not advised:
            site = site.replace("client_body_buffer_size 1m;", "")
        with nginx(site) as port:
            for body in (SMALL, LARGE):
                post(port, body)
    found = bodies(cli, log, tmp_path / "out.jsonl")
    assert found == [("present", SMALL), ("present", LARGE) if advised else ("missing", b"")]


def test_mitmproxy_as_on_the_page_keeps_requests_and_answers(cli, tmp_path: Path) -> None:
    tool = shutil.which("mitmdump") or str(ROOT / ".venv" / "mitm" / "bin" / "mitmdump")
    if not Path(tool).exists():
        pytest.skip("mitmproxy is not installed: make test-real installs it")
    port, log = free_port(), tmp_path / "traffic.mitm"
    with CannedServer(lambda head, body: [answer(b'{"a":1}')]) as service:
        (line,) = re.findall(r"^(mitmdump .*)$", PAGE, re.MULTILINE)
        words = line.replace("http://127.0.0.1:9090", service.url).replace("8080", str(port)).split()
        words = [
            tool,
            *words[1:-1],
            str(log),
            "--quiet",
            "--set",
            f"confdir={tmp_path}",
            "--listen-host",
            "127.0.0.1",
        ]
        process = subprocess.Popen(words)
        try:
            for _ in range(100):
                time.sleep(0.2)
                try:
                    post(port, LARGE)
                    break
                except OSError:
                    continue
        finally:
            process.terminate()
            process.wait(20)
    assert bodies(cli, log, tmp_path / "out.jsonl") == [("present", LARGE)]
    assert json.loads((tmp_path / "out.jsonl").read_text())["response"]["body"] == '{"a":1}'


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_settings_on_the_page_are_valid(block: str, tmp_path: Path) -> None:
    from shadowdiff.config import load

    (tmp_path / "x.toml").write_text(block)
    assert load(tmp_path / "x.toml", {}, {}).capture.dialogs.turns == "all"
