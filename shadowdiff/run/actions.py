"""Build the actions of the configuration, and refuse what they cannot use before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from shadowdiff import plugins, units
from shadowdiff.act.guard import Guard, Step
from shadowdiff.config import resolve
from shadowdiff.errors import ShadowdiffError, UsageError
from shadowdiff.settings import ActionRule, Config

VERDICTS = ("pass", "fail", "inconclusive", "error", "aborted")
COMMON = ("use", "on", "name", "timeout", "attempts", "options")
TAKES: dict[str, tuple[str, ...]] = {
    "command": ("command",),
    "webhook": ("url", "secret", "headers"),
    "alertmanager": ("url", "headers", "labels", "annotations", "resend", "lasts"),
    "notify": ("urls",),
    "argo-abort": ("rollout", "kubeconfig", "context"),
    "argo-pause": ("rollout", "kubeconfig", "context"),
    "kube-patch": ("resource", "patch", "merge", "kubeconfig", "context"),
}
ALWAYS = ("alertmanager",)
"""Acts on every verdict by default: what is no FAIL takes the alert back."""


def guard_of(config: Config, audit: Path, say: Callable[[str], None]) -> Guard:
    """The guard with the actions of the configuration. Raises `UsageError`."""
    return Guard(audit, steps(config), mode=config.act.mode, say=say)


def steps(config: Config) -> list[Step]:
    """One step an action. Raises `UsageError`."""
    found: list[Step] = []
    for number, rule in enumerate(config.actions):
        where = f"actions[{number}] ({rule.use})"
        wrong = [word for word in rule.on if word not in VERDICTS]
        if wrong:
            raise UsageError(f"{where}: on = {wrong[0]!r} is no verdict; write {', '.join(VERDICTS)}")
        if not 1 <= rule.attempts <= 10:
            raise UsageError(f"{where}: attempts = {rule.attempts}: between 1 and 10")
        on = tuple(rule.on) or (VERDICTS if rule.use in ALWAYS else ("fail",))
        name = rule.name or rule.use
        if name in {step.name for step in found}:
            name = f"{name} {number + 1}"
        found.append(Step(name, on, _action(rule, where), units.duration(rule.timeout, where), rule.attempts))
    return found


def _action(rule: ActionRule, where: str) -> Any:
    takes = TAKES.get(rule.use)
    blank = ActionRule(use=rule.use)
    given = [
        field
        for field in ActionRule.__struct_fields__
        if field not in COMMON and getattr(rule, field) != getattr(blank, field)
    ]
    strange = [field for field in given if takes is None or field not in takes]
    if strange:
        known = ", ".join(takes) if takes is not None else "options (a plugin's own)"
        raise UsageError(f"{where}: takes no {strange[0]!r}; it takes {known}")
    options: dict[str, Any] = {field: _value(getattr(rule, field), f"{where}.{field}") for field in given}
    if takes is None:
        options = dict(rule.options)
    for field in ("resend", "lasts"):
        if field in options:
            options[f"{field}_s"] = units.duration(options.pop(field), f"{where}.{field}")
    try:
        if takes is not None and "kubeconfig" in takes:
            from shadowdiff.act.kube import cluster

            options["cluster"] = cluster(options.pop("kubeconfig", ""), options.pop("context", ""))
        return plugins.build("actions", rule.use, **options)
    except ShadowdiffError as error:
        raise UsageError(f"{where}: {error}") from None


def _value(value: Any, where: str) -> Any:
    """`value` with `env:NAME` resolved, also inside lists and tables of texts."""
    if isinstance(value, str):
        return resolve(value, where)
    if isinstance(value, list):
        return [_value(one, where) for one in value]
    if isinstance(value, dict):
        return {key: _value(one, where) for key, one in value.items()}
    return value
