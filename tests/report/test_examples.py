"""Examples: the first, the worst and a few more of each cause, bounded, the same from a run and from its tape."""

from __future__ import annotations

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score
from shadowdiff.report.examples import KEPT, MOST, PER_CAUSE
from shadowdiff.report.material import Material
from shadowdiff.testing import comparison_of, pair_of


def differing(n: int, path: str, divergence: float = 0.5, route: str = "GET /a") -> Comparison:
    score = Score("structure", divergence, (Finding(path, "value", blue="1", green=str(n)),))
    return comparison_of(Outcome.MISMATCHED, n, id=f"x{n}", route=route, rules=("structure",), scores=(score,))


def collected(*given: Comparison, saved: bool = False) -> Material:
    made = Material()
    for one in given:
        if saved:
            line = orjson.loads(tape.encode(one, pair_of("a", "b")))
            made.take(line, tape.decode(line))
        else:
            made.add(one, pair_of("a", "b"))
    return made


def ids(made: Material) -> list[str]:
    return [line["id"] for _, line in made.examples.chosen(made.causes)]


def test_the_worst_comes_first_then_the_first_then_others_of_other_routes() -> None:
    pairs = [differing(n, "/a", 0.9 if n == 30 else 0.5, f"GET /{n % 3}") for n in range(50)]
    found = ids(collected(*pairs))
    assert found[:2] == ["x30", "x0"] and len(found) <= PER_CAUSE + 2
    assert {"x1", "x2"} <= set(found), "one of each route"
    assert found == ids(collected(*pairs, saved=True))


def test_every_cause_is_shown_before_any_is_shown_twice_and_there_is_an_end() -> None:
    pairs = [differing(n, f"/f{n % 250}") for n in range(2000)]
    made = collected(*pairs)
    chosen = made.examples.chosen(made.causes)
    assert len(chosen) == MOST and len({cause for cause, _ in chosen}) == MOST
    assert made.examples._count <= KEPT


def test_no_answer_is_kept_where_none_may_be_stored() -> None:
    made = Material(store="none")
    made.add(differing(1, "/a"), pair_of("the answer", "b"))
    ((_, line),) = made.examples.chosen(made.causes)
    assert "blue" not in line and "the answer" not in str(line)
