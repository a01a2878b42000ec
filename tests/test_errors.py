"""Exit codes are an interface."""

from __future__ import annotations

from shadowdiff import errors
from shadowdiff.errors import Exit


def test_exit_codes_are_as_documented() -> None:
    assert {e.name: int(e) for e in Exit} == {
        "PASS": 0, "FAIL": 1, "USAGE": 2, "INCONCLUSIVE": 3, "UNMEASURED": 4, "ACTION_FAILED": 5, "BUG": 70,
        "INTERRUPTED": 130, "TERMINATED": 143,
    }  # fmt: skip


def test_every_error_says_who_must_act() -> None:
    assert errors.UsageError.exit_code == 2
    assert errors.PluginError.exit_code == 2
    assert errors.SourceError.exit_code == errors.TargetError.exit_code == 4
    assert errors.ActionError.exit_code == 5


def test_near_offers_the_closest_word_or_nothing() -> None:
    assert errors.near("max_divergance", ["max_divergence", "alpha"]) == "; did you mean max_divergence?"
    assert errors.near("zzz", ["alpha"]) == ""
