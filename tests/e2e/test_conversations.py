"""The proof: a captured five-turn conversation with ids that the service mints works on blue and green at once."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.servers import flaskchat, threads

TOPICS = ["rice", "tea", "boats", "rain", "maps"]


class Client:
    """A client that keeps what it is told, and writes down every exchange as a capture line."""

    def __init__(self, base: str, cookies: bool = False) -> None:
        self._base = base
        self._cookies = cookies
        self._jar: dict[str, str] = {}
        self.lines: list[str] = []

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._jar.items())
        request = urllib.request.Request(self._base + path, body or None, sent, method=method)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            answer = opener.open(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, raw, pairs = answer.status, answer.read(), answer.getheaders()
        for name, value in pairs:
            if self._cookies and name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._jar[key] = rest.partition(";")[0]
        self.lines.append(
            json.dumps(
                {"id": f"t{len(self.lines)}", "method": method, "target": path, "headers": sent, "body": body.decode(),
                 "ts": 1700000000 + len(self.lines),
                 "response": {"status": status, "headers": pairs, "body": raw.decode()}}
            )
        )  # fmt: skip
        return status, raw

    def json(self, method: str, path: str, value: object = None, **headers: str) -> dict:
        body = b"" if value is None else json.dumps(value).encode()
        status, raw = self.ask(method, path, body, Content_Type="application/json", **headers)
        assert status < 300, raw
        return json.loads(raw)

    def save(self, path: Path) -> Path:
        path.write_text("\n".join(self.lines) + "\n")
        return path


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def assistants(base: str, log: Path) -> Path:
    client = Client(base)
    thread = client.json("POST", "/v1/threads", {})["id"]
    for topic in TOPICS:
        client.json("POST", f"/v1/threads/{thread}/messages", {"role": "user", "content": topic})
        run = client.json("POST", f"/v1/threads/{thread}/runs", {"assistant_id": "asst_1"})["id"]
        client.json("GET", f"/v1/threads/{thread}/runs/{run}")
        client.json("GET", f"/v1/threads/{thread}/messages")
    return client.save(log)


def flask_chat(base: str, log: Path) -> Path:
    client = Client(base, cookies=True)
    _, page = client.ask("GET", "/login")
    token = re.search(rb'value="(\w+)"', page)[1].decode()
    form = f"csrf_token={token}&user=ann".encode()
    assert client.ask("POST", "/login", form, Content_Type="application/x-www-form-urlencoded")[0] == 302
    _, page = client.ask("GET", "/chat")
    api = re.search(rb'content="([^"]+)"', page)[1].decode()
    talk = client.json("POST", "/api/conversations", {}, X_CSRF_Token=api)["conversation"]["id"]
    for topic in TOPICS:
        client.json("POST", "/api/chat", {"conversation_id": talk, "message": topic}, X_CSRF_Token=api)
    return client.save(log)


def replay(cli, log: Path, blue: str, green: str, out: Path, *more: str) -> tuple[int, dict, str]:
    done = cli("replay", log, "--blue", blue, "--green", green, "--allow-method", "POST", "--out", out, "--json",
               "--stop-on", "none", "--no-control", *more)  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("by", ["file", "minted", "path:/v1/threads/*"])
def test_a_captured_assistants_conversation_works_on_both_targets(cli, tmp_path: Path, by: str) -> None:
    with threads.serving(threads.Threads()) as recorded:
        log = assistants(recorded, tmp_path / "log.jsonl")
    blue, green = threads.Threads(), threads.Threads()
    with threads.serving(blue) as one, threads.serving(green) as two:
        _, verdict, text = replay(cli, log, one, two, tmp_path / "run", "--session-by", by)
    if by.startswith("path"):
        # the place sees a thread's id in every request but the one that mints it
        assert verdict["fidelity"] < 0.1
        return
    assert verdict["ledger"]["sent"] == verdict["ledger"]["matched"] + verdict["ledger"]["ignored"] == 21
    assert verdict["fidelity"] == 1 and not blue.refused and not green.refused
    (thread,) = blue.store.values()
    assert [m["content"] for m in thread if m["role"] == "user"] == TOPICS
    assert "/v1/threads/{id}" in text and "json:/id" in text


def test_without_correlation_the_conversation_falls_apart(cli, tmp_path: Path) -> None:
    with threads.serving(threads.Threads()) as recorded:
        log = assistants(recorded, tmp_path / "log.jsonl")
    blue, green = threads.Threads(), threads.Threads()
    with threads.serving(blue) as one, threads.serving(green) as two:
        code, verdict, _ = replay(cli, log, one, two, tmp_path / "run", "--session-by", "file", "--no-correlate")
    assert code == 3 and verdict["fidelity"] < 0.1
    assert blue.refused == green.refused == 20


def test_a_captured_flask_login_and_chat_work_on_both_targets(cli, tmp_path: Path) -> None:
    with flaskchat.serving(flaskchat.chat()) as recorded:
        log = flask_chat(recorded, tmp_path / "log.jsonl")
    blue, green = {}, {}
    with flaskchat.serving(flaskchat.chat(blue)) as one, flaskchat.serving(flaskchat.chat(green)) as two:
        _, verdict, text = replay(cli, log, one, two, tmp_path / "run", "--session-by", "file")
        assert verdict["ledger"]["matched"] + verdict["ledger"]["ignored"] == 9, text
        assert list(blue.values()) == list(green.values()) == [TOPICS]
        assert "html:csrf_token" in text and "json:/conversation/id" in text
        code, verdict, _ = replay(
            cli, log, one, two, tmp_path / "run2", "--session-by", "file", "--no-correlate", "--no-cookies"
        )
        assert code == 3 and verdict["ledger"]["errored"] == 8


class Forgetful(threads.Threads):
    """Green as a careless rewrite: it keeps what it says where blue does not look."""

    async def run(self, request):
        answer = await super().run(request)
        self.store[request.match_info["thread"]].pop()
        return answer


@pytest.mark.parametrize(
    ("green", "first"),
    [
        (lambda store: threads.Threads(store), ""),
        (lambda store: threads.Threads({}), "on green"),
        (lambda store: threads.Threads(store, remembers=1), "on green"),
        (lambda store: Forgetful(store), "on green"),
    ],
)
def test_a_hand_over_shows_where_context_is_lost(cli, tmp_path: Path, green, first: str) -> None:
    with threads.serving(threads.Threads()) as recorded:
        log = assistants(recorded, tmp_path / "log.jsonl")
    store: dict[str, list[dict]] = {}
    blue = threads.Threads(store)
    other = green(store)
    other.runs = blue.runs
    with threads.serving(blue) as one, threads.serving(other) as two:
        _, verdict, text = replay(
            cli, log, one, two, tmp_path / "run", "--session-by", "file", "--handover", "9", "--warmup", "0"
        )
    assert verdict["ledger"]["warmup"] == 9 and verdict["ledger"]["sent"] == 12
    if first:
        assert verdict["ledger"]["mismatched"] and f"1 first diverged {first}" in text
        assert "First diverging turn of sessions: turn 1" in text
    else:
        assert verdict["ledger"]["mismatched"] == 0, text
        assert "1 sessions were switched to green, 1 of them back to blue; 1 did not" in text


def test_a_rollback_that_cannot_read_what_green_wrote_is_found_on_the_way_back(cli, tmp_path: Path) -> None:
    """Green renames a field in the shared store: green understands itself, blue does not understand green."""

    class Renaming(threads.Threads):
        async def say(self, request):
            answer = await super().say(request)
            self.store[request.match_info["thread"]][-1]["role"] = "User"
            return answer

        async def run(self, request):
            messages = self._messages(request)
            for message in messages:
                message["role"] = message["role"].lower()
            answer = await super().run(request)
            for message in messages:
                message["role"] = message["role"].capitalize()
            return answer

        async def read(self, request):
            lowered = [{**m, "role": m["role"].lower()} for m in self._messages(request)]
            return threads.web.json_response({"data": lowered[::-1]})

    with threads.serving(threads.Threads()) as recorded:
        log = assistants(recorded, tmp_path / "log.jsonl")
    store: dict[str, list[dict]] = {}
    blue, other = threads.Threads(store), Renaming(store)
    other.runs = blue.runs
    with threads.serving(blue) as one, threads.serving(other) as two:
        _, verdict, text = replay(cli, log, one, two, tmp_path / "run", "--session-by", "file", "--handover", "5")
    assert verdict["ledger"]["mismatched"] and "1 first diverged back on blue" in text, text


def test_a_hand_over_without_sessions_sends_nothing_and_says_why(cli, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"target":"/"}\n')
    with threads.serving(threads.Threads()) as one:
        code, verdict, text = replay(cli, tmp_path / "log.jsonl", one, one, tmp_path / "run", "--handover", "1")
    assert code == 3 and verdict["ledger"]["skipped"] == 1 and "name them with --session-by" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--blue", "recorded"], "needs a blue that answers"),
        (["--blue", "http://127.0.0.1:1", "--no-isolation"], "needs isolation"),
        (["--blue", "http://127.0.0.1:1", "--handover", "-1"], "write how many turns"),
    ],
)
def test_a_hand_over_that_could_not_be_one_is_refused(cli, tmp_path: Path, options: list[str], says: str) -> None:
    (tmp_path / "log.jsonl").write_text('{"target":"/"}\n')
    done = cli("replay", tmp_path / "log.jsonl", "--handover", "1", "--green", "http://127.0.0.1:1", *options)
    assert done.returncode == 2 and says in done.stderr
