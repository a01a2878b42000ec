"""Decode and score a pair: at once when small, in another process when it would stall the event loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import msgspec

from shadowdiff.contracts import Baseline
from shadowdiff.decode.body import Decoding, unpack
from shadowdiff.gate.bets import Bets
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Document, Observation, Pair
from shadowdiff.run.accept import Accepted
from shadowdiff.score.calibrate import learn_texts
from shadowdiff.score.noise import Learner
from shadowdiff.score.panel import Judged, Panel, same_answer
from shadowdiff.score.reuse import Replies
from shadowdiff.score.text import prose

MAX_RENAMED = 4 << 20
CALIBRATE_AT = (10, 20, 40)
"""Pairs of blue with itself on a route at which its limits are learnt (again); 40 suffice (scoring.md 6)."""
MAX_ROUTES = 500
MAX_TEXT = 12_000
MAX_SAMPLED = 32 << 20
"""Characters of text kept for learning, over all routes."""
MAX_BUILD = 100
T = TypeVar("T")
SLICE_S = 0.0015
INLINE_BYTES = 4 << 10
"""Both bodies together; beyond it judging two different texts may take over 5 ms (bench/RESULTS.md)."""


class Stamp(msgspec.Struct, frozen=True):
    """What is noted on each comparison of a service: the rules that judged it, and which build of green answered."""

    config: str
    header: str = ""
    """Lower-case name of the header in which green names its build."""

    def on(self, comparison: Comparison, pair: Pair) -> Comparison:
        """`comparison`, stamped."""
        green = pair.green.response
        build = green.header(self.header) if self.header and green is not None else None
        return msgspec.structs.replace(comparison, config=self.config, build=(build or "")[:MAX_BUILD])


class Judging:
    """Owns the learnt baseline and the scoring process."""

    def __init__(
        self,
        decoding: Decoding,
        panel: Panel,
        learner: Learner,
        warn: Callable[[str], None] = lambda _: None,
        decode_all: bool = False,
        profile: str = "stable",
        bets: Bets | None = None,
        accepted: Accepted | None = None,
        stamp: Stamp | None = None,
    ) -> None:
        """`decode_all` decodes equal answers too, for a budget of tokens; `profile` is what texts are judged by;
        `bets` measures what the gate counts beside divergence; `accepted` are known differences; `stamp` marks what a
        service has to tell apart.
        """
        self._bets = bets or Bets(Limits())
        self.accepted = accepted
        self._stamp = stamp
        self._profile = profile
        self._samples: dict[str, list[tuple[str, str]]] = {}
        self._sampled_bytes = 0
        self._replies = Replies()
        self._decoding = decoding
        self._panel = panel
        self._learner = learner
        self._warn = warn
        self._warned: set[str] = set()
        self._pool: ProcessPoolExecutor | None = None
        self._decode_all = decode_all
        self._strict_inline = False
        self._breathed = 0.0

    async def look(self, pair: Pair) -> Comparison:
        """The comparison alone: nothing is learnt from it."""
        return (await self._judged(pair))[0].comparison

    async def compare(self, pair: Pair) -> tuple[Comparison, Pair]:
        """The comparison, and the pair with its documents."""
        judged, pair = await self._judged(pair)
        if judged.noise:
            self._learner.learn(pair.exchange.route, judged.noise)
        if pair.twin_doc is not None and not judged.errors:
            await self._sample(pair)
        document = pair.blue_doc
        if document is not None and document.kind in ("chat", "text"):
            self._learner.saw_prose(pair.exchange.route)
        for scorer, message in judged.errors.items():
            if scorer not in self._warned:
                self._warned.add(scorer)
                self._warn(f"scorer {scorer} raised and is left out of such pairs ({message})")
        comparison = self._replies.judge(judged.comparison, pair)
        if self.accepted is not None:
            comparison = self.accepted.judge(comparison)
        bets = self._bets.of(comparison, pair)
        if bets is not comparison.bets:
            comparison = msgspec.structs.replace(comparison, bets=bets)
        if self._stamp is not None:
            comparison = self._stamp.on(comparison, pair)
        return comparison, pair

    async def _judged(self, pair: Pair) -> tuple[Judged, Pair]:
        if (
            (_size(pair) > INLINE_BYTES or _unpacks(pair))
            and not self._strict_inline
            and self._panel.needs_documents(pair, same_answer(pair))
        ):
            return await self._elsewhere(pair)
        judged, pair = judge(self._decoding, self._panel, pair, self._learner.baseline, self._decode_all)
        await self._breathe()
        return judged, pair

    async def _breathe(self) -> None:
        """Let sockets be served: pairs that wait to be judged would hold the loop one after another."""
        now = time.perf_counter()
        if now - self._breathed > SLICE_S:
            self._breathed = now
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # what a timer wakes runs a turn of the loop after it

    async def _sample(self, pair: Pair) -> None:
        """Keep blue's text beside what it said when asked again; at each of CALIBRATE_AT learn from them."""
        route, one, two = pair.exchange.route, prose(pair.blue_doc), prose(pair.twin_doc)
        kept = self._samples.setdefault(route, []) if len(self._samples) < MAX_ROUTES else self._samples.get(route)
        if kept is None or not one or not two or len(kept) >= CALIBRATE_AT[-1]:
            return
        self._sampled_bytes += len(one) + len(two)
        if self._sampled_bytes > MAX_SAMPLED:
            return
        kept.append((one[:MAX_TEXT], two[:MAX_TEXT]))
        if len(kept) in CALIBRATE_AT:
            self._learner.learn_texts(route, await self._offload(learn_texts, tuple(kept), self._profile))

    def close(self) -> None:
        """End the scoring process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    async def _elsewhere(self, pair: Pair) -> tuple[Judged, Pair]:
        if self._strict_inline:
            return judge(self._decoding, self._panel, pair, self._learner.baseline)
        try:
            return await self._in_pool(_judge, pair, self._baseline_for(pair))
        except (BrokenProcessPool, OSError) as error:
            self._broken(error)
            return judge(self._decoding, self._panel, pair, self._learner.baseline)

    async def _offload(self, work: Callable[..., T], *given: Any) -> T:
        """Run `work` in the scoring process; here when there is none."""
        if not self._strict_inline:
            try:
                return await self._in_pool(work, *given)
            except (BrokenProcessPool, OSError) as error:
                self._broken(error)
        return work(*given)

    async def _in_pool(self, work: Callable[..., T], *given: Any) -> T:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self._decoding, self._panel),
            )
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)

    def _broken(self, error: Exception) -> None:
        self._warn(f"the scoring process ended ({error}); large answers are scored in this one")
        self._strict_inline = True

    def _baseline_for(self, pair: Pair) -> Baseline:
        """Only this route's noise travels."""
        full = self._learner.baseline
        route = pair.exchange.route
        known, texts = full.noise.get(route), full.texts.get(route)
        return Baseline(full.version, {route: known} if known else {}, {route: texts} if texts is not None else {})


def judge(
    decoding: Decoding, panel: Panel, pair: Pair, baseline: Baseline, decode_all: bool = False
) -> tuple[Judged, Pair]:
    """Decode what was answered whole, then compare; equal answers are decoded only where someone asks.

    Ids of one target alone are compared (and kept) as the recorded ones they stand for.
    """
    if pair.minted:
        pair = as_recorded(pair)
    same = same_answer(pair)
    if not decode_all and not panel.needs_documents(pair, same):
        return panel.compare(pair, baseline, same), pair
    blue = _document(decoding, pair.blue)
    green = blue if same else _document(decoding, pair.green)
    twin = _document(decoding, pair.twin) if pair.twin is not None else None
    pair = Pair(pair.exchange, pair.blue, pair.green, pair.twin, blue, green, twin)
    return panel.compare(pair, baseline, same), pair


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
    body, note, *_ = unpack(response, MAX_RENAMED)
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


def _unpacks(pair: Pair) -> bool:
    """Whether an answer that came encoded is large."""
    return any(
        seen is not None
        and seen.response is not None
        and seen.response.header("content-encoding") is not None
        and len(unpack(seen.response, INLINE_BYTES + 1).body) > INLINE_BYTES
        for seen in (pair.blue, pair.green, pair.twin)
    )


_held: list[tuple[Decoding, Panel]] = []


def _begin(decoding: Decoding, panel: Panel) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which drains
    _held[:] = [(decoding, panel)]


def _judge(pair: Pair, baseline: Baseline) -> tuple[Judged, Pair]:
    decoding, panel = _held[0]
    return judge(decoding, panel, pair, baseline)
