"""Following logs: whatever happens to a file, every line written is read once, whole and in order."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture import tail
from shadowdiff.capture.progress import Line, Progress
from shadowdiff.capture.tail import Follower


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "RESCAN_S", 0.0)
    monkeypatch.setattr(tail, "OLD_S", 0.05)


def said(follower: Follower, for_s: float = 0.2) -> list[str]:
    """Lines that come within a while."""
    found, until = [], time.monotonic() + for_s
    while time.monotonic() < until:
        found += [line.data.decode() for line in follower.poll()]
        time.sleep(0.005)
    return found


def add(path: Path, *lines: str) -> None:
    with path.open("a") as out:
        out.write("".join(f"{line}\n" for line in lines))


def test_what_is_written_is_read_and_what_was_there_is_not(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    add(log, "old")
    follower = Follower([str(log)])
    add(log, "one", "two")
    assert said(follower) == ["one", "two"]
    assert said(Follower([str(log)], from_start=True)) == ["old", "one", "two"]


def test_a_half_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    follower = Follower([str(log)])
    with log.open("a") as out:
        out.write("first ha")
        out.flush()
        assert said(follower, 0.05) == []
        out.write("lf\r\nnext\n")
    assert said(follower) == ["first half", "next"]


def renamed(log: Path) -> None:
    log.rename(log.with_suffix(".1"))
    log.touch()


def copied_and_truncated(log: Path) -> None:
    shutil.copy(log, log.with_suffix(".1"))
    os.truncate(log, 0)


def deleted_and_made_again(log: Path) -> None:
    log.unlink()
    log.touch()


@pytest.mark.parametrize("rotate", [renamed, copied_and_truncated, deleted_and_made_again])
def test_a_rotation_loses_nothing(tmp_path: Path, rotate) -> None:
    log = tmp_path / "a.log"
    log.touch()
    follower = Follower([str(log)])
    written, found = [], []
    for turn in range(6):
        lines = [f"{turn}-{n}" for n in range(40)]
        add(log, *lines)
        written += lines
        found += said(follower, 0.08)
        rotate(log)
    add(log, "last")
    assert found + said(follower) == [*written, "last"]


def test_a_truncated_file_that_grew_beyond_its_old_length_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    add(log, "x")
    follower = Follower([str(log)], from_start=True)
    assert said(follower, 0.05) == ["x"]
    log.write_text("another beginning\nand more\n")
    assert said(follower) == ["another beginning", "and more"]


def test_a_half_line_lost_to_truncation_is_said(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("whole\nha")
    lost: list[str] = []
    follower = Follower([str(log)], from_start=True, lost=lambda where, why: lost.append(why))
    assert said(follower, 0.05) == ["whole"]
    os.truncate(log, 0)
    said(follower, 0.05)
    assert lost == ["half a line was truncated away"]


def test_a_rotated_file_is_read_to_its_end_although_its_writer_is_late(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    follower = Follower([str(log)])
    with log.open("a") as late:
        log.rename(tmp_path / "a.log.1")
        log.touch()
        said(follower, 0.02)
        late.write("from the old writer\nwithout end")
        late.flush()
        assert said(follower) == ["from the old writer", "without end"]


def test_symlinks_that_are_swapped_and_files_that_come_late_are_followed(tmp_path: Path) -> None:
    """As in Kubernetes: /var/log/pods/…/0.log is a link to what the runtime writes."""
    link, first, second = tmp_path / "0.log", tmp_path / "real1", tmp_path / "real2"
    follower = Follower([str(link), str(tmp_path / "late-*.log")])
    assert follower.missing == [str(link)]
    add(first, "a")
    link.symlink_to(first)
    assert said(follower, 0.05) == ["a"]
    add(second, "b")
    other = tmp_path / "tmplink"
    other.symlink_to(second)
    other.replace(link)
    add(tmp_path / "late-1.log", "c")
    assert sorted(said(follower)) == ["b", "c"]


def test_a_restart_goes_on_where_all_lines_are_settled(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    follower, progress = Follower([str(log)]), Progress()
    add(log, *"abcde")
    lines = follower.poll()
    for line in lines:
        progress.began(line)
    for number in (0, 1, 3):
        progress.settled(lines[number], "sent")
    marks = follower.marks(progress.standing)
    assert said(Follower([str(log)], marks=marks)) == ["c", "d", "e"]
    assert progress.passed == {"sent": 2} and progress.waiting == 2
    log.rename(tmp_path / "a.log.1")
    add(log, "f")
    assert said(Follower([str(log)], marks=marks)) == ["c", "d", "e", "f"]
    (tmp_path / "a.log.1").unlink()
    assert Follower([str(log)], marks=marks).gone == [str(log)]


def test_places_are_stable_across_restarts_and_differ_after_a_truncation(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    add(log, "a", "b")
    places = [[line.where for line in Follower([str(log)], from_start=True).poll()] for _ in range(2)]
    assert places[0] == places[1] and len(set(places[0])) == 2


def test_a_file_that_comes_and_goes_while_nothing_stands_at_the_path_is_read(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    add(log, "a")
    follower = Follower([str(log)], from_start=True)
    assert said(follower, 0.05) == ["a"]
    log.rename(tmp_path / "a.log.2")
    assert said(follower, 0.1) == []
    add(log, "b")
    log.rename(tmp_path / "a.log.1")
    add(log, "c")
    assert sorted(said(follower)) == ["b", "c"]


def test_another_log_beside_a_rotated_one_is_left_alone(tmp_path: Path) -> None:
    log, other = tmp_path / "a.log", tmp_path / "a.log.wf"
    add(log, "a")
    add(other, "a warning" + "!" * tail.LOOK)
    follower = Follower([str(log)], from_start=True)
    said(follower, 0.05)
    add(other, "another")
    log.rename(tmp_path / "a.log.1")
    add(log, "b")
    add(other, "and another")
    assert said(follower) == ["b"]


def test_stdin_is_read_to_its_last_line_and_a_line_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MAX_LINE", 1_000)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as out:
        monkeypatch.setattr("sys.stdin", stdin)
        follower = Follower(["-"])
        out.write(b"one\ntwo\r\nthr")
        lines = follower.poll()
        out.write(b"ee")
        lines += follower.poll()
        out.write(b"\n" + b"x" * 1_500)
        lines += follower.poll()
        out.write(b"last")
        lines += follower.poll()
        out.close()
        lines += follower.poll()
    assert [line.data for line in lines] == [b"one", b"two", b"three", b"x" * 1_500, b"last"]
    assert [line.where for line in lines] == ["stdin:0", "stdin:4", "stdin:9", "stdin:15", "stdin:1515"]
    assert follower.ended


def test_twenty_rotations_under_write_load_lose_and_repeat_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    follower, total = Follower([str(log)]), 20_000
    rng = random.Random(3)

    def write() -> None:
        out = log.open("a")
        for n in range(total):
            out.write(f"line {n}\n")
            if rng.random() < 0.01:
                out.flush()
            if n % (total // 20) == total // 40:
                out.flush()
                out.close()
                log.rename(tmp_path / f"a.log.{n}")
                out = log.open("a")
        out.close()

    writer = threading.Thread(target=write)
    writer.start()
    found: list[str] = []
    while writer.is_alive():
        found += said(follower, 0.02)
    writer.join()
    found += said(follower, 0.4)
    assert sorted(found) == sorted(f"line {n}" for n in range(total))


@given(st.permutations(range(12)), st.integers(0, 12))
def test_a_mark_never_passes_a_line_that_is_open(order: list[int], count: int) -> None:
    progress = Progress()
    lines = [Line(f"f:{n}", b"", 1, 10 * n, 10 * n + 10) for n in range(12)]
    for line in lines:
        progress.began(line)
    for number in order[:count]:
        progress.settled(lines[number], "sent")
    done = set(order[:count])
    first_open = next((n for n in range(12) if n not in done), None)
    assert (
        progress.standing == ({} if first_open is None else {1: 10 * first_open}) and progress.waiting == 12 - count
    )
