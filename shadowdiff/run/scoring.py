"""The judging side of a run: decoders, scorers, known differences, and what a service notes on a comparison.

In:  the configuration. Out: what decodes and scores a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, units
from shadowdiff.decode.body import Decoding
from shadowdiff.decode.chat.custom import CustomChat
from shadowdiff.errors import UsageError
from shadowdiff.gate.bets import Bets
from shadowdiff.gate.limits import Limits
from shadowdiff.run import accept
from shadowdiff.run.judging import Judging, Stamp
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Panel
from shadowdiff.settings import Config

SCORERS = ("status", "headers", "structure", "length", "keywords", "fuzzy", "extract")
DECODERS = (
    "openai", "responses", "anthropic", "ollama", "gemini", "dashscope", "dify", "lobechat", "langflow", "gradio",
    "events", "json", "html", "text",
)  # fmt: skip


def judging(
    config: Config,
    run: str,
    limits: Limits,
    learner: Learner,
    warn: Callable[[str], None],
    *,
    decode_all: bool = False,
    stamp: str = "",
) -> Judging:
    """What judges the pairs of a run; in a service each comparison gets a `stamp`. Raises `UsageError`."""
    known = accept.load(Path(config.gate.accept), datetime.now(UTC).date()) if config.gate.accept else None
    return Judging(
        Decoding(decoders(config)),
        panel(config, run),
        learner,
        warn,
        decode_all=decode_all,
        profile=config.score.profile,
        bets=Bets(limits),
        accepted=known,
        stamp=Stamp(stamp, build_header(config)) if stamp else None,
    )


def build_header(config: Config) -> str:
    """The header in which green names its build, in lower case; empty where none is named. Raises `UsageError`."""
    text = config.service.candidate_from
    kind, _, name = text.partition(":")
    if text and (kind != "header" or not name.strip()):
        raise UsageError(f"service.candidate_from: {text!r}: write header:NAME, e.g. header:X-Build")
    return name.strip().lower()


def panel(config: Config, run: str = "", deciding: bool = False, paired: bool | None = None) -> Panel:
    """The scorers: built-ins with their settings, then those named in [[score.scorers]].

    `deciding` leaves out the plain rules that no limit is set for: they would only report. `paired` says that there
    is a twin [default: where the configuration has one].
    """
    rules = config.score
    silent = {
        "length": not rules.max_length_change,
        "keywords": not rules.required and not rules.forbidden,
        "fuzzy": not rules.min_similarity,
    }
    options: dict[str, dict[str, Any]] = {
        "headers": {"headers": rules.headers, "ignore": rules.ignore},
        "structure": {
            "ignore": rules.ignore,
            "unordered": rules.unordered,
            "tolerance": rules.tolerance,
            "profile": rules.profile,
        },
        "length": {
            "limit": units.percent(rules.max_length_change, "score.max_length_change")
            if rules.max_length_change
            else None
        },
        "extract": {"patterns": rules.extract},
        "keywords": {"required": rules.required, "forbidden": rules.forbidden},
        "fuzzy": {
            "min_similarity": units.percent(rules.min_similarity, "score.min_similarity")
            if rules.min_similarity
            else None
        },
    }
    scorers = [
        plugins.build("scorers", name, **options.get(name, {}))
        for name in SCORERS
        if not (deciding and silent.get(name))
    ]
    for extra in rules.scorers:
        scorers.append(plugins.build("scorers", extra.use, **extra.options))
    twin = bool(config.targets.twin) if paired is None else paired
    return Panel(
        scorers,
        paired=twin,
        owner=lambda name: plugins.owner("scorers", name),
        run=run,
        signals=rules.profile == "sampled" or bool(config.gate.max_similarity_drop),
        critical=bool(config.gate.max_critical),
        unpaired=twin and units.percent(config.control.share, "control.share") < 1,
    )


def decoders(config: Config) -> list[Any]:
    """The dialects of the configuration, the built-in decoders, then those of plugins."""
    for number, rule in enumerate(config.decode.chat):
        if not rule.text.startswith("/"):
            raise UsageError(f"decode.chat[{number}].text: {rule.text!r} is no JSON Pointer; write e.g. /data/answer")
    own = [CustomChat(**msgspec.to_builtins(rule)) for rule in config.decode.chat]
    extra = [name for name, plugin in plugins.registered("decoders").items() if not plugin.ours]
    return [*own, *(plugins.build("decoders", name) for name in (*DECODERS, *extra))]
