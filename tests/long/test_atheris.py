"""Coverage-guided fuzzing over all readers, decoders and the judge: no crash, no hang, no ledger out of balance."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.long.scale import scale

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("harness", "seeding"),
    [
        ("fuzz_readers", "seeds(Path(corpus), Path(samples), Path('fixtures'))"),
        ("fuzz_decoders", "seeds(Path(corpus))"),
    ],
)
def test_no_input_that_the_fuzzer_finds_breaks_us(
    tmp_path: Path, samples: Path, capsys: pytest.CaptureFixture, harness: str, seeding: str
) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: it has wheels for Linux on x86-64 only")
    seconds = scale(30, 900)
    corpus = tmp_path / "corpus"
    code = (
        "import sys; sys.argv = ['x']; from pathlib import Path; "
        f"from tests.long.{harness} import seeds; corpus, samples = {str(corpus)!r}, {str(samples)!r}; {seeding}"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, f"tests/long/{harness}.py", str(corpus), f"-max_total_time={seconds}",
         "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={tmp_path}/", "-print_final_stats=1"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    with capsys.disabled():
        print(f"\natheris {harness}: {runs[1] if runs else '?'} inputs in {seconds} s, exit {done.returncode}")
    assert done.returncode == 0, done.stderr[-4000:]
    assert runs is not None and int(runs[1]) > 1000
