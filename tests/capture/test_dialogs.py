"""Conversations without HTTP become chat requests by the configured template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder, Dialogs
from shadowdiff.capture.dialogs import DialogSource
from shadowdiff.capture.sniff import sniff
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.tally import Ledger

TALK = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "你好"}, {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "And now?"}, {"role": "assistant", "content": "Later"},
]  # fmt: skip
SHARE = {
    "id": "s1",
    "conversations": [
        {"from": "human", "value": "one"}, {"from": "gpt", "value": "eins"}, {"from": "human", "value": "two"},
    ],
}  # fmt: skip


def read(log: Path, post: str = "", **dialogs) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(DialogSource(log, Builder(ledger, dialogs=Dialogs(**dialogs)), post).stream()), ledger


def test_the_last_user_turn_is_asked_and_the_assistants_word_is_the_recorded_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"messages": TALK, "temperature": 0}) + "\n")
    assert sniff(path) == "messages"
    (one,), _ = read(path, path="/chat", body={"model": "m", "stream": True})
    assert (one.request.method, one.request.target) == ("POST", "/chat")
    assert json.loads(one.request.body) == {"temperature": 0, "messages": TALK[:4], "model": "m", "stream": True}
    assert json.loads(one.recorded.body)["choices"][0]["message"]["content"] == "Later"
    assert read(path, "/told")[0][0].request.target == "/told"


@pytest.mark.parametrize("packed", [json.dumps([SHARE]), json.dumps([SHARE], indent=2), json.dumps(SHARE) + "\n"])
def test_sharegpt_as_a_list_or_lines_with_every_turn(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(packed)
    assert sniff(path) == "messages"
    found, _ = read(path, turns="all")
    assert [(e.id, e.session) for e in found] == [("s1.1", "s1"), ("s1.2", "s1")]
    assert [len(json.loads(e.request.body)["messages"]) for e in found] == [1, 3]
    assert [e.recorded is not None for e in found] == [True, False]


def test_what_is_no_conversation_is_counted_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [{"messages": []}, {"messages": [{"role": "system", "content": ""}]}, {"conversations": [{"from": "alien"}]},
             {"x": 1}, 7, {"messages": [5]}, {"messages": [{"role": "user", "content": "ok"}]}]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, ledger = read(path)
    assert len(found) == 1 and ledger.unreadable == 6 and ledger.read == 7
