"""Proposals as configuration: written out with their evidence as comments, or put into a config file in place.

tomlkit keeps what a person wrote there: order, blanks and comments.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from shadowdiff.config import load
from shadowdiff.errors import UsageError
from shadowdiff.report.plain import toml
from shadowdiff.runinfo import write_whole

LISTS = ("ignore", "unordered")


class Proposal(msgspec.Struct):
    """One setting of [score]: a value for a list, a number at a path (tolerance), or a plain value.

    `doubt` says why a person should look first: such a proposal is shown, and never put in by itself.
    """

    key: str
    value: str
    why: str
    path: str = ""
    doubt: str = ""
    effect: str = ""

    def settings(self, rules: dict[str, Any]) -> dict[str, Any]:
        """`rules` (a [score] table) with this proposal in it."""
        if self.key in LISTS:
            return rules | {self.key: [*rules.get(self.key, ()), self.value]}
        if self.key == "tolerance":
            return rules | {"tolerance": {**rules.get("tolerance", {}), self.path: float(self.value)}}
        return rules | {self.key: self.value}


def text(proposals: Sequence[Proposal], run: str, head: Sequence[str]) -> str:
    """A [score] table in TOML, each proposal under its evidence; doubtful ones are commented out."""
    out = [f"# {line}" for line in head]
    sure = [one for one in proposals if not one.doubt]
    if sure:
        out.append("[score]")
    for one in sure:
        if one.key not in (*LISTS, "tolerance"):
            out += [*_comments(one), f"{one.key} = {toml(one.value)}"]
    for key in LISTS:
        mine = [one for one in sure if one.key == key]
        if mine:
            out.append(f"{key} = [")
            for one in mine:
                out += [*(f"  {line}" for line in _comments(one)), f"  {toml(one.value)},"]
            out.append("]")
    if sure:
        out.append(f"tuned_on = [{toml(run)}]")
    tolerances = [one for one in sure if one.key == "tolerance"]
    if tolerances:
        out.append("[score.tolerance]")
        for one in tolerances:
            out += [*_comments(one), f"{toml(one.path)} = {one.value}"]
    for one in proposals:
        if one.doubt:
            out += [f"# look first, {one.doubt}:", *_comments(one), f"# {one.key}: {toml(one.value)}"]
    return "\n".join(out) + "\n"


def put_in(proposals: Sequence[Proposal], run: str, path: Path) -> int:
    """Put every sure proposal into the config file at `path`, which is made if it is missing; how many were new.

    Raises `UsageError` and leaves the file as it was where it cannot be read or would not be valid.
    """
    try:
        before = path.read_text("utf-8") if path.exists() else "version = 1\n"
        document = tomlkit.parse(before)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--accept {path}: cannot be read ({error})") from None
    except TOMLKitError as error:
        raise UsageError(f"--accept {path}: not valid TOML ({error})") from None
    score: Any = document.setdefault("score", tomlkit.table())
    count = sum(_put(score, one) for one in proposals if not one.doubt)
    if count:
        known = score.setdefault("tuned_on", tomlkit.array())
        if run not in known:
            known.append(run)
        _write(path, tomlkit.dumps(document))
    return count


def _put(score: Any, one: Proposal) -> bool:
    if one.key in LISTS:
        have = score.setdefault(one.key, tomlkit.array())
        if one.value in have:
            return False
        have.multiline(True)
        have.add_line(one.value, comment=one.why)
        return True
    if one.key == "tolerance":
        table = score.setdefault("tolerance", tomlkit.table())
        fresh = bool(table.get(one.path) != float(one.value))
        table[one.path] = tomlkit.item(float(one.value)).comment(one.why)
        return fresh
    fresh = bool(score.get(one.key) != one.value)
    score[one.key] = tomlkit.item(one.value).comment(one.why)
    return fresh


def _write(path: Path, content: str) -> None:
    """Replace the file, once it is known to load."""
    trial = path.with_name(path.name + ".new.toml")
    try:
        write_whole(trial, content.encode("utf-8"), 0o644)
        load(trial, {}, {})
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        write_whole(path, content.encode("utf-8"), mode)
    except OSError as error:
        raise UsageError(f"--accept {path}: cannot be written ({error.strerror})") from None
    finally:
        trial.unlink(missing_ok=True)


def _comments(one: Proposal) -> list[str]:
    return [f"# {line}" for line in (one.why, one.effect) if line]
