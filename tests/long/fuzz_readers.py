"""Coverage-guided fuzzing of every reader: python tests/long/fuzz_readers.py CORPUS -max_total_time=600 -timeout=10

The first byte picks the reader, the rest is the file. A crash, a hang or a ledger that does not balance ends it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["shadowdiff.capture"]):
    from shadowdiff.capture.build import Builder
    from shadowdiff.capture.curl import CurlSource
    from shadowdiff.capture.dialogs import DialogSource
    from shadowdiff.capture.envoytap import EnvoyTapSource
    from shadowdiff.capture.gor import GorSource
    from shadowdiff.capture.har import HarSource
    from shadowdiff.capture.jsonl import JsonlSource
    from shadowdiff.capture.litellm import LitellmSource
    from shadowdiff.capture.logs.access import AccessLogSource
    from shadowdiff.capture.logs.container import ContainerLogSource
    from shadowdiff.capture.logs.jsonlog import JsonLogSource
    from shadowdiff.capture.logs.proxies import AlbLogSource, EnvoyLogSource
    from shadowdiff.capture.mitm import MitmSource
    from shadowdiff.capture.openai_batch import BatchSource
    from shadowdiff.capture.sniff import sniff
    from shadowdiff.capture.vcr import VcrSource
    from shadowdiff.capture.vegeta import VegetaSource
    from shadowdiff.errors import SourceError
    from shadowdiff.model.tally import Ledger

READERS = [
    JsonlSource, HarSource, GorSource, MitmSource, AccessLogSource, JsonLogSource, EnvoyLogSource, AlbLogSource,
    ContainerLogSource, VcrSource, VegetaSource, CurlSource, BatchSource, DialogSource, LitellmSource, EnvoyTapSource,
]  # fmt: skip
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


def one(data: bytes) -> None:
    """Read one input with the reader its first byte picks."""
    if not data:
        return
    log = FOLDER / "input"
    log.write_bytes(data[1:])
    ledger = Ledger()
    try:
        found = list(READERS[data[0] % len(READERS)](log, Builder(ledger)).stream())
        sniff(log)
    except SourceError:
        return
    assert ledger.read == len(found) + ledger.unreadable, "the ledger does not balance"


def seeds(corpus: Path, samples: Path, fixtures: Path) -> int:
    """Write the start of every sample and fixture for every reader that may meet it; how many there are."""
    corpus.mkdir(parents=True, exist_ok=True)
    files = [p for p in [*samples.rglob("*"), *fixtures.glob("*.jsonl")] if p.is_file() and p.suffix not in (".md",)]
    for number, path in enumerate(files):
        raw = path.read_bytes()[:20_000]
        for index in range(len(READERS)):
            (corpus / f"{number}-{index}").write_bytes(bytes([index]) + raw)
    return len(files) * len(READERS)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
