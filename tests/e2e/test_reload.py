"""A running service whose configuration changes: no request fails, none is judged by a mix, and it can be undone."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request
from pathlib import Path

from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import Live, live
from tests.e2e.targets import path_of


def stamped(side: str):
    """Answers that differ in one field between the sides, and in another always."""
    return lambda head, body: [
        answer(
            json.dumps({"path": path_of(head), "built": side, "n": len(path_of(head))}).encode(), "200 OK",
            "Content-Type: application/json",
        )
    ]  # fmt: skip


def config(tmp_path: Path, ignore: str, limit: str = "5%") -> None:
    fresh = tmp_path / "new.toml"
    fresh.write_text(f'[score]\nignore = [{ignore}]\n[gate]\nstop_on = "none"\nmax_divergence = "{limit}"\n')
    fresh.replace(tmp_path / "shadowdiff.toml")


def post(url: str) -> dict:
    with urllib.request.urlopen(urllib.request.Request(url, b"")) as reply:
        return json.loads(reply.read())


def told(one: Live) -> dict:
    with urllib.request.urlopen(f"{one.api}/api/v1/verdict") as reply:
        return json.loads(reply.read())


def test_rules_change_under_load_and_come_back(tmp_path: Path) -> None:
    config(tmp_path, "")
    with (
        CannedServer(stamped("one")) as blue,
        CannedServer(stamped("two")) as green,
        live(
            "proxy", tmp_path / "run", "-c", str(tmp_path / "shadowdiff.toml"), "--blue", blue.url, "--green",
            green.url,
        ) as one,
    ):  # fmt: skip
        failed, over = [], threading.Event()

        def load() -> None:
            n = 0
            while not over.is_set():
                n += 1
                if one.get(f"/item/{n}")[0] != 200:
                    failed.append(n)

        clients = [threading.Thread(target=load) for _ in range(2)]
        for client in clients:
            client.start()
        one.wait(lambda: told(one)["verdict"] == "fail")
        config(tmp_path, '"/built"')
        one.wait(lambda: "score.ignore changed" in one.text)
        one.wait(lambda: told(one)["verdict"] == "pass")
        assert "pairs" in one.text and "would come out otherwise" in one.text
        one.process.send_signal(signal.SIGHUP)
        one.wait(lambda: "nothing has changed" in one.text)
        (tmp_path / "shadowdiff.toml").write_text("[score]\nignroe = 1\n")
        one.wait(lambda: "config refused" in one.text)
        one.wait(lambda: told(one)["verdict"] == "pass")  # the rules in force go on
        post(f"{one.api}/api/v1/rollback")
        one.wait(lambda: told(one)["verdict"] == "fail")
        with urllib.request.urlopen(f"{one.api}/metrics") as reply:
            metrics = reply.read().decode()
        over.set()
        for client in clients:
            client.join()
        time.sleep(0.3)
        code, verdict = one.end()
    assert not failed and code == 1, one.text
    assert "shadowdiff_config_reload_total 2.0" in metrics and "shadowdiff_config_reload_errors_total 1.0" in metrics
    lines = one.compared()
    by_rules: dict[str, set[str]] = {}
    for line in lines:
        by_rules.setdefault(line["config"], set()).add(line["outcome"])
    assert sorted(map(sorted, by_rules.values())) == [["ignored"], ["mismatched"]], "no pair was judged by a mix"
    ledger = verdict["ledger"]
    assert ledger["read"] == ledger["sent"] + ledger["dropped"] and ledger["sent"] == len(lines)


def test_a_new_limit_reads_the_evidence_anew(tmp_path: Path) -> None:
    config(tmp_path, "")
    half = lambda head, body: stamped("one" if len(path_of(head)) % 2 else "two")(head, body)  # noqa: E731
    with (
        CannedServer(stamped("one")) as blue,
        CannedServer(half) as green,
        live(
            "proxy", tmp_path / "run", "-c", str(tmp_path / "shadowdiff.toml"), "--blue", blue.url, "--green",
            green.url,
        ) as one,
    ):  # fmt: skip
        for n in range(240):
            one.get(f"/item/{'x' * (n % 2)}{n % 10}")
        one.wait(lambda: told(one)["verdict"] == "fail" and len(one.compared()) == 240)
        config(tmp_path, "", "70%")
        one.wait(lambda: told(one)["verdict"] == "pass")
        assert told(one)["divergence"]["n"] == 240
        code, _ = one.end()
    assert code == 0, one.text


def test_a_restart_with_other_rules_begins_the_evidence_anew_and_keeps_the_ledger(tmp_path: Path) -> None:
    config(tmp_path, "")
    with CannedServer(stamped("one")) as blue, CannedServer(stamped("two")) as green:
        options = ("-c", str(tmp_path / "shadowdiff.toml"), "--blue", blue.url, "--green", green.url)
        with live("proxy", tmp_path / "run", *options) as one:
            for n in range(50):
                one.get(f"/item/{n}")
            one.wait(lambda: len(one.compared()) == 50)
            assert one.end()[0] == 1
        config(tmp_path, '"/built"')
        with live("proxy", tmp_path / "run", *options) as one:
            assert "evidence begins anew" in one.text
            for n in range(150):
                one.get(f"/item/{n}")
            one.wait(lambda: len(one.compared()) == 200)
            code, verdict = one.end()
    assert code == 0 and verdict["divergence"]["n"] == 150 and verdict["ledger"]["read"] == 200


def test_green_that_names_its_build_opens_a_window_for_each(tmp_path: Path) -> None:
    build = ["v1"]

    def named(head: bytes, body: bytes) -> list[bytes]:
        text = b"wrong" if build[0] == "v1" else b"right"
        return [answer(text, "200 OK", f"X-Build: {build[0]}")]

    (tmp_path / "shadowdiff.toml").write_text(
        '[service]\ncandidate_from = "header:X-Build"\n[gate]\nstop_on = "none"\n'
    )
    with (
        CannedServer(lambda head, body: [answer(b"right")]) as blue,
        CannedServer(named) as green,
        live(
            "proxy", tmp_path / "run", "-c", str(tmp_path / "shadowdiff.toml"), "--blue", blue.url, "--green",
            green.url,
        ) as one,
    ):  # fmt: skip
        for n in range(40):
            one.get(f"/item/{n}")
        # all of them: a copy that goes out late would be answered by the next build
        one.wait(lambda: told(one)["verdict"] == "fail" and len(one.compared()) == 40)
        assert told(one)["candidate"] == "v1"
        build[0] = "v2"
        for n in range(150):
            one.get(f"/item/{n}")
        one.wait(lambda: told(one)["verdict"] == "pass" and told(one)["divergence"]["n"] == 150)
        with urllib.request.urlopen(f"{one.api}/api/v1/verdict?candidate=v1") as reply:
            assert json.loads(reply.read())["verdict"] == "fail", "an old candidate keeps its verdict"
        code, verdict = one.end()
    assert (code, verdict["candidate"]) == (0, "v2"), one.text


def test_targets_change_where_that_is_allowed_and_evidence_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "shadowdiff.toml"

    def point_at(green: CannedServer) -> None:
        fresh = tmp_path / "new.toml"
        fresh.write_text(
            f'[targets]\ngreen = "{green.url}"\n[gate]\nstop_on = "none"\n[service]\nreload_targets = true\n'
        )
        fresh.replace(file)

    with (
        CannedServer(stamped("one")) as blue,
        CannedServer(stamped("two")) as bad,
        CannedServer(stamped("one")) as good,
    ):
        point_at(bad)
        with live("proxy", tmp_path / "run", "-c", str(file), "--blue", blue.url) as one:
            for n in range(40):
                one.get(f"/item/{n}")
            one.wait(lambda: told(one)["verdict"] == "fail")
            point_at(good)
            one.wait(lambda: "targets.green changed" in one.text)
            for n in range(150):
                assert one.get(f"/item/{n}")[0] == 200
            one.wait(lambda: told(one)["verdict"] == "pass" and told(one)["divergence"]["n"] == 150)
            code, _ = one.end()
    assert code == 0 and len(good.seen) == 150 and len(bad.seen) == 40
