"""Find plugins by entry point, load only the named one, and say whose it is when it breaks.

Groups: shadowdiff.sources, .transports, .decoders, .scorers, .gates, .actions, .sinks. A name is an
entry point's, or `pkg.mod:Name` without packaging.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from shadowdiff.errors import PluginError, near

KINDS = ("sources", "transports", "decoders", "scorers", "gates", "actions", "sinks")
OURS = "shadowdiff-gate"


class Plugin(msgspec.Struct, frozen=True):
    """One registered plugin: where it is found and which distribution brought it."""

    kind: str
    name: str
    target: str
    distribution: str

    @property
    def ours(self) -> bool:
        """Whether it is built in."""
        return self.distribution == OURS


@cache
def registered(kind: str) -> dict[str, Plugin]:
    """Every plugin of a kind by name. Raises `PluginError` when two distributions claim one name."""
    found: dict[str, Plugin] = {}
    for entry in entry_points(group=f"shadowdiff.{kind}"):
        plugin = Plugin(kind, entry.name, entry.value, _distribution(entry))
        other = found.get(entry.name)
        if other is not None and other.target != plugin.target:
            raise PluginError(
                f"two plugins are called {entry.name!r} ({kind}): {other.distribution} and "
                f"{plugin.distribution}; uninstall one, or name yours as pkg.mod:Name"
            )
        found[entry.name] = plugin
    return found


def load(kind: str, name: str) -> Any:
    """The class or factory behind a name. Raises `PluginError` naming the distribution."""
    if ":" in name:
        return _import(Plugin(kind, name, name, name.split(":")[0].split(".")[0]))
    known = registered(kind)
    if name not in known:
        raise PluginError(
            f"no {kind[:-1]} is called {name!r}{near(name, list(known))} (known: {', '.join(sorted(known))})"
        )
    return _import(known[name])


def build(kind: str, name: str, **options: Any) -> Any:
    """Load and construct. Raises `PluginError` when its constructor refuses the options."""
    factory = load(kind, name)
    try:
        return factory(**options)
    except TypeError as error:
        raise PluginError(f"{kind[:-1]} {name!r} ({owner(kind, name)}): {error}") from error


def owner(kind: str, name: str) -> str:
    """The distribution that brought a plugin, for messages."""
    plugin = registered(kind).get(name)
    return plugin.distribution if plugin else name.split(":")[0]


def _import(plugin: Plugin) -> Any:
    module, _, attribute = plugin.target.partition(":")
    try:
        loaded: Any = importlib.import_module(module)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
    except Exception as error:  # whatever a third party's import raises is theirs; name them
        raise PluginError(
            f"{plugin.kind[:-1]} {plugin.name!r} of {plugin.distribution} cannot be loaded: {error!r}"
        ) from error
    return loaded


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "unknown distribution"
