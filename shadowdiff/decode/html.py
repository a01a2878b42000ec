"""HTML pages: the visible text, and the markup for telling a change of tags from a change of words.

A page is told by how it starts (a doctype or <html>), never by a `<` somewhere in a text.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from shadowdiff.decode.body import to_text
from shadowdiff.model.exchange import Document, Response

_START = re.compile(rb"(?><!--.{0,400}?-->\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_HIDDEN = frozenset({"script", "style", "template", "noscript"})
_BLOCKS = frozenset(
    {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "br", "section", "article", "table", "ul", "ol",
     "title", "header", "footer", "form", "option", "pre", "blockquote", "main", "nav", "aside", "dl", "dt", "dd",
     "figure", "figcaption", "caption", "thead", "tbody", "tfoot", "summary", "details", "hr"}
)  # fmt: skip
_APART = frozenset({"td", "th", "a", "button", "label", "select", "input", "img", "textarea"})
"""Parts of a line that readers tell apart although no blank lies between them in the source."""


class HtmlPage:
    """Whole-body HTML."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the bytes: the body starts as a page does."""
        return 18.0 if _START.match(head) else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """`text` is what a reader sees, a line a block; `value` the tags with their attributes, in order."""
        source = to_text(body, (response.header("content-type") or "").lower())
        reader = _Reader()
        try:
            reader.feed(source)
            reader.close()
        except (AssertionError, ValueError):  # html.parser gives up on some broken declarations
            return Document(kind="text", text=source, note="HTML does not parse")
        lines = "".join(reader.text).split("\n")
        text = "\n".join(line for line in (" ".join(raw.split()) for raw in lines) if line)
        return Document(kind="html", value=reader.tags, text=text)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.tags: list[str] = []
        self._hidden = 0
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag + "".join(f" {k}={v}" for k, v in attrs))
        if tag in _HIDDEN:
            self._hidden += 1
        self._preformatted += tag == "pre"
        self._border(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag == "pre" and self._preformatted:
            self._preformatted -= 1
        self._border(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data if self._preformatted else data.replace("\n", " "))

    def _border(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.text.append("\n")
        elif tag in _APART:
            self.text.append(" ")
