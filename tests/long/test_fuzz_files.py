"""Any configuration, result line or answer text: a result or one clear error, and a page with no script of theirs."""

from __future__ import annotations

import json
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowdiff import config, tape
from shadowdiff.errors import ShadowdiffError
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Finding, Outcome, Score
from shadowdiff.report.html.page import page
from shadowdiff.report.material import Material
from shadowdiff.run import saved
from shadowdiff.run.limits import gate_limits
from shadowdiff.testing import comparison_of, pair_of
from tests.long.scale import scale
from tests.report.test_html import HOSTILE, verdict

pytestmark = pytest.mark.long
EXAMPLES = settings(max_examples=scale(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck))

values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**6) | st.floats() | st.text(max_size=12)
    | st.sampled_from(["5%", "500%", "1h", "-1s", "10/s", "2M-tokens", "env:NO_SUCH_NAME", "1MiB", "http://[::1", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@EXAMPLES
@given(
    st.dictionaries(st.sampled_from(config.keys()), values, max_size=5)
    | st.dictionaries(st.text(max_size=8), values, max_size=3)
)
def test_any_configuration_is_taken_or_refused_in_a_sentence(given_keys: dict) -> None:
    tree: dict = {}
    for dotted, value in given_keys.items():
        node = tree
        *way, last = dotted.split(".") or [dotted]
        for name in way:
            node = node.setdefault(name, {})
            if not isinstance(node, dict):
                return
        node[last] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.json"
        path.write_text(json.dumps(tree))
        try:
            gate_limits(config.load(path, {}, {}))
        except ShadowdiffError as error:
            assert str(error) and "\n" not in str(error).strip()


@EXAMPLES
@given(st.binary(max_size=300))
def test_any_bytes_as_toml_are_taken_or_refused(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_bytes(raw)
        try:
            config.load(path, {}, {})
        except ShadowdiffError as error:
            assert str(error)


LINE = tape.encode(comparison_of(Outcome.MISMATCHED, scores=(Score("structure", 0.5, (Finding("/a", "value", blue="1", green="2"),)),)), pair_of('{"a":1}', '{"a":2}'))  # fmt: skip


@EXAMPLES
@given(
    st.lists(st.tuples(st.integers(0, len(LINE) - 1), st.integers(0, 255)), max_size=6),
    st.dictionaries(st.sampled_from(sorted(json.loads(LINE))), values, max_size=3),
)
def test_any_result_line_is_judged_or_refused_in_a_sentence(changes: list[tuple[int, int]], fields: dict) -> None:
    raw = bytearray(LINE)
    for place, byte in changes:
        raw[place] = byte
    second = json.dumps(json.loads(LINE) | fields).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "comparisons.jsonl"
        path.write_bytes(bytes(raw).replace(b"\n", b" ") + b"\n" + second + b"\n")
        for work in (
            lambda: saved.judge([path], Limits()),
            lambda: saved.collect(path),
            lambda: saved.find(path, "x1"),
        ):
            try:
                work()
            except ShadowdiffError as error:
                assert str(error)


class Reader(HTMLParser):
    """What a page would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith(("javascript:", "data:text")):
                self.odd.append(f"{tag} {name}={value}")
        if tag in ("iframe", "object", "embed", "base") or (tag == "meta" and ("http-equiv", "refresh") in attrs):
            self.odd.append(tag)


def scripts_of(text: str) -> int:
    made = Material("en")
    finding = Finding(f"/{text}", "value", blue=text, green=text[::-1])
    odd = comparison_of(
        Outcome.MISMATCHED,
        1,
        id=f"x{text}",
        route=f"GET /{text}",
        rules=(text,),
        scores=(Score("structure", 0.5, (finding,)),),
        why=text,
    )
    made.add(odd, pair_of(text, text + " other"))
    reader = Reader()
    reader.feed(page(verdict(reason=text, notes=(text,)), made, text).decode())
    assert not reader.odd, reader.odd
    return reader.scripts


pieces = st.sampled_from(
    [
        *HOSTILE,
        "<",
        ">",
        '"',
        "'",
        "&",
        "</script>",
        "<!--",
        "-->",
        "]]>",
        "\u2028",
        "{{",
        "}}",
        "${",
        "`",
        "\\",
        "on",
        "=",
        "javascript:",
        "<svg/onload=",
        " ",
    ]
)


@settings(EXAMPLES, max_examples=scale(60, 3_000))
@given(st.lists(pieces | st.text(max_size=5), max_size=8).map("".join))
def test_no_text_adds_a_script_to_the_page(text: str) -> None:
    assert scripts_of(text) == scripts_of("plain")
