"""Configurations of a running service: what may change does at once, what is bad changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from shadowdiff.config import load
from shadowdiff.errors import UsageError
from shadowdiff.run import reload
from shadowdiff.run.reload import Change, Reloader, Trial, change_of

BASE = '[targets]\nblue = "http://b"\ngreen = "http://g"\n'


class Stage:
    """A file, a reloader on it, and what it did."""

    def __init__(self, folder: Path, text: str = BASE) -> None:
        self.file = folder / "shadowdiff.toml"
        self.file.write_text(text)
        self.swapped: list[Change] = []
        self.said: list[str] = []
        self.now = 0.0
        read: Callable = lambda: load(self.file, {}, {})  # noqa: E731
        self.reloader = Reloader(
            read(), self.file, read, prepare=self.prepare, swap=self.swapped.append, say=self.said.append,
            clock=lambda: self.now,
        )  # fmt: skip

    async def prepare(self, change: Change) -> Trial:
        if change.config.score.ignore == ["/refuse"]:
            raise UsageError("score.ignore: no")
        return Trial(200, 3, "x matched → mismatched")

    def look(self, text: str | None = None, asked: bool = False) -> bool:
        if text is not None:
            self.file.write_text(text)
        return asyncio.run(self.reloader.look(asked))


def test_a_change_is_tried_said_and_swapped(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    before = one.reloader.config.hash
    assert one.look(BASE + '[score]\nignore = ["/id"]\n') and one.swapped[0].fresh
    assert one.reloader.config.score.ignore == ["/id"] and one.reloader.counts.reloads == 1
    said = one.said[0]
    assert before in said and one.reloader.config.hash in said and "score.ignore changed" in said
    assert "of the last 200 pairs 3 would come out otherwise" in said and "evidence begins anew" in said


def test_limits_are_read_by_the_evidence_at_hand(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    assert one.look(BASE + '[gate]\nmax_divergence = "9%"\n')
    assert not one.swapped[0].fresh and "read by the new limits" in one.said[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "not valid TOML"),
        (BASE + "[score]\nignored = 1\n", "ignore"),
        (BASE.replace("//g", "//other"), "service.reload_targets"),
        (BASE + '[sessions]\nby = "ip"\n', "sessions.by: changes only with a restart"),
        (BASE + '[gate]\nmode = "simple"\n', "gate.mode: changes only with a restart"),
        (BASE + '[score]\nignore = ["/refuse"]\n', "score.ignore: no"),
    ],
)
def test_what_cannot_be_used_changes_nothing_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    one = Stage(tmp_path)
    before = one.reloader.config
    assert not one.look(text) and one.reloader.config is before and not one.swapped
    assert why in one.said[0] and "goes on" in one.said[0] and one.reloader.counts.errors == 1
    assert why in one.reloader.error


def test_a_file_that_is_touched_or_gone_changes_nothing(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    assert not one.look(BASE) and not one.said
    one.file.unlink()
    assert not one.look() and "cannot be read" in one.said[0]


def test_targets_change_only_where_that_is_allowed(tmp_path: Path) -> None:
    allowed = BASE + "[service]\nreload_targets = true\n"
    one = Stage(tmp_path, allowed)
    assert one.look(allowed.replace("//g", "//other")) and one.swapped[0].targets


def test_rolling_back_keeps_the_file_from_being_taken_again(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    first = one.reloader.config.hash
    one.look(BASE + '[score]\nignore = ["/id"]\n')
    assert asyncio.run(one.reloader.roll_back()).hash == first
    assert one.reloader.config.hash == first and len(one.swapped) == 2
    assert not one.look(), "the file is as it was when it was rolled back"
    assert one.look(BASE + '[score]\nignore = ["/id", "/at"]\n')
    with pytest.raises(UsageError, match="no version 123"):
        asyncio.run(one.reloader.roll_back("123"))


def test_only_the_last_versions_are_kept(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    for number in range(10):
        assert one.look(BASE + f'[score]\nignore = ["/{number}"]\n')
    assert len(one.reloader.versions) == reload.KEPT


def test_after_bad_versions_it_looks_ever_more_rarely_until_asked(tmp_path: Path) -> None:
    one = Stage(tmp_path)
    for number in range(3):
        one.look(f"bad {number}")
    assert "3 bad versions in a row" in one.said[-1]
    good = BASE + '[score]\nignore = ["/id"]\n'
    assert not one.look(good) and one.reloader.counts.errors == 3
    one.now = reload.FIRST_S + 1
    assert one.look()
    for number in range(4):
        one.now += 1000
        one.look(f"bad again {number}")
    assert not one.look(BASE) and one.look(asked=True), "SIGHUP does not wait"


def test_swaps_of_a_configmap_are_noticed(tmp_path: Path) -> None:
    """Kubernetes writes a new folder and swaps the link `..data` to it."""

    def publish(text: str, name: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "shadowdiff.toml").write_text(text)
        (tmp_path / "..tmp").symlink_to(name)
        (tmp_path / "..tmp").rename(tmp_path / "..data")

    publish(BASE, "..1")
    (tmp_path / "shadowdiff.toml").symlink_to("..data/shadowdiff.toml")
    read: Callable = lambda: load(tmp_path / "shadowdiff.toml", {}, {})  # noqa: E731

    async def main() -> list[Change]:
        swapped: list[Change] = []

        async def prepare(change: Change) -> Trial:
            return Trial()

        one = Reloader(
            read(), tmp_path / "shadowdiff.toml", read, prepare=prepare, swap=swapped.append, say=lambda _: None
        )
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(one.watch())
            await asyncio.sleep(0.3)
            for number in (2, 3):
                publish(BASE + f'[score]\nignore = ["/{number}"]\n', f"..{number}")
                (tmp_path / f"..{number - 1}" / "shadowdiff.toml").unlink()
                (tmp_path / f"..{number - 1}").rmdir()
                async with asyncio.timeout(10):
                    while len(swapped) < number - 1:
                        await asyncio.sleep(0.05)
            watching.cancel()
        return swapped

    assert [change.config.score.ignore for change in asyncio.run(main())] == [["/2"], ["/3"]]


def test_what_differs_is_named_by_table_and_key() -> None:
    old, new = load(None, {}, {}), load(None, {"score.ignore": ["/a"], "send.rate": "5/s"}, {})
    assert change_of(old, new).keys == ("score.ignore", "send.rate")
