"""The configuration: loading and merging, errors that name the key, JSON schema. Its shape is in `settings`.

Order: command line > SHADOWDIFF_SECTION_KEY > file > default. Unknown keys are refused with a near
match and their place. Values keep their units as text here; `units` parses them where they are used.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.errors import UsageError, near
from shadowdiff.settings import Config, Section

DEFAULT_FILE = "shadowdiff.toml"
_PREFIX = "SHADOWDIFF_"
_HOOK = ("VERDICT", "REASON", "EXIT_CODE", "SERVICE_NAME", "CANDIDATE", "STEP", "REPORT_PATH")
_NOT_CONFIG = frozenset({"SHADOWDIFF_SAMPLES", "SHADOWDIFF_SCALE", *(_PREFIX + name for name in _HOOK)})
"""What the tests and a command hook's environment (`act/command`) name with our prefix."""


def load(
    path: Path | None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Merge file, environment and options (`section.key` to value, None meaning not given).

    Without `path`, `shadowdiff.toml` in the working folder is read if it is there. Raises `UsageError`.
    """
    path = config_file(path)
    tree: dict[str, Any] = _read(path) if path is not None else {}
    for name, value in (os.environ if environ is None else environ).items():
        if name.startswith(_PREFIX) and name not in _NOT_CONFIG:
            _put(tree, _dotted(name), value, name)
    for dotted, value in (options or {}).items():
        if value is not None:
            _put(tree, dotted, value, dotted)
    try:
        return msgspec.convert(tree, Config, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(_explain(str(error), path)) from None


def config_file(path: Path | None) -> Path | None:
    """The file that is read: `path`, else shadowdiff.toml of the working folder where it is there."""
    return Path(DEFAULT_FILE) if path is None and Path(DEFAULT_FILE).is_file() else path


class Source:
    """A configuration that can be read again: `config` as it is now, `load()` as the file says then."""

    def __init__(self, path: Path | None, load: Callable[[], Config]) -> None:
        """Raises `UsageError`."""
        self.path = path
        self.load = load
        self.config = load()


def tables(path: Path | None) -> set[str]:
    """The tables that a config file sets; none without a file. Raises `UsageError`."""
    return set(_read(path)) if path is not None else set()


def schema() -> dict[str, Any]:
    """JSON schema of the config file."""
    return msgspec.json.schema(Config)


def resolve(value: str, where: str) -> str:
    """`env:NAME` replaced by the variable; anything else as it is. Raises `UsageError` when it is unset."""
    if not value.startswith("env:"):
        return value
    name = value[4:]
    if name not in os.environ:
        raise UsageError(f"{where}: the environment variable {name} is not set")
    return os.environ[name]


def keys(struct: type[msgspec.Struct] = Config, prefix: str = "") -> list[str]:
    """Every config key as `section.key`, for documentation and its test."""
    found = []
    for field in msgspec.structs.fields(struct):
        kind = field.type
        inner = getattr(kind, "__args__", (kind,))[0]
        if isinstance(inner, type) and issubclass(inner, Section):
            found += keys(inner, f"{prefix}{field.name}.")
        else:
            found.append(prefix + field.encode_name)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); make one with: shadowdiff init") from None
    try:
        tree = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise UsageError(f"{path}: not valid {'JSON' if path.suffix == '.json' else 'TOML'} ({error})") from None
    if not isinstance(tree, dict):
        raise UsageError(f"{path}: the top level must be a table")
    return tree


def _dotted(name: str) -> str:
    section, _, key = name.removeprefix(_PREFIX).lower().partition("_")
    return f"{section}.{key}" if key else section


def _put(tree: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    *sections, key = dotted.split(".")
    node = tree
    for section in sections:
        node = node.setdefault(section, {})
        if not isinstance(node, dict):
            raise UsageError(f"{where}: {section} is no table")
    if isinstance(value, str) and dotted in _LISTS:
        value = [part.strip() for part in value.split(",") if part.strip()]
    node[key] = value


def _explain(message: str, path: Path | None) -> str:
    """`file:line: section.key: what is wrong; what to do` from msgspec's message."""
    message = " ".join(message.split())  # a key may hold line breaks
    place = re.search(r" - at `\$\.?(.*)`$", message)
    where = (place[1] if place else "").removesuffix("[...]")
    what = message[: place.start()] if place else message
    unknown = re.search(r"unknown field `(.*?)`", message)
    if unknown:
        known = [k.rpartition(".")[2] for k in _fields(where)]
        key = f"{where}.{unknown[1]}" if where else unknown[1]
        what = f"{key}: unknown key{near(unknown[1], known)}"
        if not near(unknown[1], known):
            what += f" (known here: {', '.join(known)})"
        leaf = unknown[1]
    else:
        what = f"{where}: {what[0].lower()}{what[1:]}"
        leaf = where.rpartition(".")[2]
    return f"{_place(path, leaf)}{what}"


def _fields(where: str) -> list[str]:
    struct: Any = Config
    for part in [p for p in re.sub(r"\[.*?\]", "", where).split(".") if p]:
        match = next((f for f in msgspec.structs.fields(struct) if f.name == part), None)
        if match is None:
            return []
        struct = getattr(match.type, "__args__", (match.type,))[0]
    return [f.encode_name for f in msgspec.structs.fields(struct)]


def _place(path: Path | None, leaf: str) -> str:
    if path is None:
        return "configuration: "
    try:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.match(rf"""\s*\[*["']?([\w-]+\.)*{re.escape(leaf)}["']?\s*[\].=:]""", line):
                return f"{path}:{number}: "
    except (OSError, UnicodeDecodeError):
        pass
    return f"{path}: "


_LISTS = frozenset(
    {
        "capture.allow_methods", "capture.allow", "capture.deny", "capture.routes", "targets.connect_to",
        "score.ignore", "score.unordered", "score.required", "score.forbidden", "score.headers", "score.extract",
        "score.tuned_on", "gate.must_cover",
    }
)  # fmt: skip
