"""Proposals as text: valid TOML whatever a path holds, and a config file that is never left broken."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.config import load
from shadowdiff.errors import UsageError
from shadowdiff.run.proposals import Proposal, put_in, text

PATHS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20).map(lambda tail: "/" + tail)


@given(st.lists(st.tuples(st.sampled_from(["ignore", "unordered", "tolerance"]), PATHS), max_size=6, unique=True))
def test_what_is_printed_is_valid_whatever_a_path_holds(given: list[tuple[str, str]]) -> None:
    made = [Proposal(key, "0.5" if key == "tolerance" else path, "why\tso", path=path) for key, path in given]
    table = tomllib.loads(text(made, "run", ["head"])).get("score", {})
    assert table.get("ignore", []) == [path for key, path in given if key == "ignore"]
    assert table.get("tolerance", {}) == {path: 0.5 for key, path in given if key == "tolerance"}


def test_doubtful_ones_are_comments() -> None:
    made = text([Proposal("ignore", "/a", "why", doubt="green differs")], "run", ["head"])
    assert tomllib.loads(made) == {} and "look first, green differs" in made


def test_a_file_that_is_no_toml_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("version = \n")
    with pytest.raises(UsageError, match="not valid TOML"):
        put_in([Proposal("ignore", "/a", "why")], "run", path)
    path.write_text("[score]\nignor = []\n")
    with pytest.raises(UsageError, match="unknown key"):
        put_in([Proposal("ignore", "/a", "why")], "run", path)
    assert path.read_text() == "[score]\nignor = []\n" and [p.name for p in tmp_path.iterdir()] == ["c.toml"]


def test_lists_grow_and_tables_are_made(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[score]\nignore = ["/old"]  # since spring\n')
    made = [
        Proposal("ignore", "/a", "w"),
        Proposal("tolerance", "0.01", "w", path="/s"),
        Proposal("profile", "sampled", "w"),
    ]
    assert put_in(made, "run1", path) == 3 and put_in(made, "run1", path) == 0
    score = load(path, {}, {}).score
    assert score.ignore == ["/old", "/a"] and score.tolerance == {"/s": 0.01} and score.profile == "sampled"
    assert score.tuned_on == ["run1"] and "# since spring" in path.read_text()
