"""Doing no harm, through the real process: a blue that suffers is spared, and one request ends the sending."""

from __future__ import annotations

import itertools
import json
import urllib.request
from pathlib import Path

from shadowdiff.testing import CannedServer, Piece
from tests.e2e.live import live
from tests.e2e.targets import log_of, path_of, plain, twins


def test_a_blue_that_becomes_slow_is_given_a_pause_and_that_is_said(cli, tmp_path: Path) -> None:
    asked = itertools.count()

    def tiring(head: bytes, body: bytes) -> list[Piece]:
        return [plain(path_of(head))] if next(asked) < 60 else [1.3, plain(path_of(head))]

    log = log_of(tmp_path / "log.jsonl", 120)
    with CannedServer(tiring) as blue, CannedServer(lambda head, body: [plain(path_of(head))]) as green:
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "--no-control", "-o", "run", "--json")
    verdict = json.loads(done.stdout)
    assert verdict["verdict"] == "pass" and verdict["ledger"]["matched"] == 120, done.stderr
    assert any(note.startswith("Blue became slow ") for note in verdict["notes"]), verdict["notes"]


def test_a_stop_over_the_api_ends_the_sending_and_not_the_traffic(tmp_path: Path) -> None:
    with (
        twins() as (blue, green),
        live("proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url) as one,
    ):
        for n in range(120):
            one.get(f"/item/{n}")
        one.wait(lambda: len(one.compared()) == 120)
        with urllib.request.urlopen(urllib.request.Request(f"{one.api}/api/v1/stop", b"", method="POST")) as reply:
            assert reply.status == 202
        one.wait(lambda: (tmp_path / "run" / "verdict.json").exists() and "the traffic goes on" in one.text)
        sent = len(green.seen)
        assert one.get("/item/after")[0] == 200 and len(green.seen) == sent
        code, verdict = one.end()
    assert (code, verdict["verdict"]) == (0, "pass")
    assert any("told to over the API" in note for note in verdict["notes"])
    audit = (tmp_path / "audit.jsonl").read_text()
    assert '"stop"' in audit
