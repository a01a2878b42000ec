"""The reading and sending side from configuration: order, repeats, chunks, edits, pace, and what is said of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff.config import load
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Role
from shadowdiff.model.tally import Ledger
from shadowdiff.run.captures import Reading, chunk_order
from shadowdiff.run.targets import isolated_as, targets
from shadowdiff.settings import Config, Report, Sending, Targets
from shadowdiff.testing import CannedServer, answer, exchange_of, request_of


def config(**options: object) -> Config:
    given = {"targets.blue": "http://b:1", "targets.green": "http://g:2"}
    return load(None, given | {name.replace("__", "."): value for name, value in options.items()}, {})


def reading(config: Config, *logs: Path) -> tuple[Reading, Ledger]:
    ledger = Ledger()
    return Reading(config, logs, ledger, lambda _: None), ledger


def log(path: Path, *stamps: float, **fields: object) -> Path:
    lines = (json.dumps({"id": f"r{n}", "target": "/", "ts": at, **fields}) for n, at in enumerate(stamps))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_log_is_repeated_with_ids_sessions_and_times_of_its_own(tmp_path: Path) -> None:
    made, ledger = reading(config(send__loop=3), log(tmp_path / "x.jsonl", 10.5, 20.5, session="s"))
    found = [(e.id, e.session, e.captured_at) for e in made.stream()]
    assert found == [
        ("r0", "s", 10.5), ("r1", "s", 20.5), ("r0~2", "s~2", 30.5), ("r1~2", "s~2", 40.5), ("r0~3", "s~3", 50.5),
        ("r1~3", "s~3", 60.5),
    ]  # fmt: skip
    assert ledger.read == 6


def test_an_endless_loop_needs_an_end_and_an_empty_log_ends_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--loop 0 never ends; bound it with --duration or --limit"):
        reading(config(send__loop=0), log(tmp_path / "x.jsonl", 1.5))
    (tmp_path / "empty.jsonl").write_text("")
    made, _ = reading(config(send__loop=0, send__limit=5), tmp_path / "empty.jsonl")
    assert list(made.stream()) == []


def test_disorder_is_mended_and_told(tmp_path: Path) -> None:
    path = log(tmp_path / "x.jsonl", 3.5, 1.5, 2.5)
    made, _ = reading(config(), path)
    assert [e.id for e in made.stream()] == ["r1", "r2", "r0"]
    assert made.notes() == ["2 exchanges stood out of time order in the log and were sorted."]
    made, _ = reading(config(capture__sort_window=0), path)
    assert [e.id for e in made.stream()] == ["r0", "r1", "r2"] and made.notes() == []


def test_numbered_chunks_go_by_number_and_other_logs_as_given() -> None:
    chunks = [Path(f"d/requests_{n}.gor") for n in (0, 1, 10, 11, 2)]
    assert [path.name for path in chunk_order(chunks)] == [f"requests_{n}.gor" for n in (0, 1, 2, 10, 11)]
    other = [Path("b.jsonl"), Path("a.jsonl")]
    assert chunk_order(other) == other


def test_edits_are_for_their_target_and_resolve_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GREEN_KEY", "k-1")
    toml = tmp_path / "s.toml"
    toml.write_text(
        '[targets]\nblue="http://b:1"\ngreen="http://g:2"\n[control]\nenabled=false\n'
        '[[rewrite]]\ntarget="green"\nmatch="POST /v1/*"\nreplace_prefix={"/v1"="/v2"}\nset_json={"/model"="next"}\n'
        'set_header={"X-Key"="env:GREEN_KEY"}\n[[rewrite]]\nremove_query=["debug"]\n'
    )
    rewriter, _, roles = targets(load(toml, {}, {}), "run1")
    exchange = exchange_of(request_of("POST", "/v1/chat?debug=1&a=2", b'{"model":"now", "x":1}'))
    blue, green = rewriter.calls(exchange, roles, 0.0)
    assert (blue.request.target, blue.request.body) == ("/v1/chat?a=2", b'{"model":"now", "x":1}')
    assert (green.request.target, green.request.body) == ("/v2/chat?a=2", b'{"model":"next", "x":1}')
    assert ("X-Key", "k-1") in green.request.headers and roles == (Role.BLUE, Role.GREEN)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[rewrite]]\nset_json={"model"="x"}', r"rewrite\[0\]: 'model' is no JSON Pointer"),
        ('[[rewrite]]\nset_header={"A"="x\\ny"}', r"rewrite\[0\] 'A': holds a control character"),
        ('[[rewrite]]\nset_query={"a"="env:NOT_SET_HERE"}', "variable NOT_SET_HERE is not set"),
        ('[[rewrite]]\ntarget="red"', "rewrite"),
        ('[[correlate]]\nfrom="POST /x"', r"correlate\[0\].from: 'POST /x': write"),
        ('[[correlate]]\nfrom="POST /x json:/a"\nto=["x"]', r"correlate\[0\].to: 'x' is no place"),
        ('[[isolate]]\npath="x"', "isolate.path: 'x' is no place"),
        ('[sessions]\nby="x"', "--session-by: 'x' names no session; write ip, file, minted, header:Name"),
        ('[capture]\nsample_by="x"', "--sample-by: 'x' is no place"),
    ],
)
def test_a_bad_setting_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    from shadowdiff.run.setup import plan

    toml = tmp_path / "s.toml"
    toml.write_text(
        f'[targets]\nblue="http://b:1"\ngreen="http://g:2"\n{text}\n'.replace("[targets]", "[targets]", 1)
    )
    with pytest.raises(UsageError, match=says):
        plan(load(toml, {}, {}), [log(tmp_path / "x.jsonl", 1.5)], lambda _: None)


def test_pace_is_told_as_a_histogram_and_a_lost_pace_is_said_aloud(cli, tmp_path: Path) -> None:
    path = log(tmp_path / "x.jsonl", *(n / 100 for n in range(1, 201)))
    fast = lambda head, body: [answer(b"x")]  # noqa: E731
    slow = lambda head, body: [0.05, answer(b"x")]  # noqa: E731
    for script, kept in ((fast, True), (slow, False)):
        with CannedServer(script) as blue, CannedServer(script) as green:
            done = cli("replay", path, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run", "--no-control",
                       "--rate", "400/s", "--max-in-flight", "4", "--json")  # fmt: skip
        lag = json.loads(done.stdout)["latency"]["lag"]
        assert lag["n"] == 200 and lag["kept_pace"] is kept
        assert ("Could not keep pace" in done.stderr) is not kept and "note: Pace: 200 exchanges" in done.stderr


def test_a_sample_keeps_whole_sessions_by_any_key(cli, tmp_path: Path) -> None:
    rng, path = random.Random(1), tmp_path / "x.jsonl"
    lines = [{"id": f"r{n}", "target": f"/?u={rng.randrange(60)}&n={n}"} for n in range(600)]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    with CannedServer(lambda head, body: [answer(b"x")]) as blue:
        cli("replay", path, "--blue", blue.url, "--green", blue.url, "-o", tmp_path / "run", "--no-control",
            "--sample", "30%", "--sample-by", "query:u", "--no-isolation")  # fmt: skip
        users = Counter(head.split(b"u=")[1].split(b"&")[0] for head, _ in blue.seen)
    captured = Counter(line["target"].split("u=")[1].split("&")[0].encode() for line in lines)
    assert 8 <= len(users) <= 30 and all(count == 2 * captured[user] for user, count in users.items())


def test_processes_of_one_isolation_group_give_a_session_the_same_ids() -> None:
    def ids(group: str, candidate: str, run: str) -> str:
        config = Config(
            targets=Targets(blue="http://blue", green="http://green"),
            send=Sending(isolation_group=group),
            report=Report(candidate=candidate),
        )
        rewriter, _, roles = targets(config, isolated_as(config, run))
        asked = exchange_of(request_of("GET", "/", X_Session_Id="s-1"))
        (call,) = [one for one in rewriter.calls(asked, roles, 0.0) if one.role is Role.GREEN]
        return dict(call.request.headers)["X-Session-Id"]

    assert ids("sidecars", "v2", "a") == ids("sidecars", "v2", "b") != "s-1"
    assert ids("sidecars", "v2", "a") != ids("sidecars", "v3", "a")
    assert ids("", "v2", "a") != ids("", "v2", "b")
