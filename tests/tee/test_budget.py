"""What a run may spend, and what does not count against it."""

from __future__ import annotations

from shadowdiff.tee.budget import Budget


def test_requests_are_spent_by_all_targets_together() -> None:
    budget = Budget(5)
    assert (
        budget.afford(2, "GET")
        and budget.afford(2, "POST")
        and not budget.afford(2, "GET")
        and budget.afford(1, "GET")
    )


def test_writes_are_spent_by_unsafe_methods_alone() -> None:
    budget = Budget(4, "writes")
    assert all(budget.afford(2, "GET") for _ in range(100))
    assert budget.afford(2, "POST") and budget.afford(2, "DELETE") and not budget.afford(2, "PATCH")
    assert budget.afford(2, "HEAD"), "reading may go on"


def test_tokens_are_spent_by_what_answers_say() -> None:
    budget = Budget(100, "tokens")
    budget.spend_tokens(99)
    assert budget.afford(3, "POST")
    budget.spend_tokens(1)
    assert not budget.afford(1, "GET")


def test_without_an_amount_nothing_ends() -> None:
    assert Budget().afford(10**9, "POST")
