"""Whatever a target does on the wire: the right exit code, no pair lost, no client served worse, no crash.

The table of docs/reference/faults.md is what these runs saw; `WRITE_TABLE=1` writes it anew.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.kit import FAULTS, Fault
from tests.faults.runs import Seen, proxied, replayed
from tests.faults.table import rows, written

pytestmark = pytest.mark.long
ROLES = ("green", "blue", "twin")
CASES = [(fault, role) for fault in FAULTS for role in ROLES]
NAMES = [f"{role} {fault.name}" for fault, role in CASES]
TABLE = ROOT / "docs" / "reference" / "faults.md"
HOW = {"replay": replayed, "proxy": proxied}
Seens = dict[tuple[str, str, str], Seen]


def check(fault: Fault, role: str, seen: Seen, codes: tuple[int, int, int]) -> None:
    assert seen.code == codes[ROLES.index(role)], (seen.outcomes, seen.why, seen.said[-2000:])
    assert "Traceback" not in seen.said
    if seen.code == 2:
        assert not seen.outcomes, "a config error is found before anything is compared"
        return
    ledger = seen.ledger
    if not ledger:  # blue or the twin could not be reached at all: nothing was sent
        assert seen.code == 4 and role != "green"
        return
    told = sum(ledger[name] for name in ("sent", "skipped", "dropped", "unsent"))
    assert ledger["read"] == seen.sent == told, "no pair is lost"
    assert ledger["sent"] == sum(seen.outcomes.values())
    if role == "green":
        assert seen.outcomes.get(fault.outcome, 0) >= seen.sent // 2 and "errored" not in seen.outcomes
    if role == "blue":
        assert ledger["mismatched"] == 0 or codes[1] == 1, "what blue does is not held against green"


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seens:
    """What came of each run that is asked for; several at a time, since they mostly wait."""
    jobs = {item.callspec.id: item.callspec.params for item in request.session.items if _is_a_run(item)}

    base = tmp_path_factory.mktemp("faults")
    folders = {}
    for number, given in enumerate(jobs.values()):
        folders[given["fault"].name, given["role"], given["how"]] = made = base / str(number)
        made.mkdir()

    def run(given: dict) -> tuple[tuple[str, str, str], Seen]:
        fault, role, how = given["fault"], given["role"], given["how"]
        return (fault.name, role, how), HOW[how](fault, role, folders[fault.name, role, how])

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(run, jobs.values()))


def _is_a_run(item: pytest.Item) -> bool:
    return item.path == Path(__file__) and hasattr(item, "callspec")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("fault", "role"), CASES, ids=NAMES)
def test_a_run_ends_as_it_should_and_no_client_is_served_worse(
    fault: Fault, role: str, how: str, seen: Seens
) -> None:
    came = seen[fault.name, role, how]
    check(fault, role, came, fault.replay if how == "replay" else fault.proxy)
    if role != "blue" and came.code != 2:
        assert came.unserved == 0


def test_the_table_is_what_was_seen(seen: Seens) -> None:
    if len(seen) < len(HOW) * len(CASES):
        pytest.fail("only with the whole file: each row is a run")
    text = written(rows(FAULTS, seen))
    if os.environ.get("WRITE_TABLE"):
        TABLE.write_text(text, "utf-8")
    assert TABLE.read_text("utf-8") == text, "WRITE_TABLE=1 python -m pytest tests/long/test_faults.py"
