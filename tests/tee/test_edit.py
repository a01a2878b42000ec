"""Edits of one target: what is named changes, the rest stays byte for byte."""

from __future__ import annotations

import pytest

from shadowdiff.tee.edit import Edit
from shadowdiff.testing import request_of

BODY = b'{"model": "a",  "n": 1.50, "user": {"id": 7}}'


@pytest.mark.parametrize(
    ("edit", "target", "becomes"),
    [
        (Edit(path_prefix="/v2/"), "/a//b/%7E?x=1", "/v2/a//b/%7E?x=1"),
        (Edit(replace_prefix={"/api/v1": "/api/v2"}), "/api/v1/x?y", "/api/v2/x?y"),
        (Edit(replace_prefix={"/api/v1": "/api/v2"}), "/api/v10/x", "/api/v10/x"),
        (Edit(replace_prefix={"/old": "/"}), "/old", "/"),
        (Edit(set_query={"k": "a b&"}), "/x?z=%7E&k=1&k=2", "/x?z=%7E&k=a%20b%26"),
        (Edit(set_query={"k": "1"}), "/x", "/x?k=1"),
        (Edit(remove_query=["k"]), "/x?k=1&l=%20&k=2", "/x?l=%20"),
        (Edit(remove_query=["k"]), "/x?k=1", "/x"),
    ],
)
def test_paths_and_queries(edit: Edit, target: str, becomes: str) -> None:
    assert edit.apply(target, (), b"")[0] == becomes


def test_headers_keep_their_place_and_spelling() -> None:
    edit = Edit(set_header={"X-B": "9", "New": "1"}, add_header={"A": "2"}, remove_header=["gone"])
    headers = (("A", "1"), ("x-b", "1"), ("GONE", "1"), ("X-B", "2"), ("c", "3"))
    assert edit.apply("/", headers, b"")[1] == (("A", "1"), ("x-b", "9"), ("c", "3"), ("New", "1"), ("A", "2"))


@pytest.mark.parametrize(
    ("edit", "becomes"),
    [
        (Edit(set_json={"/model": "b"}), b'{"model": "b",  "n": 1.50, "user": {"id": 7}}'),
        (Edit(set_json={"/user/id": 8}), b'{"model": "a",  "n": 1.50, "user": {"id": 8}}'),
        (Edit(set_json={"/stream": False}), b'{"model":"a","n":1.5,"user":{"id":7},"stream":false}'),
        (Edit(remove_json=["/user"]), b'{"model":"a","n":1.5}'),
        (Edit(remove_json=["/nothing"]), BODY),
        (Edit(set_json={"/no/parent": 1}), BODY),
    ],
)
def test_json_bodies(edit: Edit, becomes: bytes) -> None:
    assert edit.apply("/", (), BODY)[2] == becomes


def test_what_is_no_json_stays() -> None:
    for body in (b"a=1&b=2", b"\xff", b"[1]", b"7", b""):
        assert Edit(set_json={"/a": 1}, remove_json=["/b"]).apply("/", (), body)[2] == body


def test_an_edit_is_for_what_matches_the_captured_request() -> None:
    edit = Edit(match="POST /v1/*")
    assert edit.applies(request_of("POST", "/v1/chat?x=1")) and not edit.applies(request_of("GET", "/v1/chat"))
