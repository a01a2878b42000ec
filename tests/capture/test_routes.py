"""Routes: ids collapse, names are bounded, busy endpoints split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.routes import MAX_ROUTES, MAX_SPLITS, Router
from shadowdiff.errors import UsageError
from shadowdiff.testing import request_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/item/42", "GET /item/{id}"), ("/item/42/tags", "GET /item/{id}/tags"), ("/v1/chat", "GET /v1/chat"),
        ("/u/3f2b8c1e-1111-2222-3333-444455556666", "GET /u/{id}"), ("/o/ord_8f3a2b9c", "GET /o/{id}"),
        ("/d/2026-06-01", "GET /d/{id}"), ("/m/a.b@shop.example", "GET /m/{id}"), ("/?q=1", "GET /"),
        ("/h/deadbeef01", "GET /h/{id}"), ("/items", "GET /items"), ("/session-list", "GET /session-list"),
    ],
)  # fmt: skip
def test_segments_that_look_like_ids_collapse(path: str, route: str) -> None:
    assert Router().route(request_of("GET", path)) == route


def test_named_routes_come_first() -> None:
    router = Router(["POST /v1/*", "/static/*"])
    assert router.route(request_of("POST", "/v1/chat")) == "POST /v1/*"
    assert router.route(request_of("GET", "/static/a/b.png")) == "GET /static/*"
    assert router.route(request_of("GET", "/v1/chat")) == "GET /v1/chat"


def test_a_busy_endpoint_splits_by_a_json_value_or_a_header() -> None:
    body = b'{"model":"qwen-max"}'
    assert Router((), "json:/model").route(request_of("POST", "/v1", body)) == "POST /v1 [qwen-max]"
    assert Router((), "json:/model").route(request_of("POST", "/v1", b"no json")) == "POST /v1"
    assert Router((), "header:X-Tenant").route(request_of("GET", "/v1", X_Tenant="a")) == "GET /v1 [a]"
    with pytest.raises(UsageError, match="--route-by"):
        Router((), "cookie:x")


def test_split_values_are_bounded() -> None:
    router = Router((), "header:X-T")
    routes = {router.route(request_of("GET", "/", X_T=f"t{n}")) for n in range(500)}
    assert len(routes) == MAX_SPLITS + 1 and "GET / [other]" in routes


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 40))
def test_the_number_of_routes_is_bounded(seed: int, depth: int, names: int) -> None:
    import random

    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefgh", k=4)) for _ in range(names)]
    paths = ["".join(f"/{rng.choice(words)}" for _ in range(rng.randint(1, depth))) for _ in range(1500)]
    router = Router()
    routes = {router.route(request_of("GET", path)) for path in paths}
    assert len(routes) <= MAX_ROUTES + MAX_SPLITS + 1


def test_a_prefixed_random_id_without_a_digit_is_an_id() -> None:
    router = Router()
    assert (
        router.route(request_of("GET", "/v1/threads/thread_aBcDeFgHiJkLmNoPqRsTuVwX/runs"))
        == "GET /v1/threads/{id}/runs"
    )
    assert (
        router.route(request_of("GET", "/v1/chat_completions/list_all_things"))
        == "GET /v1/chat_completions/list_all_things"
    )
