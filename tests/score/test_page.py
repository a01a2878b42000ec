"""Pages: lost links and parts."""

from __future__ import annotations

from shadowdiff.score.page import losses

PAGE = ["h1", "p", "a href=/terms?x=1 class=b", "a href=/help#top", "li", "li", "link href=/app.1.css"]


def test_lost_links_and_parts_are_named() -> None:
    assert list(losses(PAGE, [*PAGE[:2], *PAGE[3:5], "link href=/app.2.css"])) == [
        ("/links", "/terms", "(gone)"), ("/parts", "2 <li>", "1 <li>"),
    ]  # fmt: skip


def test_queries_classes_and_added_parts_are_no_loss() -> None:
    green = ["h1", "p", "a class=c href=/terms?y=2", "a href=/help", "li", "li", "li", "script"]
    assert list(losses(PAGE, green)) == []
