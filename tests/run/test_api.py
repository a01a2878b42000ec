"""What a service answers over HTTP, asked by a real client on a real socket."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

import pytest

from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.run.api import address, serving
from shadowdiff.run.reload import Reloader, Trial
from shadowdiff.settings import Config


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ask(url: str, token: str = "", post: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, post, headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=5) as answer:
            return answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Set-Cookie"] or error.headers["Content-Type"]


class Fake:
    """A service that has reached a verdict."""

    def __init__(self, status: Status = Status.PASS, ready: bool = True) -> None:
        self.status, self.accepting = status, ready
        self.noted: list[tuple[str, dict]] = []
        self.reloader = Reloader(Config(), None, Config, prepare=self._no, swap=print, say=print)

    async def _no(self, change) -> Trial:
        return Trial()

    def verdict(self, service: str, candidate: str, step: str) -> Verdict | None:
        return Verdict(self.status, "why", 0, step=step) if candidate in ("", "v2") else None

    def metrics(self) -> bytes:
        return b"# EOF\n"

    def state(self) -> dict:
        return {"verdict": "pass"}

    def note(self, what: str, said: dict) -> None:
        self.noted.append((what, said))

    def halt(self, why: str) -> None:
        self.noted.append(("halt", {"why": why}))


def asked(
    *paths: str, token: str = "", given: str = "", ready: bool = True, served: Fake | None = None, **more
) -> list[tuple[int, bytes, str]]:
    async def main() -> list[tuple[int, bytes, str]]:
        where = address("127.0.0.1:0", token)
        async with serving(where, token, served or Fake(ready=ready)) as url:
            return [await asyncio.to_thread(ask, url + path, given, **more) for path in paths]

    return asyncio.run(main())


def test_the_verdict_is_given_for_the_candidate_here_and_404_for_another() -> None:
    here, other = asked("/api/v1/verdict?candidate=v2&step=25", "/api/v1/verdict?candidate=v3")
    told = json.loads(here[1])
    assert here[0] == 200 and (told["verdict"], told["step"]) == ("pass", "25")
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


HOOKS = "/flagger/rollout", "/flagger/confirm-promotion", "/flagger/rollback"


@pytest.mark.parametrize(
    ("status", "codes"),
    [(Status.PASS, [200, 200, 409]), (Status.FAIL, [412, 409, 200]), (Status.INCONCLUSIVE, [200, 409, 409])],
)
def test_flagger_s_hooks_answer_by_their_own_codes(status: Status, codes: list[int]) -> None:
    found = asked(*HOOKS, post=b'{"name":"a","metadata":{"candidate":"v2","step":"5"}}', served=Fake(status))
    assert [code for code, *_ in found] == codes and all(str(status).encode() in text for _, text, _ in found)
    unknown = asked(*HOOKS, post=b'{"metadata":{"candidate":"v9"}}', served=Fake(status))
    assert [code for code, *_ in unknown] == [200, 409, 409], "an unknown candidate neither passes nor rolls back"


def test_a_hook_may_bring_its_token_in_its_metadata_and_an_event_is_noted() -> None:
    event = b'{"name":"web","phase":"Failed","metadata":{"token":"s3cret","eventMessage":"halted"}}'
    served = Fake()
    assert asked("/flagger/event", post=event, token="s3cret", served=served)[0][0] == 200
    assert served.noted == [("flagger", {"name": "web", "phase": "Failed", "message": "halted"})]
    for wrong in (b"{}", b"garbage", b'{"metadata":{"token":"no"}}'):
        assert asked("/flagger/event", post=wrong, token="s3cret")[0][0] == 401
    assert asked("/api/v1/rollback", post=event, token="s3cret")[0][0] == 401, "only hooks may do so"


def test_a_link_with_the_token_becomes_a_cookie_that_reads_and_cannot_write() -> None:
    wrong, right = asked("/login?token=no", "/login?token=s3cret", token="s3cret")
    assert wrong[0] == 401 and right[0] == 303
    assert "HttpOnly" in right[2] and "SameSite=Strict" in right[2]
    cookie = right[2].partition(";")[0]
    assert (
        asked("/", "/metrics", token="s3cret", Cookie=cookie)
        and [code for code, *_ in asked("/", "/metrics", "/live.js", token="s3cret", Cookie=cookie)] == [200] * 3
    )
    assert asked("/api/v1/rollback", token="s3cret", post=b"", Cookie=cookie)[0][0] == 401


def test_the_configuration_is_shown_and_a_rollback_without_an_earlier_one_is_a_conflict() -> None:
    config, back = asked("/api/v1/config", "/nothing")
    told = json.loads(config[1])
    assert told["config_hash"] == Config().hash and len(told["versions"]) == 1 and back[0] == 404
    refused = asked("/api/v1/rollback", post=b"")[0]
    assert refused[0] == 409 and b"no version before this one" in refused[1]


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
        async with serving(("127.0.0.1", 0), "", Fake()) as url:
            port = int(url.rpartition(":")[2])
            async with serving(("127.0.0.1", port), "", Fake()):
                pass

    with pytest.raises(UsageError, match="cannot listen there"):
        asyncio.run(main())


def test_a_stop_is_noted_and_passed_on() -> None:
    served = Fake()
    assert asked("/api/v1/stop", post=b"", served=served)[0][0] == 202
    assert [what for what, _ in served.noted] == ["stop", "halt"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example:80"}]
)
def test_no_page_from_elsewhere_reads_or_tells_a_service_without_a_token(headers: dict) -> None:
    served = Fake()
    for path, post in (
        ("/api/v1/verdict", None),
        ("/metrics", None),
        ("/api/v1/stop", b""),
        ("/api/v1/rollback", b""),
    ):
        assert asked(path, post=post, served=served, **headers)[0][0] == 403
    assert not served.noted
    assert asked("/api/v1/verdict", token="t", given="t", **headers)[0][0] == 200, "a token says enough"
