"""Configuration: merging order, near-match errors with their place, schema, hash."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from shadowdiff.cli.setup import STARTER
from shadowdiff.config import keys, load, resolve, schema
from shadowdiff.errors import UsageError
from shadowdiff.settings import Config


def test_command_line_wins_over_environment_over_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[gate]\nmax_divergence = "1%"\nalpha = "2%"\nbeta = "3%"\n')
    config = load(
        path, {"gate.max_divergence": "9%"}, {"SHADOWDIFF_GATE_ALPHA": "8%", "SHADOWDIFF_GATE_MAX_DIVERGENCE": "7%"}
    )
    assert (config.gate.max_divergence, config.gate.alpha, config.gate.beta) == ("9%", "8%", "3%")


def test_environment_lists_are_split_and_numbers_read() -> None:
    config = load(None, {}, {"SHADOWDIFF_SCORE_IGNORE": "/a, /b", "SHADOWDIFF_SEND_MAX_IN_FLIGHT": "4"})
    assert (config.score.ignore, config.send.max_in_flight) == (["/a", "/b"], 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[gate]\n\nmax_divergance = "5%"\n',
            "c.toml:3: gate.max_divergance: unknown key; did you mean max_divergence?",
        ),
        ('[gate]\n"al\\npha" = 1\n', "gate.al pha: unknown key"),
        ("[gaet]\n", "c.toml:1: gaet: unknown key; did you mean gate?"),
        ('[send]\nmax_in_flight = "many"\n', "c.toml:2: send.max_in_flight:"),
        ('[score]\nprofile = "lax"\n', "c.toml:2: score.profile:"),
        ("version = 2\n", "c.toml:1: version:"),
        ("[gate\n", "c.toml: not valid TOML"),
        ('[[isolate]]\npaht = "json:/x"\n', "c.toml:2: isolate"),
    ],
)
def test_a_bad_key_names_file_line_key_and_near_match(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        load(path, {}, {})
    assert says in str(error.value), str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_config_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shadowdiff init"):
        load(tmp_path / "none.toml", {}, {})


def test_json_is_read_like_toml_and_the_schema_accepts_the_starter(tmp_path: Path) -> None:
    import json
    import tomllib

    tree = tomllib.loads(STARTER)
    jsonschema.validate(tree, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gate": {"max_divergance": "5%"}}, schema())
    path = tmp_path / "c.json"
    path.write_text(json.dumps(tree))
    toml = tmp_path / "c.toml"
    toml.write_text(STARTER)
    assert load(path, {}, {}) == load(toml, {}, {})


def test_the_hash_changes_with_any_setting_and_only_then() -> None:
    assert Config().hash == Config().hash
    assert load(None, {"gate.alpha": "2%"}, {}).hash != Config().hash


def test_environment_values_resolve_or_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREEN_TOKEN", "t0p")
    assert resolve("env:GREEN_TOKEN", "x") == "t0p"
    assert resolve("plain", "x") == "plain"
    with pytest.raises(UsageError, match="NO_SUCH"):
        resolve("env:NO_SUCH", "targets.green_headers.a")


def test_keys_lists_every_leaf() -> None:
    found = keys()
    assert {"version", "gate.max_divergence", "send.rate", "isolate.path", "score.scorers.use"} <= set(found)
