"""The journal of what was sent: a bit an exchange, kept by the kernel when the process dies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.run.journal import STEP, Bits, Journal


@given(st.sets(st.integers(0, 5_000_000), max_size=30))
def test_bits_are_a_set(numbers: set[int]) -> None:
    bits = Bits()
    for number in numbers:
        bits.add(number)
    assert len(bits) == len(numbers) and all(number in bits for number in numbers)
    assert all((number + 1 in bits) == (number + 1 in numbers) for number in numbers)


def test_the_file_grows_and_is_read_again(tmp_path: Path) -> None:
    numbers = [0, 7, 8, STEP * 8 - 1, STEP * 8, STEP * 24 + 3]
    journal = Journal(tmp_path)
    for number in numbers:
        journal.sent(number)
    journal.close()
    again = Journal(tmp_path)
    before = again.before()
    again.close()
    assert len(before) == len(numbers) and all(number in before for number in numbers)
    assert (tmp_path / "sent.map").stat().st_mode & 0o777 == 0o600


def test_a_killed_process_has_written_what_it_noted(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal; from pathlib import Path; from shadowdiff.run.journal import Journal\n"
        "j = Journal(Path(sys.argv[1])); [j.sent(n) for n in range(0, 1000, 3)]; os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, os.fspath(tmp_path)], check=False)
    journal = Journal(tmp_path)
    assert done.returncode == -9 and len(journal.before()) == 334
    journal.close()
