"""The real 4,999-line access log against two real nginx servers (Debian's package)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.nginx import available, nginx
from tests.servers.site import config, statuses

pytestmark = pytest.mark.real
LOG = ("accesslog", "elastic_apache_combined_5000.log")
CHANGED = ("/favicon.ico", "/style2.css", "/reset.css")
DOLLAR = 'geo $dollar { default "$"; }'


@pytest.fixture(autouse=True)
def real_nginx() -> None:
    if not available():
        pytest.skip("nginx is not installed: apt-get install nginx-light")


def replay(cli, log: Path, blue: int, green: int, *more: object) -> tuple[int, dict, str]:
    done = cli(
        "replay", log, "--blue", f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}", "-o", "run",
        "--stop-on", "none", "--json", *more, timeout=120,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_green_that_differs_on_a_few_paths_is_stopped_and_the_right_routes_are_blamed(cli, samples: Path) -> None:
    log = samples.joinpath(*LOG)
    codes = statuses(log)
    with nginx(DOLLAR + config(codes)) as blue, nginx(DOLLAR + config(codes, CHANGED)) as green:
        code, verdict, errors = replay(cli, log, blue, green)
    assert code == 1, errors
    ledger = verdict["ledger"]
    assert (
        ledger["read"]
        == 5000
        == sum(
            ledger[k]
            for k in ("unreadable", "filtered", "sampled_out", "skipped", "dropped", "unsent", "warmup", "sent")
        )
    )
    assert ledger["sent"] == sum(ledger[k] for k in ("matched", "mismatched", "ignored", "errored"))
    blamed = {r["route"] for r in verdict["routes"] if r["mismatched"]}
    assert blamed == {f"GET {path}" for path in CHANGED}
    assert ledger["errored"] == 0, verdict["reasons"]


def test_blue_against_blue_passes_without_one_mismatch(cli, samples: Path) -> None:
    log = samples.joinpath(*LOG)
    codes = statuses(log)
    with nginx(DOLLAR + config(codes)) as blue, nginx(DOLLAR + config(codes)) as green:
        code, verdict, errors = replay(cli, log, blue, green)
    assert (code, verdict["ledger"]["mismatched"]) == (0, 0), errors


def test_two_targets_that_refuse_everyone_are_inconclusive_and_it_says_why(cli, samples: Path) -> None:
    closed = "server { listen 127.0.0.1:{port}; location / { return 401; } }"
    with nginx(closed) as blue, nginx(closed) as green:
        code, verdict, _ = replay(cli, samples.joinpath(*LOG), blue, green)
    assert code == 3 and verdict["verdict"] == "inconclusive"
    assert "401" in verdict["reason"] and "--blue-header" in verdict["reason"]


def test_both_transports_agree_on_the_whole_log(cli, samples: Path) -> None:
    log = samples.joinpath(*LOG)
    codes = statuses(log)
    ledgers = []
    with nginx(DOLLAR + config(codes)) as blue, nginx(DOLLAR + config(codes, CHANGED)) as green:
        for transport in ("wire", "aiohttp"):
            _, verdict, errors = replay(cli, log, blue, green, "--transport", transport)
            assert verdict, errors
            ledgers.append(verdict["ledger"])
    assert ledgers[0] == ledgers[1]
