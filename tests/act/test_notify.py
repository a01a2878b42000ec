"""People are told through the real apprise, here at an address of ours."""

from __future__ import annotations

import asyncio
import json
import re

import apprise
import msgspec
import pytest

from shadowdiff.act.notify import Notify, text
from shadowdiff.errors import ActionRefused, UsageError
from shadowdiff.model.verdict import RouteResult, Status, Verdict
from shadowdiff.testing import CannedServer, answer
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's import
FAIL = Verdict(verdict=Status.FAIL, reason="green differs in 36%", exit_code=1, service="shop", candidate="v2")


def test_the_message_reaches_the_channel() -> None:
    with CannedServer(lambda head, body: [answer(b"ok")]) as server:
        said = asyncio.run(Notify([f"json://127.0.0.1:{server.port}"]).act(FAIL))
    told = json.loads(server.seen[0][1])
    assert told["title"] == "shadowdiff: shop v2 is stopped" and told["type"] == "failure" and said == "sent by json"
    assert "green differs in 36%" in told["message"]


def test_a_channel_that_does_not_take_it_is_a_failure() -> None:
    with CannedServer(lambda head, body: [answer(b"", "500 Oops")]) as server, pytest.raises(ActionRefused):
        asyncio.run(Notify([f"json://127.0.0.1:{server.port}"]).act(FAIL))


def test_a_dry_run_names_channels_and_no_tokens() -> None:
    told = Notify(["slack://s3cretTokA/s3cretTokB/s3cretTokC/#general"]).plan(FAIL)
    assert "slack://…" in told and "s3cret" not in told and "is stopped" in told


@pytest.mark.parametrize(("urls", "why"), [([], "where to send it"), (["nonsense://x"], "cannot use this nonsense")])
def test_what_apprise_does_not_know_is_a_usage_error(urls: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Notify(urls)


def test_the_worst_routes_are_named() -> None:
    routes = tuple(
        RouteResult(
            route=f"GET /{n}", n=10, mismatched=n, ignored=0, errored=0, rate=0.1, low=0.0, high=1.0, limit=0.05
        )
        for n in range(5)
    )
    _, body = text(msgspec.structs.replace(FAIL, routes=routes))
    assert body.count("differ") == 4


def test_the_channels_of_the_how_to_are_known_to_apprise() -> None:
    page = (ROOT / "docs" / "how-to" / "stop-a-release.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| `((\w+)://[^`]+)` \|$", page, re.MULTILINE)
    known = {
        scheme
        for plugin in apprise.Apprise().details()["schemas"]
        for scheme in (*(plugin["protocols"] or ()), *(plugin["secure_protocols"] or ()))
    }
    assert len(rows) == 6 and {scheme for _, scheme in rows} <= known
