"""The fixtures: made from a seed, committed as made, of the promised size."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from shadowdiff.capture.build import Builder
from shadowdiff.capture.jsonl import JsonlSource
from shadowdiff.demo import corpus, knowledge
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import decoding, response_of
from tests.conftest import ROOT


def said(line: dict) -> str:
    answer = line["response"]
    body = answer["body"] if "body" in answer else json.dumps(answer["json"])
    return decoding().document(response_of(body)).text


FIXTURES = ROOT / "fixtures"


def test_the_committed_fixtures_are_what_the_generator_writes() -> None:
    assert (FIXTURES / "chat.jsonl").read_bytes() == b"".join(corpus.chat_lines())
    assert (FIXTURES / "api.jsonl").read_bytes() == b"".join(corpus.api_lines())


def test_the_captures_are_as_large_as_promised() -> None:
    chat = [json.loads(line) for line in (FIXTURES / "chat.jsonl").read_text().splitlines()]
    assert 400 <= len(chat) <= 600 and len({line["session"] for line in chat}) >= 150
    languages = Counter(line["tags"][0] for line in chat)
    assert min(languages["zh"], languages["en"]) >= 150
    answers = [said(line) for line in chat]
    assert sum("body" in line["response"] for line in chat) >= 200, "most answers are recorded as streams"
    assert sum(knowledge.ZH_NOTE in a or knowledge.EN_NOTE in a for a in answers) >= 100
    assert len((FIXTURES / "api.jsonl").read_text().splitlines()) >= 400


def test_every_question_has_one_answer() -> None:
    chat = [json.loads(line) for line in (FIXTURES / "chat.jsonl").read_text().splitlines()]
    known = corpus.replies()
    for line in chat:
        assert known[line["json"]["messages"][-1]["content"]].text == said(line)


def test_the_reader_reads_all_of_it() -> None:
    for name in ("chat.jsonl", "api.jsonl"):
        ledger = Ledger()
        found = list(JsonlSource(Path(FIXTURES / name), Builder(ledger)).stream())
        assert ledger.unreadable == 0 and all(e.recorded is not None for e in found)


def test_each_fixture_has_its_row_in_the_readme() -> None:
    text = (FIXTURES / "README.md").read_text()
    for path in FIXTURES.glob("*.jsonl"):
        assert f"`{path.name}`" in text


def test_the_captured_answers_can_be_compared_with_a_good_and_a_bad_release(tmp_path: Path) -> None:
    """--blue recorded over the fixtures: no second blue is needed to tell them apart."""
    import msgspec

    from shadowdiff.demo import tour
    from shadowdiff.report.terminal import console
    from shadowdiff.run.batch import run
    from shadowdiff.settings import GateRules

    logs = [FIXTURES / "chat.jsonl", FIXTURES / "api.jsonl"]
    codes = []
    for release in ("good", "bad"):
        with tour._server(release) as port:
            config = tour.config_for(port, port, release)
            config = msgspec.structs.replace(
                config,
                targets=msgspec.structs.replace(config.targets, blue="recorded"),
                gate=GateRules(stop_on="none"),
            )
            codes.append(run(config, logs, tmp_path / release, None, console(True)).exit_code)
    assert codes == [0, 1]
