"""A real nginx that mirrors to ours: live traffic goes its way, and a verdict comes out."""

from __future__ import annotations

import http.client
import time
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.conftest import ROOT
from tests.e2e.live import live
from tests.e2e.targets import path_of, plain, twins
from tests.servers.nginx import available, nginx

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def real_nginx() -> None:
    if not available():
        pytest.skip("nginx is not installed: apt-get install nginx-light")


def site(blue: CannedServer, port: int) -> str:
    """deploy/mirror/nginx.conf with our ports in it."""
    text = (ROOT / "deploy" / "mirror" / "nginx.conf").read_text("utf-8")
    ports = {"127.0.0.1:8080": "127.0.0.1:{port}", ":9090": f":{blue.port}", ":8081": f":{port}"}
    for old, new in ports.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_mirrored_traffic_is_compared_and_never_waits(tmp_path: Path) -> None:
    with (
        twins() as (blue, green),
        live(
            "mirror",
            tmp_path / "run",
            "--blue",
            blue.url,
            "--green",
            green.url,
            "--allow",
            "POST /chat",
            "--no-control",
        ) as one,
        nginx(site(blue, one.port)) as port,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for n in range(150):
            if n % 10:
                connection.request("GET", f"/item/{n}?q=%E4%BD%A0%20x")
            else:
                connection.request("POST", "/chat", b'{"q":"hi"}', {"Content-Type": "application/json"})
            reply = connection.getresponse()
            assert reply.status == 200 and reply.read()
        connection.close()
        one.wait(lambda: len(one.compared()) == 150)
        code, verdict = one.end()
    assert (code, verdict["verdict"]) == (0, "pass"), one.text
    assert verdict["ledger"]["read"] == verdict["ledger"]["matched"] == 150
    assert len(blue.seen) == 300, "blue answers its client, and the tee"
    assert {path_of(head) for head, _ in green.seen} >= {"/item/1?q=%E4%BD%A0%20x", "/chat"}
    assert next(body for head, body in green.seen if path_of(head) == "/chat") == b'{"q":"hi"}'


def test_a_hung_green_delays_no_request_behind_nginx(tmp_path: Path) -> None:
    with (
        CannedServer(lambda head, body: [plain(path_of(head))]) as blue,
        CannedServer(lambda head, body: [30.0]) as green,
        live(
            "mirror", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--green-timeout", "1s",
            "--drain", "2s",
        ) as one,
        nginx(site(blue, one.port)) as port,
    ):  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        slow = []
        for n in range(60):
            begun = time.monotonic()
            connection.request("GET", f"/item/{n}")
            assert connection.getresponse().read()
            slow.append(time.monotonic() - begun)
        connection.close()
        one.wait(lambda: len(one.compared()) >= 20)
        code, verdict = one.end()
    assert sorted(slow)[30] < 0.5 and code == 1, (max(slow), verdict["reason"])


def test_envoy_s_way_of_mirroring_is_understood(tmp_path: Path) -> None:
    with (
        CannedServer(lambda head, body: [answer(head.split(b"\r\n")[1])]) as blue,
        CannedServer(lambda head, body: [answer(head.split(b"\r\n")[1])]) as green,
        live(
            "mirror", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--blue-host", "shop",
            "--green-host", "shop",
        ) as one,
    ):  # fmt: skip
        for n in range(5):
            assert one.get(f"/{n}", Host="shop-shadow:8080")[0] == 202
        one.wait(lambda: len(one.compared()) == 5)
        one.end()
    assert all(line["outcome"] == "matched" for line in one.compared())
