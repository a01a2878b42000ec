"""The sample reports: golden, so that every change of a report is seen; and Chinese down to the last word."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import ROOT

SAMPLES = ROOT / "reports" / "samples"
ALLOWED = {
    # names of ours, of HTTP and of numbers; what a target said stands in code, pre and the pair tables
    "blue", "green", "shadowdiff", "token", "curl", "ms", "s", "p50", "p90", "p99", "RUN", "show", "calibrate", "twin",
    "report.html", "comparisons.jsonl", "verdict.json", "gate.accept", "POST", "GET", "assistant", "id", "text", "js",
    "v1", "chat", "completions", "sampled", "finish", "stop", "length", "config", "json", "session_id",
}  # fmt: skip

SKIPPED = {"code", "pre", "script", "style", "kbd", "title"}


class Words(HTMLParser):
    """Collects text outside of what quotes a target or a command."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        quoted = {"said", "route"} & set((dict(attrs).get("class") or "").split())
        if tag not in ("meta", "br", "input", "line", "rect", "polyline", "polygon"):
            self.inside.append("quoted " + tag if quoted else tag)
        for name, value in attrs:
            if name in ("aria-label", "placeholder", "title") and value:
                self.found.append(value)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop().removeprefix("quoted ") != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(tag in SKIPPED or tag.startswith("quoted ") for tag in self.inside):
            self.found.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    done = subprocess.run(
        [sys.executable, str(ROOT / "reports" / "make.py"), str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_samples_are_what_the_code_writes(made: Path) -> None:
    kept = {p.relative_to(SAMPLES).as_posix(): p.read_bytes() for p in SAMPLES.rglob("*") if p.is_file()}
    now = {p.relative_to(made).as_posix(): p.read_bytes() for p in made.rglob("*") if p.is_file()}
    assert kept.keys() - {"README.md"} == now.keys()
    changed = [name for name in now if kept[name] != now[name]]
    assert not changed, f"these changed: {changed}; look at them, then: make samples"


def test_each_story_ends_as_it_is_told() -> None:
    verdicts = {
        p.parent.name: re.search(r'"verdict": "(\w+)"', p.read_text("utf-8"))[1]
        for p in SAMPLES.glob("*/verdict.json")
    }
    of_stories = dict.fromkeys(
        ("kotaemon-rc1", "kotaemon-questions", "instances-bad", "langflow-bad", "lobechat-471"), "fail"
    )
    assert verdicts == {"rag-disclaimers": "fail", "shop-second": "fail", "sampled-good": "pass", **of_stories}
    second = (SAMPLES / "shop-second" / "report.html").read_text("utf-8")
    assert 'class="shift-new"' in second and 'class="shift-gone"' in second


def test_no_english_is_left_in_the_chinese_report() -> None:
    parser = Words()
    parser.feed((SAMPLES / "rag-disclaimers" / "report.html").read_text("utf-8"))
    said = "\n".join(parser.found)
    said = re.sub(
        r"[（(][^（）()]*/[^（）()]*[）)]|：[^：\n]*→[^\n]*|/[\w/*{}-]+|--[a-z-]+|\S*\d{3,}\S*|s-\d+-\w+|\b[0-9a-f]{8,12}\b",
        " ",
        said,
    )
    words = set(re.findall(r"[A-Za-z][A-Za-z0-9_.]+", said))
    assert not words - ALLOWED, sorted(words - ALLOWED)


@pytest.mark.parametrize("name", ["terminal.txt", "summary.md"])
def test_no_english_sentence_is_left_in_terminal_and_summary(name: str) -> None:
    text = (SAMPLES / "rag-disclaimers" / name).read_text("utf-8")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|<[^>]*>|shadowdiff \w+ RUN \S+|/\w+", " ", text)
    english = re.findall(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", text)
    quoted = ("for reference only", "information is", "signed contract", "prevails")
    assert not [words for words in english if not any(part in words for part in quoted)]
