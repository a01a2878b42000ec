"""Judge a pair: is there a baseline, did green answer, what do the scorers say, what does the twin say.

In:  a decoded Pair and the Baseline learnt so far. Out: a Comparison, and what blue showed against
itself. Rules are OR-ed; there is no weighted sum. A scorer that raises is named and left out of the
pair; it never takes the run down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from shadowdiff import redact
from shadowdiff.contracts import Baseline, Scorer
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity, Timings
from shadowdiff.model.exchange import HELD_BACK, INTERRUPTED, STATUS_ONLY, BodyState, Exchange, Failure, Pair
from shadowdiff.model.tally import DIVERGENCE
from shadowdiff.score import signals
from shadowdiff.score.noise import own_noise

_UNKNOWN_CLIENT = (401, 403, 407)
_HELD = "it was asked without the client's credentials (--forward-auth sends them, --green-header gives others)"
_NO_BASELINE = frozenset({401, 403, 407, 429})
_FAILURE_WORDS = {
    Failure.REFUSED: "refused the connection",
    Failure.RESET: "broke the connection off",
    Failure.TIMEOUT: "did not answer in time",
    Failure.TLS: "failed the TLS handshake",
    Failure.PROTOCOL: "sent no valid HTTP",
    Failure.TOO_LARGE: "sent an endless body",
    Failure.RACE: "closed a kept connection",
}


class Judged(msgspec.Struct, frozen=True):
    """A comparison with what was learnt on the way. `errors` are scorers that raised: name to message."""

    comparison: Comparison
    noise: frozenset[tuple[str, str]] = frozenset()
    errors: Mapping[str, str] = {}


class Panel:
    """The scorers of a run. Picklable, so that large pairs can be judged in another process."""

    def __init__(
        self,
        scorers: Sequence[Scorer],
        *,
        paired: bool,
        owner: Callable[[str], str] | None = None,
        run: str = "",
        signals: bool = False,
        critical: bool = False,
        unpaired: bool = False,
    ) -> None:
        """`paired` says that `twin` is a second blue whose outcomes are subtracted; `signals` measures how far its
        texts are apart, for services whose answers vary; `critical` counts critical findings by themselves;
        `unpaired` keeps green's differences and blue's own apart, for a twin that is asked only for a share.
        """
        self._critical = critical
        self._unpaired = unpaired
        self._scorers = tuple(scorers)
        self._paired = paired
        self._run = run
        self._signals = signals
        self._on_equal = any(scorer.on_equal for scorer in scorers)
        self._owner = {s.name: owner(s.name) for s in scorers} if owner else {}

    def needs_documents(self, pair: Pair, same: bool) -> bool:
        """Whether anyone would look at the decoded answers; not when they are the `same` bytes."""
        return (
            self._on_equal
            or pair.twin is not None
            or pair.exchange.expect is not None
            or not same
            or b"data:" in (pair.blue.response.body if pair.blue.response is not None else b"")
        )

    def compare(self, pair: Pair, baseline: Baseline, same: bool | None = None) -> Judged:
        """Judge one pair; `same` is `same_answer(pair)` where it is known."""
        if pair.blue.detail == INTERRUPTED or pair.green.detail == INTERRUPTED:
            return Judged(self._comparison(pair, Outcome.ERRORED, why=INTERRUPTED))
        why = no_baseline(pair)
        if why:
            return Judged(self._comparison(pair, Outcome.ERRORED, why=why, baseline=False))
        if HELD_BACK in pair.exchange.tags and pair.green.status in _UNKNOWN_CLIENT:
            return Judged(self._comparison(pair, Outcome.ERRORED, why=f"green answered {pair.green.status}: {_HELD}"))
        errors: dict[str, str] = {}
        if pair.twin is None:
            same = same_answer(pair) if same is None else same
            return Judged(self._settle(pair, self._score(pair, baseline, errors, same), same), errors=errors)
        return self._three_ways(pair, baseline, errors)

    def _three_ways(self, pair: Pair, baseline: Baseline, errors: dict[str, str]) -> Judged:
        if not self._paired and repeated_write(pair):
            return Judged(self._settle(pair, self._score(pair, baseline, errors)), errors=errors)
        against_twin = msgspec.structs.replace(pair, green=pair.twin, green_doc=pair.twin_doc, twin=None)
        raw = self._score(against_twin, baseline, errors)
        learnt = own_noise(raw)
        if not self._paired:
            # a re-ask teaches and is never subtracted: what blue just did to itself is excused at once
            known = baseline.noise.get(pair.exchange.route, frozenset()) | learnt
            baseline = Baseline(baseline.version, {**baseline.noise, pair.exchange.route: known}, baseline.texts)
            raw = self._score(against_twin, baseline, errors)
        control = outcome_of(raw)
        scores = self._score(pair, baseline, errors)
        if not self._paired:
            settled = msgspec.structs.replace(
                self._settle(pair, scores), control=(control, Outcome.IGNORED), reask=True
            )
            return Judged(settled, learnt, errors)
        if twin_failed(pair):
            return Judged(
                self._comparison(pair, Outcome.ERRORED, why=f"twin gave no control: {twin_failed(pair)}"),
                errors=errors,
            )
        from_twin = msgspec.structs.replace(pair, blue=pair.twin, blue_doc=pair.twin_doc, twin=None)
        others = self._score(from_twin, baseline, errors)
        other = outcome_of(others)
        settled = self._settle(pair, scores)
        hits = (settled.outcome is Outcome.MISMATCHED) + (other is Outcome.MISMATCHED)
        noise = control is Outcome.MISMATCHED
        if self._unpaired:
            bets = settled.bets | {"noise": float(noise)}
        else:
            bets = {DIVERGENCE: (1 + hits / 2 - noise) / 2}
            if self._critical:
                bets["critical"] = (1 + (grave(scores) + grave(others)) / 2 - grave(raw)) / 2
        if self._signals:
            bets |= {name: round((1 + far) / 2, 4) for name, far in signals.excess(pair).items()}
        settled = msgspec.structs.replace(settled, control=(control, other), bets=bets)
        return Judged(settled, learnt, errors)

    def _score(
        self, pair: Pair, baseline: Baseline, errors: dict[str, str], same: bool | None = None
    ) -> tuple[Score, ...]:
        if pair.green.failure is not None:
            words = _FAILURE_WORDS[pair.green.failure]
            finding = Finding("", "failure", Severity.CRITICAL, str(pair.blue.status), pair.green.detail or words)
            return (Score("failure", 1.0, (finding,)),)
        equal = same_answer(pair) if same is None else same
        if equal and not self._on_equal and pair.exchange.expect is None:
            return ()
        scores = []
        for scorer in self._scorers:
            if pair.blue.detail == STATUS_ONLY and scorer.name != "status":
                continue
            if equal and not scorer.on_equal and pair.exchange.expect is None:
                continue
            try:
                score = scorer.score(pair, baseline)
            except Exception as error:  # a plugin's bug is reported and contained, whatever it is
                errors[scorer.name] = f"{self._owner.get(scorer.name, scorer.name)}: {error!r}"
                continue
            if score.divergence or score.findings or score.skipped:
                scores.append(score)
        return tuple(scores)

    def _settle(self, pair: Pair, scores: tuple[Score, ...], same: bool | None = None) -> Comparison:
        outcome = outcome_of(scores)
        same = not scores and (same_answer(pair) if same is None else same)
        return self._comparison(pair, outcome, scores=scores, why=explain(outcome, scores), same=same)

    def _comparison(
        self,
        pair: Pair,
        outcome: Outcome,
        *,
        scores: tuple[Score, ...] = (),
        why: str,
        baseline: bool = True,
        same: bool = False,
    ) -> Comparison:
        exchange, blue, green = pair.exchange, pair.blue, pair.green
        bets = {}
        if outcome is not Outcome.ERRORED:
            bets["raw" if self._unpaired else DIVERGENCE] = 1.0 if outcome is Outcome.MISMATCHED else 0.0
            if self._critical:
                bets["critical"] = float(grave(scores))
        return Comparison(
            id=exchange.id,
            seq=exchange.seq,
            route=exchange.route,
            outcome=outcome,
            unit=exchange.unit,
            run=self._run,
            bets=bets,
            session=exchange.session,
            turn=exchange.turn,
            marks=_marks(exchange),
            due_at=blue.due_at or green.due_at,
            rules=tuple(s.scorer for s in scores if any(f.fires for f in s.findings)),
            scores=scores,
            timings=timings(pair),
            blue_status=blue.status,
            green_status=green.response.status if green.response is not None else 0,
            baseline=baseline,
            green_down=green.failure is Failure.REFUSED,
            why=why,
            source=exchange.source,
            tokens=_tokens(pair),
            same=same,
        )


def _marks(exchange: Exchange) -> tuple[str, ...]:
    """A body that was sent although the capture lacks (part of) it: the pair is no full evidence."""
    if exchange.body_state in (BodyState.MISSING, BodyState.TRUNCATED):
        return (f"body {exchange.body_state}",)
    return ()


def no_baseline(pair: Pair) -> str:
    """Why blue's answer cannot serve as a baseline (promise 3), or an empty string."""
    blue, recorded = pair.blue, pair.exchange.recorded_status
    if pair.green.failure is Failure.RACE or blue.failure is Failure.RACE:
        return "transport race: a kept connection closed under an unsafe request"
    if blue.failure is not None:
        return f"blue {_FAILURE_WORDS[blue.failure]}" + (f" ({blue.detail})" if blue.detail else "")
    status = blue.status
    if status == 429 and recorded != 429:
        return "blue answered 429: too many requests"
    if recorded:
        expected = 200 if recorded == 304 else recorded  # conditional headers were stripped
        if status // 100 != expected // 100:
            return f"blue answered {status} where the capture has {recorded}"
        return ""
    if status in _NO_BASELINE or status >= 500:
        return f"blue answered {status}"
    return ""


def twin_failed(pair: Pair) -> str:
    """Why the twin's answer cannot serve as a control, or an empty string."""
    twin = pair.twin
    if twin is None:
        return ""
    if twin.failure is not None:
        return f"it {_FAILURE_WORDS[twin.failure]}"
    if twin.status // 100 != pair.blue.status // 100 and (twin.status in _NO_BASELINE or twin.status >= 500):
        return f"it answered {twin.status}"
    return ""


def repeated_write(pair: Pair) -> bool:
    """Whether blue, asked twice for a write, refused the second: that is the write's nature, not noise."""
    safe = pair.exchange.request.method in ("GET", "HEAD", "OPTIONS")
    return not safe and pair.twin is not None and pair.twin.status // 100 != pair.blue.status // 100


def outcome_of(scores: Sequence[Score]) -> Outcome:
    """mismatched when a finding fires, ignored when only accepted ones would have, else matched."""
    accepted = False
    for score in scores:
        for finding in score.findings:
            if finding.fires:
                return Outcome.MISMATCHED
            accepted = accepted or (bool(finding.noisy) and finding.severity is not Severity.INFO)
    return Outcome.IGNORED if accepted else Outcome.MATCHED


def grave(scores: Sequence[Score]) -> bool:
    """Whether a critical finding fires."""
    return any(f.fires and f.severity is Severity.CRITICAL for score in scores for f in score.findings)


def explain(outcome: Outcome, scores: Sequence[Score]) -> str:
    """One line: the first findings that decided the outcome."""
    if outcome is Outcome.MATCHED:
        return "no rule fired"
    shown = []
    for score in scores:
        for finding in score.findings:
            if finding.fires if outcome is Outcome.MISMATCHED else finding.noisy:
                where = f" at {finding.path}" if finding.path else ""
                reason = f" ({finding.noisy})" if finding.noisy else ""
                blue, green = (redact.at_path(finding.path, text)[:60] for text in (finding.blue, finding.green))
                shown.append(f"{finding.kind}{where}: {blue} → {green}{reason}")
    more = f" and {len(shown) - 2} more" if len(shown) > 2 else ""
    return "; ".join(shown[:2]) + more


def timings(pair: Pair) -> Timings:
    """The pair's spans, from send; lag is how late blue was sent against its due time."""
    blue, green, twin = pair.blue, pair.green, pair.twin
    return Timings(
        blue_ttfb_s=micro(blue.first_byte_s),
        blue_s=micro(blue.total_s),
        green_ttfb_s=micro(green.first_byte_s),
        green_s=micro(green.total_s),
        twin_s=micro(twin.total_s) if twin is not None else 0.0,
        blue_ttft_s=_ttft(pair.blue_doc),
        green_ttft_s=_ttft(pair.green_doc),
        twin_ttft_s=_ttft(pair.twin_doc),
        lag_s=micro(max(0.0, blue.sent_at - blue.due_at)) if blue.due_at and blue.sent_at else 0.0,
    )


def micro(seconds: float) -> float:
    """`seconds` to the microsecond; a quarter of what `round` costs, six times a pair."""
    return int(seconds * 1e6 + 0.5) / 1e6


def _ttft(document: object) -> float | None:
    chat = getattr(document, "chat", None)
    return None if chat is None or chat.ttft_s is None else micro(chat.ttft_s)


def _tokens(pair: Pair) -> int:
    total = 0
    for document in (pair.blue_doc, pair.green_doc, pair.twin_doc):
        if document is not None and document.chat is not None:
            usage = dict(document.chat.usage)
            total += usage.get("total_tokens") or sum(usage.values())
    return total


def same_answer(pair: Pair) -> bool:
    """Byte for byte the same whole answer, so that most scorers need not look."""
    one, two = pair.blue.response, pair.green.response
    if one is None or two is None or pair.blue.failure is not None or pair.green.failure is not None:
        return False
    if one.body != two.body or one.status != two.status or one.size != two.size or one.digest != two.digest:
        return False
    return one.headers == two.headers or all(
        one.header(name) == two.header(name) for name in ("content-type", "content-encoding", "location")
    )
