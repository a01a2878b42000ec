"""Causes: thousands of differences read as a few reasons, by names that are the same in every run."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff import tape
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity
from shadowdiff.report import causes as module
from shadowdiff.report.causes import Causes
from shadowdiff.report.shape import general
from shadowdiff.report.shifts import shift_lines, shifts
from shadowdiff.testing import answer, comparison_of, pair_of
from tests.e2e.targets import log_of, plain, twins


def differing(n: int, *findings: Finding, rule: str = "structure", route: str = "GET /a", **more) -> Comparison:
    score = Score(rule, divergence=0.5, findings=findings)
    return comparison_of(Outcome.MISMATCHED, n, id=f"x{n}", route=route, rules=(rule,), scores=(score,), **more)


def counted(*given: Comparison) -> Causes:
    found = Causes()
    for one in given:
        found.add(one)
    return found


def test_ten_thousand_rows_are_a_handful_of_causes() -> None:
    rng, found = random.Random(3), Causes()
    for n in range(10_000):
        place = f"/items/{rng.randrange(50)}/price"
        cause = rng.choice((
            differing(n, Finding(place, "value", blue="1", green=str(n)), route=f"GET /{n % 12}"),
            differing(n, Finding("", "status", Severity.CRITICAL, "200", "500"), rule="status"),
            differing(n, Finding("/meta/build", "text", blue="v1", green="v2")),
        ))  # fmt: skip
        found.add(cause)
    found.add(comparison_of(Outcome.MATCHED, 1))
    assert found.total == 10_000 and len(found.found) == 3
    price = next(one for one in found.top(9) if one.path == "/items/*/price")
    assert len(price.routes) == 12 and price.worst.startswith("x")


def test_a_critical_finding_stands_for_its_pair_and_what_was_accepted_does_not() -> None:
    noisy = Finding("/at", "value", noisy="ignored by rule")
    minor, grave = Finding("/a", "value"), Finding("", "keyword", Severity.CRITICAL, "", "refusal")
    assert [one.kind for one in counted(differing(1, noisy, minor, grave)).top(1)] == ["keyword"]
    assert [one.path for one in counted(differing(1, noisy, minor)).top(1)] == ["/a"]


def test_the_next_step_fits_what_is_seen() -> None:
    def step(*given: Comparison) -> str:
        return counted(*given).top(1)[0].step()

    def pairs(
        kind: str, blue: str, green: str, control: Outcome | None = None, rule: str = "structure"
    ) -> list[Comparison]:
        more = {} if control is None else {"control": (control, Outcome.MISMATCHED)}
        path = "" if kind == "status" else "/a"
        return [
            differing(n, Finding(path, kind, blue=blue.format(n), green=green.format(n)), rule=rule, **more)
            for n in range(20)
        ]

    assert step(*pairs("value", "a{}", "b{}")) == "look at one: shadowdiff show RUN x0", "a change is no noise"
    assert "blue repeats itself" in step(*pairs("value", "a{}", "b{}", Outcome.MATCHED))
    own = step(*pairs("value", "a{}", "b{}", Outcome.MISMATCHED))
    assert own == 'blue differs from itself here too: score.ignore = ["/a"]'
    assert "--twin" in step(*pairs("words", "a{}", "b{}", Outcome.MISMATCHED))
    assert "calibrate" in step(*pairs("size", "{} characters", "9{} characters", Outcome.MISMATCHED))
    assert "accept it" in step(*pairs("value", "1", "2"))
    assert step(*pairs("status", "200", "500", rule="status")).startswith("green fails: look for x0")


@given(st.permutations(range(30)))
def test_the_order_of_pairs_changes_no_cause(order: list[int]) -> None:
    made = [differing(n, Finding(f"/a/{n}/b{n % 3}", "value", blue="1", green=str(n))) for n in range(30)]
    one, two = counted(*made), counted(*(made[n] for n in order))
    assert {c.name: (c.count, c.title()) for c in one.top(99)} == {c.name: (c.count, c.title()) for c in two.top(99)}


def test_a_tape_gives_the_causes_of_the_run() -> None:
    made = [differing(n, Finding(f"/items/{n}/price", "value", blue="1", green="2")) for n in range(5)]
    made += [differing(9, Finding("", "status", blue="200", green="503"), rule="status")]
    read = [tape.decode(orjson.loads(tape.encode(one, pair_of("a", "b")))) for one in made]
    assert counted(*made).found.keys() == counted(*read).found.keys()


def test_there_is_an_end_to_how_many_are_kept_and_nothing_is_lost() -> None:
    found = counted(*(differing(n, Finding(f"/field{n}x", "value")) for n in range(module.MAX_CAUSES + 50)))
    assert len(found.found) == module.MAX_CAUSES + 1 and sum(one.count for one in found.top(999)) == found.total


def test_two_runs_are_compared_by_share() -> None:
    def run(**counts: int) -> Causes:
        return counted(
            *(differing(n, Finding(f"/{name}", "value")) for name, count in counts.items() for n in range(count))
        )

    found = shifts(run(old=9, same=10, up=2), 100, run(same=30, up=30, fresh=1), 200)
    assert {one.cause.path: one.what for one in found} == {
        "/fresh": "new", "/up": "grown", "/same": "same", "/old": "gone",
    }  # fmt: skip
    assert [one.what for one in found][:2] == ["new", "grown"]
    lines = shift_lines(found)
    assert lines[1].startswith("grown") and "may be chance" in lines[0], "one pair of two hundred is no sign"


def test_one_kind_of_change_at_many_places_is_one_cause_on_the_page() -> None:
    made = [differing(n, Finding(f"/field{n % 7}", "type", blue="1", green="text")) for n in range(70)]
    made += [differing(99, Finding("/other", "value", blue="1", green="2"))]
    found = counted(*made)
    one, two = found.handful(9)
    assert len(found.found) == 8 and (one.count, two.count) == (70, 1)
    assert len(one.places) == 7 and "4 more places" in one.title()
    twice = counted(differing(1, Finding("/item/a", "missing")), differing(2, Finding("/hits/3/a", "missing")))
    assert [cause.title() for cause in twice.handful(9)] == ["a field is gone at /hits/*/a, /item/a"], (
        "one field's name"
    )
    assert one.name == counted(*made[::-1]).handful(9)[0].name, "the same in every run"


def test_paths_lose_places_and_ids_and_nothing_else() -> None:
    assert general("/items/12/price") == "/items/*/price" and general("event[3]") == "event[*]"
    assert general("/users/9d63cc68-5f22-4097-8e18-74abd98888e8/name") == "/users/{id}/name"
    assert general("/v1/answer") == "/v1/answer" and general("header:x-build") == "header:x-build"


def test_what_is_said_of_them_holds_no_secret() -> None:
    found = counted(differing(1, Finding("/a", "value"), route="GET /a?api_key=s3cr3t-value"))
    what, then = found.lines(5)[0]
    assert "s3cr3t" not in what and "shadowdiff show RUN x1" in then


def test_a_report_says_what_is_new_since_another_run(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 60)
    for name, green_says in (("good", plain), ("bad", lambda path: answer(b"", "500 Oops"))):
        with twins(green=green_says) as (blue, green):
            cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", name, "--stop-on", "none")
    done = cli("report", "bad", "--compare-to", "good")
    assert done.returncode == 0 and "new" in done.stdout and "200 → 500" in done.stdout, done.stdout
    back = cli("report", "good", "--compare-to", "bad", "-o", "again")
    assert "gone" in back.stdout and "100% →" in back.stdout, back.stdout
    assert (
        "since then" in (tmp_path / "bad" / "report.html").read_text()
        and "200 → 500" in (tmp_path / "bad" / "summary.md").read_text()
    )
