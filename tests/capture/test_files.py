"""Opening captures: packed or plain, cut or whole, missing or a folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from shadowdiff.capture.files import beside, lines, open_capture
from shadowdiff.errors import SourceError

TEXT = b"\xef\xbb\xbfone\r\n\n  \nfour"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_lines_keep_their_numbers_and_blank_ones_are_not_read(tmp_path: Path, pack) -> None:
    path = tmp_path / "log"
    path.write_bytes(pack(TEXT))
    assert list(lines(path)) == [(1, b"one"), (4, b"four")]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_pack_cut_by_a_kill_gives_what_it_holds_and_says_so(tmp_path: Path, pack) -> None:
    import random

    rng = random.Random(1)
    text = b"".join(b"%d\n" % rng.getrandbits(64) for _ in range(50_000))
    path = tmp_path / "log"
    path.write_bytes(pack(text)[:-2000])
    said: list[str] = []
    found = list(lines(path, said.append))
    assert 1000 < len(found) < 50_000 and "ends early" in said[0]
    path.write_bytes(pack(text) + pack(b"more\n"))
    said.clear()
    assert len(list(lines(path, said.append))) == 50_001 and not said


def test_missing_and_folder_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_capture(tmp_path / "nope")
    with pytest.raises(SourceError, match="is a folder"):
        open_capture(tmp_path)


def test_a_named_file_is_read_only_from_inside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "body").write_bytes(b"x")
    (tmp_path / "outside").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "outside")
    assert beside(folder, "body") == b"x"
    for name in ("../outside", "/etc/passwd", "link", "none", "a\0b", "x" * 5000, "."):
        assert beside(folder, name) is None
