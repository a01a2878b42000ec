"""The jar: what a target set goes back to it, by path and until it expires."""

from __future__ import annotations

from shadowdiff.model.exchange import Response
from shadowdiff.tee.cookies import MAX_COOKIES, Jar


def jar(*lines: str, path: str = "/chat/x") -> Jar:
    made = Jar()
    made.take(Response(200, tuple(("Set-Cookie", line) for line in lines)), path)
    return made


def test_a_cookie_goes_back_below_its_path() -> None:
    made = jar("a=1; Path=/", "b=2; Path=/api", "c=3")
    assert made.matching("/api/x") == {"a": "1", "b": "2"}
    assert made.matching("/chat/y") == {"a": "1", "c": "3"}
    assert made.matching("/apiary") == {"a": "1"}
    assert jar("d=4; Path=/base/api").matching("/api/x", "/base") == {"d": "4"}


def test_an_expired_cookie_is_forgotten_and_a_new_value_replaces_the_old() -> None:
    made = jar("a=1; Path=/", "b=1; Path=/", "c=1; Path=/", "a=2; Path=/")
    gone = ("b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=; Max-Age=0; Path=/")
    made.take(Response(200, tuple(("set-cookie", line) for line in gone)), "/")
    assert made.matching("/") == {"a": "2"}


def test_hostile_cookies_neither_split_a_request_nor_fill_the_memory() -> None:
    assert not jar("a=1\r\nEvil: 1", "nonsense", "=x")
    many = jar(*(f"c{n}=1; Path=/" for n in range(500)))
    assert len(many.matching("/")) == MAX_COOKIES
    assert jar("a=1; Expires=yesterday; Max-Age=soon; Path=/").matching("/") == {"a": "1"}
