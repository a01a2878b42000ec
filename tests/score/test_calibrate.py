"""Learning from blue against blue."""

from __future__ import annotations

import random

from shadowdiff.score.calibrate import learn_texts
from shadowdiff.score.judge import judge

TOPICS = ["cats", "tea", "rain", "maps", "boats", "bread", "paint", "chess", "bees", "trains", "snow", "wool"]


def answer(rng: random.Random, topic: str) -> str:
    words = [f"{topic} {word}" for word in ("grow", "fade", "turn", "shine", "rest", "move", "wait", "sing")]
    rng.shuffle(words)
    body = ". ".join(f"Some say that {word} over time" for word in words[: rng.randrange(4, 8)])
    return f"{body}. Please ask our desk before you act on this.\nRequest {rng.randrange(10**6):06d} at {rng.randrange(60)} s"


def pairs(count: int) -> list[tuple[str, str]]:
    rng = random.Random(4)
    return [(answer(rng, t), answer(rng, t)) for t in (TOPICS * 10)[:count]]


def test_limits_footers_and_sticky_phrases_are_learnt() -> None:
    noise = learn_texts(pairs(24), "sampled")
    assert noise.pairs == 24 and noise.length is not None and noise.topic is not None
    assert "Request # at # s" in noise.volatile
    assert any("our desk" in piece for piece in noise.sticky)
    rng = random.Random(9)
    for topic in TOPICS:
        blue, green = answer(rng, topic), answer(rng, topic)
        assert not judge(blue, green, "sampled", noise).flag
        assert judge(
            blue, green.replace("Please ask our desk before you act on this.", "Bye now."), "sampled", noise
        ).flag
        swap = "Bananas ripen faster in a paper bag, since gas stays inside. Apples give off even more. " * 4
        assert judge(blue, f"{swap}Please ask our desk before you act on this.", "sampled", noise).flag


def test_few_pairs_leave_the_fixed_limits() -> None:
    noise = learn_texts(pairs(5), "sampled")
    assert noise.length is None and noise.topic is None and not noise.weights
    assert learn_texts([], "stable").pairs == 0


def test_a_detector_that_blue_sets_off_itself_is_demoted_but_never_an_empty_answer() -> None:
    long = "The plan covers dental care for 2 years and costs 30 dollars. " * 3
    rng = random.Random(2)
    noisy = [(long, long.replace("30", str(rng.randrange(31, 99)))) for _ in range(20)]
    assert "number" in learn_texts(noisy, "stable").demoted
    assert "empty" not in learn_texts([(long, "")] * 20, "stable").demoted
