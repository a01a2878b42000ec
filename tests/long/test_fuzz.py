"""Any bytes into every reader, decoder and the wire's parser: no crash, no hang, everything counted."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from shadowdiff.capture.vcr import VcrSource
from shadowdiff.capture.vegeta import VegetaSource
from shadowdiff.contracts import Call, Deadlines
from shadowdiff.errors import SourceError
from shadowdiff.model.exchange import Role
from shadowdiff.model.tally import Ledger
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.wire import WireTransport
from shadowdiff.score.judge import judge
from shadowdiff.testing import CannedServer, answer, chunked, decoding, request_of, response_of
from tests.conftest import ROOT
from tests.decode.test_dialects import STREAMS
from tests.long.scale import scale

pytestmark = pytest.mark.long
READERS = [
    JsonlSource, HarSource, AccessLogSource, GorSource, JsonLogSource, EnvoyLogSource, AlbLogSource, ContainerLogSource, VegetaSource,
    CurlSource, BatchSource, MitmSource, VcrSource, DialogSource, LitellmSource, EnvoyTapSource,
]  # fmt: skip
EXAMPLES = settings(max_examples=scale(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck))

jsonish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["log", "entries", "request", "response", "headers", "url", "method", "target", "body", "content", "status", "postData", "text", "params", "name", "value", "ts", "session", "json", "v", "messages", "conversations", "role", "from", "call_type", "interactions", "uri", "key", "http_buffered_trace"]), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


def text_of(value: object) -> bytes:
    import json

    return json.dumps(value).encode()


@EXAMPLES
@given(st.binary(max_size=400) | jsonish.map(text_of))
@pytest.mark.parametrize("source", READERS)
def test_readers_count_what_they_cannot_read(source, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "x"
        log.write_bytes(content)
        ledger = Ledger()
        try:
            found = list(source(log, Builder(ledger)).stream())
        except SourceError:
            return
        assert ledger.read == len(found) + ledger.unreadable


@EXAMPLES
@given(st.binary(max_size=400) | jsonish.map(text_of) | st.lists(jsonish.map(text_of), max_size=4).map(lambda parts: b"".join(b"data: " + p + b"\n\n" for p in parts)),
       st.sampled_from(["", "gzip", "br", "zstd", "deflate", "gzip, br"]))  # fmt: skip
def test_decoders_make_a_document_of_anything(body: bytes, encoding: str) -> None:
    decoding().document(response_of(body, Content_Encoding=encoding) if encoding else response_of(body))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_mutated_stream_of_any_dialect_gives_a_document(stream) -> None:
    """Bytes changed, lost and doubled, packed and cut: always a document, and the text is never longer than the body."""
    rng = random.Random(5)
    whole = stream(["您好，", "the warranty is ", "2 years。"])
    for _ in range(scale(200, 20_000)):
        raw = bytearray(whole)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(raw))
            match rng.randrange(3):
                case 0:
                    raw[at] = rng.randrange(256)
                case 1:
                    del raw[at : at + rng.randrange(1, 30)]
                case _:
                    raw[at:at] = raw[max(0, at - 40) : at]
            raw = raw or bytearray(b"x")
        body, headers = bytes(raw), {}
        if rng.random() < 0.3:
            body, headers = zlib.compress(body, wbits=31)[: rng.randrange(5, 4000)], {"Content_Encoding": "gzip"}
        document = decoding().document(response_of(body, **headers))
        assert document.kind in ("chat", "json", "text", "binary", "html", "empty")
        assert len(document.text) <= 8 * len(raw)


@EXAMPLES
@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(["strict", "stable", "sampled"]))
def test_the_judge_has_a_verdict_on_any_two_texts(one: str, two: str, profile: str) -> None:
    verdict = judge(one, two, profile)
    assert 0 <= verdict.score <= 1 and verdict.why
    assert judge(one, one, profile).flag is False


def test_mutated_fixture_lines_are_read_or_counted() -> None:
    rng = random.Random(7)
    lines = (ROOT / "fixtures" / "api.jsonl").read_bytes().splitlines()[:40]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "x"
        for _ in range(scale(60, 3000)):
            mutated = []
            for line in lines:
                raw = bytearray(line)
                for _ in range(rng.randrange(4)):
                    raw[rng.randrange(len(raw))] = rng.randrange(256)
                mutated.append(bytes(raw).replace(b"\n", b" "))
            log.write_bytes(b"\n".join(mutated))
            ledger = Ledger()
            assert len(list(JsonlSource(log, Builder(ledger)).stream())) + ledger.unreadable == ledger.read


def test_the_wire_survives_mutated_answers() -> None:
    rng = random.Random(11)
    good = [answer(b'{"a": 1}' * 20), chunked([b"abc", b"defg" * 50]), b"HTTP/1.1 200 OK\r\n\r\nuntil close"]
    limits = Deadlines(1, 0.3, 0.3, 0.6)
    current: list[bytes] = [b""]

    async def main() -> None:
        with CannedServer(lambda head, body: [current[0], None]) as server:
            wire = WireTransport([endpoint("blue", server.url, deadlines=limits)])
            for _ in range(scale(250, 10_000)):
                raw = bytearray(rng.choice(good))
                for _ in range(rng.randrange(1, 6)):
                    raw[rng.randrange(len(raw))] = rng.randrange(256)
                current[0] = bytes(raw)
                begun = time.monotonic()
                (seen,) = await wire.send([Call(Role.BLUE, 0, request_of(Host="x"))])
                assert time.monotonic() - begun < 5
                assert seen.failure is not None or seen.response is not None
                assert not wire._busy
            await wire.aclose()

    asyncio.run(main())
