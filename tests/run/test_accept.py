"""Known differences: an owner, an expiry, and nothing more excused than what is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.run.accept import load
from shadowdiff.run.scoring import panel
from shadowdiff.settings import Config, Targets
from shadowdiff.testing import exchange_of, pair_of

TODAY = date(2026, 5, 1)
FILE = """
[[accept]]
route = "GET /orders/*"
path = "/total"
kind = "value"
owner = "orders team"
expires = 2026-06-01

[[accept]]
path = "/**/updated"
owner = "data team"
expires = 2026-04-01
"""


def compared(blue: str, green: str, route: str = "GET /orders/{id}", twin: str | None = None) -> Comparison:
    config = Config(targets=Targets(twin="http://t")) if twin else Config()
    return panel(config).compare(pair_of(blue, green, twin, exchange_of(route=route)), Baseline()).comparison


def accepted(tmp_path: Path, text: str = FILE):
    path = tmp_path / "accept.toml"
    path.write_text(text)
    return load(path, TODAY)


def test_what_is_accepted_is_ignored_and_says_by_whom(tmp_path: Path) -> None:
    known = accepted(tmp_path)
    found = known.judge(compared('{"total":1}', '{"total":2}'))
    assert found.outcome is Outcome.IGNORED and found.bets == {"divergence": 0.0} and not found.rules
    assert "accepted by orders team until 2026-06-01" in found.why
    assert known.notes()[0] == "1 pairs differ only in what accept.toml accepts."


@pytest.mark.parametrize(
    ("blue", "green", "route"),
    [
        ('{"total":1,"n":1}', '{"total":2,"n":2}', "GET /orders/{id}"),
        ('{"total":1}', '{"total":"1"}', "GET /orders/{id}"),
        ('{"total":1}', '{"total":2}', "GET /carts/{id}"),
        ('{"a":{"updated":1}}', '{"a":{"updated":2}}', "GET /orders/{id}"),
    ],
)
def test_anything_else_still_fires(tmp_path: Path, blue: str, green: str, route: str) -> None:
    assert accepted(tmp_path).judge(compared(blue, green, route)).outcome is Outcome.MISMATCHED


def test_an_expired_entry_accepts_nothing_and_is_named(tmp_path: Path) -> None:
    known = accepted(tmp_path)
    known.judge(compared('{"total":1}', '{"total":1}'))
    assert known.notes() == ["accept.toml: * /**/updated (data team) expired on 2026-04-01 and accepts nothing."]


def test_with_a_twin_an_accepted_pair_says_nothing_either_way(tmp_path: Path) -> None:
    found = accepted(tmp_path).judge(compared('{"total":1}', '{"total":2}', twin='{"total":1}'))
    assert found.outcome is Outcome.IGNORED and found.bets["divergence"] == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[accept]]\npath='/a'\nexpires=2026-06-01", "entry 1.*owner"), ("[[accept]]\nowner='x'", "entry 1.*expires"),
        ("[[accept]]\nowner='x'\nexpires='soon'", "entry 1"), ("[[accept]]\nowner='x'\nexpires=2026-06-01\npth='/a'", "pth"),
        ("[[acept]]\nowner='x'", "accept"), ("not toml", "TOML"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        accepted(tmp_path, text)
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.toml", TODAY)
