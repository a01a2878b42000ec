"""CPU, wall time and peak memory (its largest process's) of one `shadowdiff` command, for the benches that ask."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import NamedTuple

CODE = """
import resource, runpy, sys
try: runpy.run_module("shadowdiff", run_name="__main__")
finally: print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)), file=sys.stderr)
"""


class Spent(NamedTuple):
    """Seconds of CPU and of wall time, peak MB, and what it printed."""

    cpu: float
    wall: float
    peak: float
    printed: str


def command(*arguments: str) -> Spent:
    """Run `shadowdiff` with `arguments`; ends the bench where it is no verdict that comes out."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"{arguments[:4]} ended with {done.returncode}: {done.stderr[-500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, wall, int(done.stderr.splitlines()[-1]) / 1024, done.stdout)
