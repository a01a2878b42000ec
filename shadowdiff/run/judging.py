"""Decode and score a pair: at once when small, in another process when it would stall the event loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import msgspec

from shadowdiff.contracts import Baseline
from shadowdiff.decode.body import Decoding, unpack
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Document, Observation, Pair
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Judged, Panel, same_answer

MAX_RENAMED = 4 << 20
INLINE_BYTES = 24 << 10
"""Both bodies together; beyond it scoring may take over 5 ms (transport.md section 4)."""


class Judging:
    """Owns the learnt baseline and the scoring process."""

    def __init__(
        self,
        decoding: Decoding,
        panel: Panel,
        learner: Learner,
        warn: Callable[[str], None] = lambda _: None,
        decode_all: bool = False,
    ) -> None:
        """`decode_all` decodes equal answers too, for a budget of tokens."""
        self._decoding = decoding
        self._panel = panel
        self._learner = learner
        self._warn = warn
        self._warned: set[str] = set()
        self._pool: ProcessPoolExecutor | None = None
        self._decode_all = decode_all
        self._strict_inline = False

    async def compare(self, pair: Pair) -> tuple[Comparison, Pair]:
        """The comparison, and the pair with its documents."""
        if _size(pair) <= INLINE_BYTES or self._strict_inline or not self._panel.needs_documents(pair):
            judged, pair = judge(self._decoding, self._panel, pair, self._learner.baseline, self._decode_all)
        else:
            judged, pair = await self._elsewhere(pair)
        if judged.noise:
            self._learner.learn(pair.exchange.route, judged.noise)
        document = pair.blue_doc
        if document is not None and document.kind in ("chat", "text"):
            self._learner.saw_prose(pair.exchange.route)
        for scorer, message in judged.errors.items():
            if scorer not in self._warned:
                self._warned.add(scorer)
                self._warn(f"scorer {scorer} raised and is left out of such pairs ({message})")
        return judged.comparison, pair

    def close(self) -> None:
        """End the scoring process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    async def _elsewhere(self, pair: Pair) -> tuple[Judged, Pair]:
        loop = asyncio.get_running_loop()
        try:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(self._decoding, self._panel),
                )
            baseline = self._baseline_for(pair)
            return await loop.run_in_executor(self._pool, _judge, pair, baseline)
        except (BrokenProcessPool, OSError) as error:
            self._warn(f"the scoring process ended ({error}); large answers are scored in this one")
            self._strict_inline = True
            return judge(self._decoding, self._panel, pair, self._learner.baseline)

    def _baseline_for(self, pair: Pair) -> Baseline:
        """Only this route's noise travels."""
        full = self._learner.baseline
        known = full.noise.get(pair.exchange.route)
        return Baseline(full.version, {pair.exchange.route: known} if known else {})


def judge(
    decoding: Decoding, panel: Panel, pair: Pair, baseline: Baseline, decode_all: bool = False
) -> tuple[Judged, Pair]:
    """Decode what was answered whole, then compare; equal answers are decoded only where someone asks.

    Ids of one target alone are compared (and kept) as the recorded ones they stand for.
    """
    if pair.minted:
        pair = as_recorded(pair)
    if not decode_all and not panel.needs_documents(pair):
        return panel.compare(pair, baseline), pair
    blue = _document(decoding, pair.blue)
    green = blue if same_answer(pair) else _document(decoding, pair.green)
    twin = _document(decoding, pair.twin) if pair.twin is not None else None
    pair = Pair(pair.exchange, pair.blue, pair.green, pair.twin, blue, green, twin)
    return panel.compare(pair, baseline), pair


def as_recorded(pair: Pair) -> Pair:
    """`pair` with ids of one target alone replaced by the recorded ones, in headers and bodies."""
    seen = [
        one if one is None else _renamed(one, pair.minted.get(one.role, {}))
        for one in (pair.blue, pair.green, pair.twin)
    ]
    blue, green, twin = seen
    if blue is None or green is None:
        return pair
    return Pair(pair.exchange, blue, green, twin)


def _renamed(seen: Observation, names: dict[str, str]) -> Observation:
    response = seen.response
    if response is None or not names:
        return seen
    body, note = unpack(response, MAX_RENAMED)
    headers = response.headers
    if note:
        body = response.body
    else:
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-encoding")
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    raw = re.compile(pattern.pattern.encode())
    changed = raw.sub(lambda match: names[match[0].decode()].encode(), body)
    return msgspec.structs.replace(
        seen,
        response=msgspec.structs.replace(
            response,
            headers=tuple((name, pattern.sub(lambda match: names[match[0]], value)) for name, value in headers),
            body=changed,
            size=response.size + len(changed) - len(response.body) if not response.truncated else response.size,
        ),
    )


def _document(decoding: Decoding, seen: Observation) -> Document | None:
    response = seen.response
    if response is None:
        return None
    document = decoding.document(response)
    if seen.failure is not None:
        return msgspec.structs.replace(document, note=f"{document.note}; cut".strip("; "))
    return document


def _size(pair: Pair) -> int:
    total = 0
    for seen in (pair.blue, pair.green, pair.twin):
        if seen is not None and seen.response is not None:
            total += len(seen.response.body)
    return total


_held: list[tuple[Decoding, Panel]] = []


def _begin(decoding: Decoding, panel: Panel) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which drains
    _held[:] = [(decoding, panel)]


def _judge(pair: Pair, baseline: Baseline) -> tuple[Judged, Pair]:
    decoding, panel = _held[0]
    return judge(decoding, panel, pair, baseline)
