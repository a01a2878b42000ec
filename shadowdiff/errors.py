"""Exceptions by who must act. Each class carries the exit code the process ends with.

    ShadowdiffError
    ├── UsageError      2   the caller: a bad flag, key, URL, value, or an output that cannot be written
    │   └── PluginError 2   the plugin's author: names the distribution
    ├── SourceError     4   the operator: the capture is missing or unreadable
    ├── TargetError     4   the operator: blue cannot be reached, so nothing can be measured
    ├── OutputError     4   the operator: results cannot be written any more (disk full)
    ├── WorkerError     4   the operator: a worker process dies again and again (memory)
    └── ActionError     5   page someone: the release must stop and the stop failed

A target that fails is not an exception: it is an `Observation` with a `failure`.
Anything else that escapes is our bug and ends the process with 70, never with 1.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum


class Exit(IntEnum):
    """What the process's exit code means; `verdict.json` is the truth, this is its summary."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    UNMEASURED = 4
    ACTION_FAILED = 5
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class ShadowdiffError(Exception):
    """Base of every error that has a reader. The text says where, what, and the next step."""

    exit_code: Exit = Exit.BUG


class UsageError(ShadowdiffError):
    """A flag, config key, URL or output path is wrong; nothing was sent."""

    exit_code = Exit.USAGE


class PluginError(UsageError):
    """A plugin could not be found, imported or built; the text names its distribution."""


class SourceError(ShadowdiffError):
    """The capture is missing, unreadable, or in no format we know."""

    exit_code = Exit.UNMEASURED


class TargetError(ShadowdiffError):
    """Blue cannot be reached, so there is no baseline to measure against."""

    exit_code = Exit.UNMEASURED


class OutputError(ShadowdiffError):
    """Results cannot be written any more, so a verdict would rest on less than was measured."""

    exit_code = Exit.UNMEASURED


class WorkerError(ShadowdiffError):
    """A worker process died as often as it was started, so a part of the log was not measured."""

    exit_code = Exit.UNMEASURED


class ActionError(ShadowdiffError):
    """A stop action failed after its retries."""

    exit_code = Exit.ACTION_FAILED


class ActionRefused(Exception):
    """An action was refused for good: trying it again cannot help. Handled by the guard."""


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside a group, however deep."""
    found = group.exceptions[0]
    return first_of(found) if isinstance(found, BaseExceptionGroup) else found


def near(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return `; did you mean X?` for the closest of `known`, or an empty string."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
