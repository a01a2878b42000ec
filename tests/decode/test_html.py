"""Pages: told by how they start; the words and the markup apart."""

from __future__ import annotations

from shadowdiff.decode.html import HtmlPage
from shadowdiff.testing import check_decoder, decoding, response_of


def test_visible_text_without_scripts_a_line_a_block() -> None:
    page = "<!-- x --><!DOCTYPE html><html><head><title>T</title><script>var a=1</script></head><body><p>One &amp; <b>two</b><li>three"
    document = decoding().document(response_of(page))
    assert document.kind == "html" and document.text == "T\nOne & two\nthree"
    assert "p" in document.value


def test_angle_brackets_in_text_are_no_page() -> None:
    for text in ("if a < b and c > d then stop", "use <b>bold</b> text", "<note> to self"):
        assert decoding().document(response_of(text)).kind == "text"


def test_conforms() -> None:
    check_decoder(HtmlPage())


def test_how_a_page_is_laid_out_in_its_source_is_not_seen() -> None:
    """Cells and links stand apart, line breaks of the source are blanks, those of <pre> are not."""
    tight = "<html><body><table><tr><td>one</td><td>8 dollars</td></tr></table><a href='/b'>Buy</a><a href='/h'>Help</a><p>a b</p></body></html>"
    loose = tight.replace("><", ">\n   <").replace("a b", "a\n   b")
    documents = [decoding().document(response_of(page)) for page in (tight, loose)]
    assert documents[0].text == documents[1].text == "one 8 dollars\nBuy Help\na b"
    assert decoding().document(response_of("<html><pre>x\n  y</pre></html>")).text == "x\ny"
