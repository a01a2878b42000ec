"""What a service answers over HTTP, asked by a real client on a real socket."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

import pytest

from shadowdiff.errors import UsageError
from shadowdiff.run.api import address, serving


def ask(url: str, token: str = "") -> tuple[int, bytes, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Content-Type"]


def verdict(service: str, candidate: str, step: str) -> bytes | None:
    return json.dumps({"verdict": "pass", "step": step}).encode() if candidate in ("", "v2") else None


def asked(*paths: str, token: str = "", given: str = "", ready: bool = True) -> list[tuple[int, bytes, str]]:
    async def main() -> list[tuple[int, bytes, str]]:
        where = address("127.0.0.1:0", token)
        async with serving(where, token, verdict, lambda: b"# EOF\n", lambda: ready) as url:
            return [await asyncio.to_thread(ask, url + path, given) for path in paths]

    return asyncio.run(main())


def test_the_verdict_is_given_for_the_candidate_here_and_404_for_another() -> None:
    here, other = asked("/api/v1/verdict?candidate=v2&step=25", "/api/v1/verdict?candidate=v3")
    assert here[0] == 200 and json.loads(here[1]) == {"verdict": "pass", "step": "25"}
    assert here[2].startswith("application/json")
    assert other[0] == 404 and "no such" in json.loads(other[1])["error"]


def test_health_readiness_and_metrics() -> None:
    health, ready, metrics, nothing = asked("/healthz", "/readyz", "/metrics", "/elsewhere")
    assert (health[0], ready[0], nothing[0]) == (200, 200, 404)
    assert metrics[:2] == (200, b"# EOF\n") and "openmetrics" in metrics[2]
    assert asked("/readyz", ready=False)[0][0] == 503


def test_a_token_guards_all_but_health() -> None:
    paths = "/api/v1/verdict", "/metrics", "/healthz", "/readyz"
    assert [code for code, *_ in asked(*paths, token="s3cret")] == [401, 401, 200, 200]
    assert [code for code, *_ in asked(*paths, token="s3cret", given="wrong")] == [401, 401, 200, 200]
    assert [code for code, *_ in asked(*paths, token="s3cret", given="s3cret")] == [200, 200, 200, 200]


@pytest.mark.parametrize("text", ["off", ""])
def test_off_listens_nowhere(text: str) -> None:
    assert address(text, "") is None


@pytest.mark.parametrize(
    ("text", "says"), [("8780", "HOST:PORT"), ("0.0.0.0:8780", "--api-token"), ("[::1]:99999", "HOST:PORT")]
)
def test_an_address_that_will_not_do_is_one_clear_line(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        address(text, "")


def test_loopback_in_any_spelling_needs_no_token() -> None:
    assert address("localhost:1", "") == ("localhost", 1) and address("[::1]:80", "") == ("::1", 80)
    assert address("0.0.0.0:80", "t") == ("0.0.0.0", 80)


def test_a_taken_port_says_so() -> None:
    async def main() -> None:
        async with serving(("127.0.0.1", 0), "", verdict, lambda: b"", lambda: True) as url:
            port = int(url.rpartition(":")[2])
            async with serving(("127.0.0.1", port), "", verdict, lambda: b"", lambda: True):
                pass

    with pytest.raises(UsageError, match="cannot listen there"):
        asyncio.run(main())
