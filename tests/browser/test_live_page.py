"""The live page in a real Chromium: it moves by itself, runs nothing a target said, and fits a phone."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import Live, live
from tests.e2e.targets import path_of, plain

pytestmark = pytest.mark.real
HOSTILE = "<img src=x onerror=alert(1)>"


def odd(head: bytes, body: bytes) -> list[bytes]:
    if "/cart" in path_of(head):
        return [answer(b'{"path":"' + HOSTILE.encode() + b'","n":1}', "200 OK", "Content-Type: application/json")]
    return [plain(path_of(head))]


def blue_script(head: bytes, body: bytes) -> list[bytes]:
    return [plain(path_of(head))]


def opened(chromium, one: Live, path: str = "/", **options):
    """A page, with what its console said and whom it asked."""
    context = chromium.new_context(**options)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(one.api + path)
    return page, said, asked


def test_the_verdict_moves_on_the_open_page_and_nothing_hostile_runs(tmp_path: Path, chromium) -> None:
    with (
        CannedServer(blue_script) as blue,
        CannedServer(odd) as green,
        live(
            "proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--service", "shop", "--candidate",
            "v2",
        ) as one,
    ):  # fmt: skip
        page, said, asked = opened(chromium, one, viewport={"width": 1100, "height": 900})
        page.wait_for_selector("#verdict.inconclusive")
        for n in range(150):
            one.get(f"/item/{n}")
        page.wait_for_selector("#verdict.pass", timeout=15_000)
        assert page.inner_text("#word") == "Go" and "shop · v2" in page.inner_text("#name")
        for n in range(60):
            one.get(f"/cart/{n}")
        page.wait_for_selector("#verdict.fail", timeout=15_000)
        assert "Stop" in page.title() and HOSTILE in page.inner_text("#findings")
        assert page.locator("#findings img, #findings script").count() == 0
        assert page.locator("#routes tr.over").count() == 1
        assert page.locator("#chart .line").count() == 1
        assert "60 (100%)" in page.inner_text("#causes") and page.locator("#causes img").count() == 0
        assert not said and all(url.startswith((one.api, "data:,")) for url in asked), (said, asked)
        page.screenshot(path=tmp_path / "live.png")
        one.process.terminate()
        page.wait_for_selector("#link.lost", timeout=15_000)


def test_one_key_stops_the_sending_once_it_is_confirmed(tmp_path: Path, chromium) -> None:
    with (
        CannedServer(blue_script) as blue,
        CannedServer(blue_script) as green,
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url) as one,
    ):
        page = chromium.new_context().new_page()
        page.goto(one.api + "/")
        page.wait_for_selector("#stop:not([hidden])")
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.keyboard.press("s")
        one.get("/item/1")
        one.wait(lambda: len(one.compared()) == 1)
        page.once("dialog", lambda dialog: dialog.accept())
        page.keyboard.press("s")
        one.wait(lambda: "the traffic goes on" in one.text)
        assert one.get("/item/2")[0] == 200 and len(green.seen) == 1
        code, verdict = one.end()
    assert code == 3 and any("told to over the API" in note for note in verdict["notes"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(tmp_path: Path, chromium, scheme: str) -> None:
    with (
        CannedServer(blue_script) as blue,
        CannedServer(odd) as green,
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url) as one,
    ):
        for n in range(30):
            one.get(f"/cart/{n}")
        page, said, _ = opened(chromium, one, viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page.wait_for_selector("#verdict.fail", timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360 and not said


def test_a_token_opens_it_once_and_leaves_the_address(tmp_path: Path, chromium) -> None:
    with (
        CannedServer(blue_script) as blue,
        CannedServer(odd) as green,
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--api-token", "s3cret") as one,
    ):
        host = http.client.HTTPConnection(one.api.removeprefix("http://"))
        host.request("GET", "/")
        assert host.getresponse().status == 401
        host.close()
        page, _, _ = opened(chromium, one, "/login?token=s3cret")
        page.wait_for_selector("#verdict.inconclusive")
        assert page.url == f"{one.api}/"
