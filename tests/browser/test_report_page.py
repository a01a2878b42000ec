"""The report in a real Chromium: every control, 5,000 pairs, wide and phone, light and dark, nothing hostile runs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Timings
from shadowdiff.report.html.page import page
from shadowdiff.report.material import Material
from shadowdiff.testing import comparison_of, pair_of
from tests.conftest import ROOT
from tests.report.test_html import HOSTILE, verdict

pytestmark = pytest.mark.real
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
COUNT = 5_000


def one(n: int) -> tuple[Comparison, object]:
    if n % 10 == 9:
        return comparison_of(Outcome.IGNORED, n, id=f"p{n:05d}", route="GET /stock"), pair_of("a", "b")
    place, route = f"/field{n % 7}", f"GET /{('item', 'order', 'cart')[n % 3]}/{{id}}"
    finding = Finding(place, "value" if n % 7 else "type", blue=str(n), green="null" if n % 7 == 0 else str(n + 1))
    made = comparison_of(
        Outcome.MISMATCHED, n, id=f"p{n:05d}", route=route, rules=("structure",), scores=(Score("structure", 0.5, (finding,)),),
        timings=Timings(blue_s=0.01, green_s=0.01 + (n % 500) / 1000, blue_ttfb_s=0.001, green_ttfb_s=0.001),
        why=f"value at {place}: {n} → {n + 1}",
    )  # fmt: skip
    return made, pair_of(f"退款需要七天 {n}", f"退款需要三十天 {n}")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("page")
    found = {}
    for lang in ("en", "zh"):
        made = Material(lang, {"blue": "http://blue", "green": "http://green"})
        for n in range(COUNT):
            made.add(*one(n))
        found[lang] = folder / f"{lang}.html"
        found[lang].write_bytes(page(verdict(), made, "reports/runs/x"))
    made = Material("en")
    for n, text in enumerate(HOSTILE):
        scores = (Score("structure", 0.5, (Finding(f"/{text}", "value", blue=text, green=text[::-1]),)),)
        odd = comparison_of(
            Outcome.MISMATCHED, n, id=f"x{n}{text}", route=f"GET /{text}", rules=(text,), scores=scores, why=text
        )
        made.add(odd, pair_of(text, text + " other"))
    found["hostile"] = folder / "hostile.html"
    found["hostile"].write_bytes(page(verdict(reason=HOSTILE[0], notes=tuple(HOSTILE)), made, HOSTILE[1]))
    return found


def opened(chromium, path: Path, size: str = "wide", **options):
    """A page opened from disk, with what its console said and whom it asked."""
    context = chromium.new_context(viewport=SIZES[size], **options)
    shown, said, asked = context.new_page(), [], []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(path.as_uri())
    return shown, said, asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_control_does_what_it_says(chromium, reports: dict[str, Path], size: str, scheme: str) -> None:
    shown, said, asked = opened(chromium, reports["en"], size, color_scheme=scheme)
    count, rows = shown.locator("#count"), shown.locator("#rows tbody tr")
    assert count.inner_text() == "1 to 20 of 4500 pairs" and rows.count() == 20, "mismatches first"
    shown.select_option("#f-outcome", "")
    assert count.inner_text() == "1 to 20 of 5000 pairs"
    shown.click("#next")
    assert count.inner_text().startswith("21 to 40") and shown.locator("#place").inner_text() == "2 / 250"
    shown.click("#prev")
    assert shown.locator("#prev").is_disabled()
    shown.fill("#q", "p00123 order")
    expect(shown.locator("#count")).to_have_text("no pair matches")
    shown.fill("#q", "p00123 item")
    expect(shown.locator("#count")).to_have_text("1 to 1 of 1 pairs")
    shown.click("#reset")
    expect(shown.locator("#count")).to_contain_text("5000")
    shown.select_option("#f-outcome", label="ignored (500)")
    assert "of 500 pairs" in count.inner_text() and rows.first.inner_text().count("GET /stock")
    shown.select_option("#f-outcome", "")
    shown.select_option("#f-route", label="GET /cart/{id} (1500)")
    assert "of 1500 pairs" in count.inner_text()
    shown.select_option("#f-order", label="largest slowdown first")
    assert "509" in rows.first.inner_text() or "508" in rows.first.inner_text(), rows.first.inner_text()
    shown.click("#reset")
    shown.click("#help")
    assert shown.locator("#keys").is_visible()
    shown.click("#keys-close")
    assert not shown.locator("#keys").is_visible()
    assert shown.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert not said and asked == [reports["en"].as_uri()], (said, asked)


def test_a_cause_lists_its_pairs_and_a_pair_opens_in_place(chromium, reports: dict[str, Path]) -> None:
    shown, said, _ = opened(chromium, reports["en"])
    cause = shown.locator("article.cause").first
    assert "6 places" in cause.inner_text() or "more places" in cause.inner_text(), "six fields, one cause"
    cause.locator("button.filter").click()
    assert "of 3856 pairs" in shown.locator("#count").inner_text(), shown.locator("#count").inner_text()
    shown.locator("#rows button.id").first.click()
    view = shown.locator("#chosen details.pair")
    name = view.get_attribute("data-id")
    assert view.locator("del").first.inner_text() == "七" and view.locator("ins").first.inner_text() == "三十"
    shown.locator("#rows button.id").nth(15).click()
    assert shown.locator(f'details.pair[data-id="{name}"]').count() == 1, "it went back to its place"
    shown.fill("#q", "p04321")
    expect(shown.locator("#count")).to_have_text("1 to 1 of 1 pairs")
    shown.locator("#rows button.id").first.click()
    assert "shadowdiff show reports/runs/x 'p04321'" in shown.locator("#chosen").inner_text() and not said


def test_what_is_copied_can_be_used(chromium, reports: dict[str, Path]) -> None:
    shown, said, _ = opened(chromium, reports["en"], permissions=["clipboard-read", "clipboard-write"])

    def copied(selector: str) -> str:
        button = shown.locator(selector).first
        button.evaluate(
            "button => { for (let e = button; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true; }"
        )
        button.click()
        expect(shown.locator("button.copy", has_text="copied")).to_have_count(1)
        text = shown.evaluate("navigator.clipboard.readText()")
        expect(shown.locator("button.copy", has_text="copied")).to_have_count(0)
        return text

    assert copied("article.cause details.pair button:has-text('curl for green')").startswith("curl -sS -i -X GET")
    assert copied("article.cause details.pair button:has-text('show command')").startswith(
        "shadowdiff show reports/runs/x p0"
    )
    assert tomllib.loads(copied("article.cause table.findings button.small"))["ignore"][0].startswith("/field")
    assert copied("#reproduce button.copy") == "shadowdiff gate reports/runs/x"
    assert tomllib.loads(copied("article.cause button:has-text('expected change')"))["accept"] and not said


def test_the_keyboard_is_enough(chromium, reports: dict[str, Path]) -> None:
    shown, said, _ = opened(chromium, reports["en"])
    shown.keyboard.press("j")
    shown.keyboard.press("j")
    assert shown.locator("#rows tr.at").inner_text().startswith("p00001")
    shown.keyboard.press("Enter")
    assert shown.locator("#chosen details.pair, #chosen h3").count() == 1
    shown.keyboard.press("k")
    shown.keyboard.press("n")
    assert shown.locator("#count").inner_text().startswith("21")
    shown.keyboard.press("p")
    shown.keyboard.press("/")
    shown.keyboard.type("p00007")
    expect(shown.locator("#count")).to_have_text("1 to 1 of 1 pairs")
    shown.keyboard.press("Escape")
    expect(shown.locator("#count")).to_contain_text("5000")
    shown.keyboard.press("?")
    assert shown.locator("#keys").is_visible()
    shown.keyboard.press("Escape")
    assert not shown.locator("#keys").is_visible() and not said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing(chromium, reports: dict[str, Path], lang: str, size: str, scheme: str) -> None:
    shown, _, _ = opened(chromium, reports[lang], size, color_scheme=scheme)
    shown.locator("#rows button.id").first.click()
    shown.evaluate("document.querySelectorAll('article.cause details').forEach((one) => (one.open = true))")
    found = Axe().run(shown, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()[:3000]


@pytest.mark.parametrize("story", ["rag-disclaimers", "shop-second", "sampled-good"])
def test_the_samples_open_clean_and_fit_a_phone(chromium, story: str) -> None:
    path = ROOT / "reports" / "samples" / story / "report.html"
    shown, said, asked = opened(chromium, path, "phone", color_scheme="dark")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360
    shown.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360
    assert not said and asked == [path.as_uri()]
    found = Axe().run(shown, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()[:3000]


def test_chinese_text_has_glyphs(chromium) -> None:
    shown, _, _ = opened(chromium, ROOT / "reports" / "samples" / "rag-disclaimers" / "report.html")
    widths = shown.evaluate(
        "(() => { const c = document.createElement('canvas').getContext('2d'); c.font = getComputedStyle(document.body).font;"
        "const draw = (text) => { c.clearRect(0, 0, 60, 60); c.fillText(text, 5, 40);"
        "return [...c.getImageData(0, 0, 60, 60).data].join() }; return draw('停') !== draw('止') })()"
    )
    assert widths, "two characters are drawn alike: no Chinese font (apt-get install fonts-noto-cjk)"


def test_nothing_hostile_runs_and_everything_is_shown(chromium, reports: dict[str, Path]) -> None:
    shown, said, asked = opened(chromium, reports["hostile"])
    shown.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    for _ in range(len(HOSTILE)):
        shown.keyboard.press("j")
        shown.keyboard.press("Enter")
    assert shown.locator("main img, main iframe, main object, main script, main link").count() == 0
    assert "<script>alert(1)</script>" in shown.locator("h1").inner_text()
    assert not said and asked == [reports["hostile"].as_uri()], (said, asked)


def test_without_its_script_the_page_still_reads(chromium, reports: dict[str, Path]) -> None:
    shown, said, _ = opened(chromium, reports["en"], java_script_enabled=False)
    assert shown.locator("#browser").is_hidden() and shown.locator("article.cause details.pair").count() >= 2
    assert shown.locator("noscript").count() and "p00" in shown.locator("article.cause summary").first.inner_text()
    assert not [text for text in said if "Content Security" in text]


def test_it_prints_without_controls(chromium, reports: dict[str, Path]) -> None:
    shown, _, _ = opened(chromium, reports["en"])
    shown.emulate_media(media="print")
    assert shown.locator("#browser").is_hidden() and shown.locator("button.copy").first.is_hidden()
    assert shown.locator("h1").is_visible() and len(shown.pdf()) > 10_000
