"""Large JSON documents in pieces: every element whole, whatever the chunk borders cut."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture import jsonstream
from shadowdiff.capture.jsonstream import Cut, elements

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(alphabet='a"\\[]{},:é\n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='k"\\{', max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


class Drip(io.RawIOBase):
    """A reader that hands out a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    def read(self, _: int = -1) -> bytes:
        piece, self._data = self._data[: self._step], self._data[self._step :]
        return piece


@given(st.lists(values, max_size=6), st.integers(1, 40), st.booleans())
def test_elements_come_out_whole_at_any_chunk_size(items: list, step: int, spaced: bool) -> None:
    document = {"first": [1, {"entries": []}], "log": {"pages": ["]"], "entries": items}, "after": 1}
    raw = json.dumps(document, indent=1 if spaced else None).encode()
    found = [json.loads(one) for one in elements(Drip(raw, step), "log", "entries")]
    assert found == items


@given(st.lists(values, max_size=5), st.integers(1, 30))
def test_values_after_one_another_and_a_top_level_list(items: list, step: int) -> None:
    objects = [{"v": item} for item in items]
    lines = "\n".join(json.dumps(item, indent=1) for item in objects).encode()
    assert [json.loads(one) for one in elements(Drip(lines, step))] == objects
    assert [json.loads(one) for one in elements(Drip(json.dumps(objects).encode(), step))] == objects


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"log":{}}', b'{"log":{"entries":{}}}', b'{"log":7}', b"\xff"])
def test_a_document_without_the_list_says_so(raw: bytes) -> None:
    with pytest.raises((KeyError, Cut)):
        list(elements(io.BytesIO(raw), "log", "entries"))


def test_what_came_before_a_cut_is_kept() -> None:
    whole = b'{"log":{"entries":[{"a":1},{"b":"x'
    found = []
    with pytest.raises(Cut):
        for one in elements(io.BytesIO(whole), "log", "entries"):
            found.append(one)
    assert found == [b'{"a":1}']


def test_an_element_that_is_no_json_loses_only_itself() -> None:
    raw = b'[{"a":1},{"b":tru, nonsense \xff},{"c":3}]'
    assert list(elements(io.BytesIO(raw))) == [b'{"a":1}', b'{"b":tru, nonsense \xff}', b'{"c":3}']


def test_an_endless_element_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "MAX_ELEMENT", 1 << 20)
    with pytest.raises(Cut, match="larger than 1 MiB"):
        list(elements(io.BytesIO(b'["' + b"x" * (4 << 20))))


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw: bytes) -> None:
    for start in (b"", b"[", b'{"log":{"entries":['):
        with contextlib.suppress(Cut, KeyError):
            list(elements(io.BytesIO(start + raw), *(("log", "entries") if start.startswith(b"{") else ())))
