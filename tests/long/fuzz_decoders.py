"""Coverage-guided fuzzing of decoders and of the judge: python tests/long/fuzz_decoders.py CORPUS -max_total_time=600 -timeout=10

The first byte picks what is fuzzed: an answer in each content encoding, or two texts under each profile (the rest is
halved). A crash or a hang ends it: any bytes of a target must give a document, and a verdict in bounded time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["shadowdiff.decode", "shadowdiff.score"]):
    from shadowdiff.score.judge import judge
    from shadowdiff.testing import decoding, response_of

ENCODINGS = ("", "", "", "gzip", "br", "zstd", "deflate", "gzip, br")
PROFILES = ("strict", "stable", "sampled")
DECODING = decoding()


def one(data: bytes) -> None:
    """Decode one body, or judge two texts."""
    if not data:
        return
    pick, rest = data[0] % (len(ENCODINGS) + len(PROFILES)), data[1:]
    if pick < len(ENCODINGS):
        encoding = ENCODINGS[pick]
        document = DECODING.document(response_of(rest, Content_Encoding=encoding) if encoding else response_of(rest))
        assert document.kind in ("json", "text", "html", "chat", "binary", "empty")
        return
    text = rest.decode("utf-8", "replace")
    half = len(text) // 2
    verdict = judge(text[:half], text[half:], PROFILES[pick - len(ENCODINGS)])
    assert 0 <= verdict.score <= 1 and verdict.why


def seeds(corpus: Path) -> int:
    """Write a stream of every dialect, and pairs of planted texts; how many."""
    from bench.faults.run import pairs
    from tests.decode.test_dialects import STREAMS

    corpus.mkdir(parents=True, exist_ok=True)
    made = [bytes([0]) + stream(["您好，", "the warranty", " is 2 years."]) for stream in STREAMS]
    for pair in pairs(3, 1)[::7]:
        text = (pair["blue"] + pair["green"]).encode("utf-8", "replace")
        made += [bytes([len(ENCODINGS) + n]) + text for n in range(len(PROFILES))]
    for number, body in enumerate(made):
        (corpus / str(number)).write_bytes(body)
    return len(made)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
