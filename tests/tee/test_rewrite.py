"""What goes out is what was captured, but for the documented list."""

from __future__ import annotations

import pytest

from shadowdiff.model.exchange import Request, Role
from shadowdiff.net.endpoint import endpoint
from shadowdiff.tee.isolate import Isolator
from shadowdiff.tee.place import place
from shadowdiff.tee.rewrite import Rewriter, Target
from shadowdiff.testing import exchange_of, request_of


def rewriter(**options) -> Rewriter:
    blue = Target(Role.BLUE, 0, endpoint("blue", "http://blue:1/base"), options.pop("blue", {}))
    green = Target(Role.GREEN, 1, endpoint("green", "http://green:2"), options.pop("green", {}))
    return Rewriter([blue, green], run="r1", **options)


def sent(made: Rewriter, request: Request, role: Role = Role.BLUE) -> Request:
    (call,) = made.calls(exchange_of(request), [role], 0.0)
    return call.request


def test_hop_by_hop_conditional_tracing_and_credentials_are_stripped() -> None:
    names = ["Connection", "Keep-Alive", "X-Named", "TE", "Expect", "If-None-Match", "Range", "traceparent", "baggage",
             "Authorization", "Cookie", "Transfer-Encoding", "Content-Length", "Upgrade", "Proxy-Authorization"]  # fmt: skip
    headers = tuple((name, "x-named" if name == "Connection" else "1") for name in names)
    made = rewriter(marker=False)
    assert sent(made, Request("GET", "/", headers)).headers == (("Host", "blue:1"),)
    assert made.stripped_credentials == 1
    kept = sent(rewriter(marker=False, forward_auth=True), Request("GET", "/", headers)).headers
    assert kept == (("Host", "blue:1"), ("Authorization", "1"), ("Cookie", "1"))


def test_order_case_and_duplicates_survive_and_host_keeps_its_place() -> None:
    headers = (("accept", "a"), ("HOST", "prod"), ("X-b", "1"), ("x-B", "2"), ("Accept-Encoding", "br"))
    out = sent(rewriter(marker=False), Request("GET", "/%7Ea//b/../c?x=[1]", headers))
    assert out.headers == (("accept", "a"), ("HOST", "blue:1"), ("X-b", "1"), ("x-B", "2"), ("Accept-Encoding", "br"))
    assert out.target == "/base/%7Ea//b/../c?x=[1]"


def test_each_target_gets_its_own_host_headers_and_marker() -> None:
    made = rewriter(green={"Authorization": "Bearer g"})
    request = request_of("GET", "/", Host="prod", Authorization="Bearer user")
    assert sent(made, request, Role.BLUE).headers == (("Host", "blue:1"), ("X-Shadowdiff-Run", "r1-blue"))
    assert sent(made, request, Role.GREEN).headers == (
        ("Host", "green:2"), ("Authorization", "Bearer g"), ("X-Shadowdiff-Run", "r1-green"),
    )  # fmt: skip


def test_a_header_that_would_split_a_request_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        sent(rewriter(), request_of("GET", "/", X_A="1\r\nEvil: 1"))


def test_ids_are_isolated_per_target_and_counted() -> None:
    isolator = Isolator([place("json:/session_id", ""), place("header:idempotency-key", "")], "run123456")
    made = rewriter(isolator=isolator, marker=False)
    request = request_of("POST", "/", b'{"session_id": "abc", "q": 1.50}', Idempotency_Key="k1")
    blue, green = sent(made, request, Role.BLUE), sent(made, request, Role.GREEN)
    assert blue.body == b'{"session_id": "abc-sdrun123b", "q": 1.50}'
    assert green.body == b'{"session_id": "abc-sdrun123g", "q": 1.50}'
    assert ("Idempotency-Key", "k1-sdrun123b") in blue.headers
    assert made.isolated == {"json:/session_id": 2, "header:idempotency-key": 2}
