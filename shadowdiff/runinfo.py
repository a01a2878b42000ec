"""What lies beside the tape: `run.json` (what was compared and how) and `state.json` (the ledger so far).

Both are replaced whole, so that a reader or a kill sees the old or the new one, never a half.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from shadowdiff.errors import OutputError, SourceError
from shadowdiff.model.tally import Ledger

T = TypeVar("T")
VERSION = 1


class RunInfo(msgspec.Struct):
    """`run.json`: enough to judge the folder again without the original config."""

    run: str
    started_at: str
    tool_version: str
    config_hash: str
    gate: dict[str, Any] = {}
    paired: bool = False
    targets: dict[str, str] = {}
    logs: list[str] = []
    service: str = ""
    candidate: str = ""
    resume_hash: str = ""
    attempt: int = 0
    score: dict[str, Any] = {}
    control: dict[str, Any] = {}
    lang: Literal["en", "zh"] = "en"
    exploratory: str = ""
    """Why a verdict on these results proves nothing, e.g. that the rules were chosen after looking at them."""
    v: int = VERSION


def settings(info: RunInfo, *wanted: str) -> dict[str, Any]:
    """What a run was judged by, as options (`table.key` to value) of the tables wanted; control and words always."""
    kept = {"gate": info.gate, "score": info.score, "control": info.control}
    out = {f"{table}.{key}": value for table in ("control", *wanted) for key, value in kept[table].items()}
    return out | {"report.lang": info.lang}


class State(msgspec.Struct):
    """`state.json`: the counts that lines alone cannot give back."""

    shard: str
    ledger: Ledger
    open_units: list[str] = []
    complete: bool = False
    stopped: str = ""


def comparisons(folder: Path, worker: int | None = None) -> Path:
    """Where a run, or one worker of it, writes its comparisons."""
    return folder / ("comparisons.jsonl" if worker is None else f"comparisons-{worker}.jsonl")


def files(results: Path) -> list[Path]:
    """The comparisons files of a run folder, or the file itself. Raises `SourceError` when there are none."""
    if results.is_file():
        return [results]
    found = sorted(results.glob("comparisons*.jsonl"))
    if not found:
        what = "holds no comparisons*.jsonl" if results.is_dir() else "no such file or folder"
        raise SourceError(f"{results}: {what}; give a run folder that replay wrote")
    return found


def info(results: Path) -> RunInfo | None:
    """`run.json` beside the results, None when it is not there."""
    folder = results if results.is_dir() else results.parent
    try:
        return msgspec.json.decode((folder / "run.json").read_bytes(), type=RunInfo)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise SourceError(f"{folder / 'run.json'}: cannot be read ({error})") from None


def state_file(comparisons: Path) -> Path:
    """Where the state of one comparisons file lies."""
    return comparisons.with_name(comparisons.name.replace("comparisons", "state").replace(".jsonl", ".json"))


def state(comparisons: Path) -> State | None:
    """The state file that belongs to one comparisons file, None when it is missing or torn."""
    return read_result(state_file(comparisons), State)


def add_confirmed(folder: Path, id: str, again: int, asked: int) -> None:
    """Append to `confirmed.jsonl` how often a difference came back. Raises `OutputError`."""
    try:
        with open(folder / "confirmed.jsonl", "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(msgspec.json.encode({"id": id, "again": again, "asked": asked}) + b"\n")
    except OSError as error:
        raise OutputError(f"{folder}: results cannot be written ({error.strerror})") from None


def confirmed(results: Path) -> dict[str, tuple[int, int]]:
    """By id, how often a difference came back out of how often it was asked again; a torn last line is left out."""
    folder = results if results.is_dir() else results.parent
    found: dict[str, tuple[int, int]] = {}
    with contextlib.suppress(OSError, msgspec.DecodeError, KeyError):
        for raw in (folder / "confirmed.jsonl").read_bytes().splitlines():
            line = msgspec.json.decode(raw)
            found[line["id"]] = (line["again"], line["asked"])
    return found


def write_result(path: Path, data: bytes) -> None:
    """Replace a file of a run folder whole. Raises `OutputError`."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise OutputError(f"{path.parent}: results cannot be written ({error.strerror})") from None


def read_result(path: Path, kind: type[T]) -> T | None:
    """What a file of a run folder holds, None when it is missing or torn."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file so that a reader or a kill sees the old or the new one, never a half."""
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
