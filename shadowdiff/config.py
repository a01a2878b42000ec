"""The configuration: structs, defaults, loading and merging, errors that name the key, JSON schema.

Order: command line > SHADOWDIFF_SECTION_KEY > file > default. Unknown keys are refused with a near
match and their place. Values keep their units as text here; `units` parses them where they are used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from shadowdiff.errors import UsageError, near

DEFAULT_FILE = "shadowdiff.toml"
_PREFIX = "SHADOWDIFF_"
_NOT_CONFIG = frozenset({"SHADOWDIFF_SAMPLES", "SHADOWDIFF_SCALE"})


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base of every config table: unknown keys are errors."""


class Targets(Section, frozen=True):
    """Who is asked. Header values may be `env:NAME`."""

    blue: str = ""
    green: str = ""
    twin: str = ""
    blue_headers: dict[str, str] = {}
    green_headers: dict[str, str] = {}
    twin_headers: dict[str, str] = {}
    blue_host: str = ""
    green_host: str = ""
    connect_to: list[str] = []
    cacert: str = ""
    insecure: bool = False
    proxy: str = ""


class Timeouts(Section, frozen=True):
    """Split timeouts; the green_ forms default to the plain ones."""

    connect: str = "5s"
    ttfb: str = "30s"
    idle: str = "30s"
    total: str = "300s"
    green_connect: str = ""
    green_ttfb: str = ""
    green_idle: str = ""
    green_total: str = ""


class DialogRules(Section, frozen=True):
    """How conversations without HTTP (messages, ShareGPT) become requests."""

    path: str = "/v1/chat/completions"
    body: dict[str, Any] = {}
    turns: Literal["last", "all"] = "last"


class Capture(Section, frozen=True):
    """What is read and what is sent of it."""

    format: str = ""
    post: str = ""
    allow_methods: list[str] = []
    allow: list[str] = []
    deny: list[str] = []
    sample: str = "100%"
    sample_by: str = ""
    route_by: str = ""
    routes: list[str] = []
    sort_window: int = 1000
    send_incomplete: bool = False
    dialogs: DialogRules = DialogRules()


class Sessions(Section, frozen=True):
    """Which requests belong together, and what is kept for each of them."""

    by: str = ""
    correlate: bool = True
    cookies: bool = True
    handover: int = 0


class Isolate(Section, frozen=True):
    """A place where a client-supplied id stands."""

    path: str


class Correlate(Section, frozen=True):
    """Where a target mints a value ('POST /sessions json:/id') and, optionally, where later requests carry it."""

    source: str = msgspec.field(name="from")
    to: list[str] = []


class Rewrite(Section, frozen=True):
    """Changes to what one target (or all) gets, for requests that match. Values may be `env:NAME`."""

    target: Literal["all", "blue", "green", "twin"] = "all"
    match: str = "*"
    path_prefix: str = ""
    replace_prefix: dict[str, str] = {}
    set_header: dict[str, str] = {}
    add_header: dict[str, str] = {}
    remove_header: list[str] = []
    set_query: dict[str, str] = {}
    remove_query: list[str] = []
    set_json: dict[str, Any] = {}
    remove_json: list[str] = []


class PluginUse(Section, frozen=True):
    """A plugin by name or pkg.mod:Name, with its options."""

    use: str
    options: dict[str, Any] = {}


class CustomChat(Section, frozen=True):
    """A chat dialect of the service's own, by JSON Pointers."""

    text: str
    mode: Literal["delta", "whole"] = "delta"
    reasoning: str = ""
    done: str = ""
    error: str = ""
    citations: str = ""
    finish: str = ""


class Decode(Section, frozen=True):
    """How answers are read."""

    chat: list[CustomChat] = []


class ScoreRules(Section, frozen=True):
    """What counts as a difference."""

    profile: Literal["strict", "stable", "sampled"] = "stable"
    ignore: list[str] = []
    unordered: list[str] = []
    tolerance: dict[str, float] = {}
    required: list[str] = []
    forbidden: list[str] = []
    headers: list[str] = []
    max_length_change: str = ""
    min_similarity: str = ""
    scorers: list[PluginUse] = []


class GateRules(Section, frozen=True):
    """When a release passes and fails."""

    mode: Literal["evidence", "simple"] = "evidence"
    max_divergence: str = "5%"
    alpha: str = "1%"
    beta: str = "5%"
    margin: str = "0%"
    min_fail: int = 20
    min_pass: int = 100
    after: int = 30
    must_cover: list[str] = []
    stop_on: Literal["fail", "any", "none"] = "fail"


class Control(Section, frozen=True):
    """Blue asked twice where there is no twin."""

    enabled: bool = True


class Sending(Section, frozen=True):
    """How hard and how faithfully."""

    rate: str = ""
    speed: str = ""
    max_gap: str = ""
    loop: int = 1
    max_in_flight: int = 16
    limit: int = 0
    warmup: int = 0
    duration: str = ""
    budget: str = ""
    seed: int = 0
    transport: str = "wire"
    max_body: str = "1MiB"
    forward_auth: bool = False
    isolation: bool = True
    marker: bool = True


class Report(Section, frozen=True):
    """What is written and how the release is called."""

    service: str = ""
    candidate: str = ""
    store_bodies: Literal["all", "mismatched", "none"] = "mismatched"


class Config(Section, frozen=True):
    """The whole of shadowdiff.toml."""

    version: Literal[1] = 1
    targets: Targets = Targets()
    timeouts: Timeouts = Timeouts()
    capture: Capture = Capture()
    sessions: Sessions = Sessions()
    isolate: list[Isolate] = []
    correlate: list[Correlate] = []
    rewrite: list[Rewrite] = []
    decode: Decode = Decode()
    score: ScoreRules = ScoreRules()
    gate: GateRules = GateRules()
    control: Control = Control()
    send: Sending = Sending()
    report: Report = Report()

    @property
    def hash(self) -> str:
        """Twelve hex digits over every setting; the same settings, the same hash."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]


def load(
    path: Path | None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Merge file, environment and options (`section.key` to value, None meaning not given).

    Without `path`, `shadowdiff.toml` in the working folder is read if it is there. Raises `UsageError`.
    """
    if path is None and Path(DEFAULT_FILE).is_file():
        path = Path(DEFAULT_FILE)
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
        "score.ignore", "score.unordered", "score.required", "score.forbidden", "score.headers", "gate.must_cover",
    }
)  # fmt: skip
