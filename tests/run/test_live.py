"""The reading side of a run that follows logs: what becomes of each line, backlog, checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

from shadowdiff.capture.build import Builder
from shadowdiff.capture.tail import Follower
from shadowdiff.model.exchange import Exchange, Later
from shadowdiff.model.tally import Ledger
from shadowdiff.run.live import Checkpoint, Live, read_checkpoint


def line(n: int, **more: object) -> str:
    return json.dumps({"target": f"/item/{n}", **more}) + "\n"


def made(log: Path, **options) -> tuple[Live, Ledger]:
    ledger = Ledger()
    live = Live(Follower([str(log)], from_start=True), Builder(ledger), ledger, **options)
    return live, ledger


def taken(live: Live) -> list[Exchange]:
    """What is there now."""
    out = []
    for one in live.stream():
        if isinstance(one, Later):
            return out
        out.append(one)
    return out


def test_each_line_is_taken_or_counted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(line(1) + "\n" + "not a request\n" + line(2, id="mine"))
    live, ledger = made(log)
    found = taken(live)
    assert [e.request.target for e in found] == ["/item/1", "/item/2"] and found[1].id == "mine"
    assert (ledger.read, ledger.unreadable) == (3, 1)
    assert live.progress.passed == {} and live.places == [e.source for e in found]
    for exchange in found:
        live.settled(exchange.source)
    assert live.progress.passed == {"sent": 2, "blank": 1, "unreadable": 1} and not live.places


def test_a_checkpoint_stands_before_the_first_open_line(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(map(line, range(4))))
    live, _ = made(log)
    found = taken(live)
    live.settled(found[1].source)
    live.checkpoint(tmp_path)
    kept = read_checkpoint(tmp_path)
    assert isinstance(kept, Checkpoint) and kept.marks[0].offset == 0 and kept.passed == {}
    live.settled(found[0].source)
    live.checkpoint(tmp_path)
    kept = read_checkpoint(tmp_path)
    assert kept is not None and kept.marks[0].offset == len(line(0)) * 2 and kept.passed == {"sent": 2}
    (tmp_path / "tail.json").write_text("{torn")
    assert read_checkpoint(tmp_path) is None


def test_what_is_on_the_tape_is_not_sent_again(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(map(line, range(3))))
    places = [exchange.source for exchange in taken(made(log)[0])]
    live, ledger = made(log, done={places[1]})
    assert [e.source for e in taken(live)] == [places[0], places[2]]
    assert ledger.read == 2


def test_a_backlog_beyond_its_bound_is_shed_by_sampling_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(map(line, range(40_000))))
    size = log.stat().st_size
    live, ledger = made(log, max_backlog=size // 4)
    kept = 0
    while (found := taken(live)) or live._follower.backlog():
        kept += len(found)
        for exchange in found:
            live.settled(exchange.source)
    assert ledger.dropped == live.shed > 0 and kept + live.shed == 40_000 == ledger.read
    assert 0.1 < kept / 40_000 < 0.9 and "shed" in live.notes()[0]
