"""What a pair costs, in counts that a busy machine does not change, stays within a committed budget."""

from __future__ import annotations

import json
import shutil

import pytest

from bench import counts

pytestmark = pytest.mark.long


@pytest.mark.parametrize("tool", ["valgrind", "strace", "nginx"])
def test_the_tools_are_there(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed: apt-get install {tool}")


def test_a_pair_costs_no_more_than_its_budget() -> None:
    if not all(map(shutil.which, ("valgrind", "strace", "nginx"))):
        pytest.skip("needs valgrind, strace and nginx")
    budget, found = json.loads(counts.BUDGET.read_text()), counts.measure()
    if found["python"].rpartition(".")[0] != budget["python"].rpartition(".")[0]:  # another interpreter, other counts
        pytest.skip(f"the budget is of Python {budget['python']}, this is {found['python']}")
    assert not counts.over(found, budget), f"look why; if it is worth it: python bench/counts.py --write; {found}"


def test_a_dearer_pair_is_seen() -> None:
    budget = json.loads(counts.BUDGET.read_text())
    dearer = {**budget, "instructions": budget["instructions"] * 1.1}
    assert (
        counts.over(dearer, budget) == [line for line in counts.over(dearer, budget) if "instructions" in line] != []
    )
    assert not counts.over(budget, budget)
