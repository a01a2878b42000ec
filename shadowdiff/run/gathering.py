"""`gate kafka://…`: gather what a group counts, answer meanwhile whoever asks, and write everything at the end."""

from __future__ import annotations

import contextlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from shadowdiff.errors import UsageError
from shadowdiff.gate.limits import Limits
from shadowdiff.model.verdict import Verdict
from shadowdiff.net import kafka
from shadowdiff.run import saved
from shadowdiff.run.publishing import client_settings
from shadowdiff.run.results import finish, to_json
from shadowdiff.run.topic import Topic
from shadowdiff.settings import Config


def judge(
    config: Config,
    url: str,
    limits: Limits | None,
    wait_s: float,
    api: str,
    token: str,
    out: Path | None,
    say: Callable[[str], None],
) -> tuple[Verdict, str]:
    """(verdict, language) of what the group of `config` counts at `url`; see the command for the rest.

    Raises `SourceError` where nothing was counted or no broker answers, `UsageError` for what is the caller's.
    """
    place = kafka.place_of(url)
    settings = client_settings(config, place)
    if wait_s:  # the first process may still be starting
        kafka.make_topics(place, settings, config.kafka.replicas)
    topic = Topic(place, settings, config.kafka.group)
    newest: list[Verdict] = []
    try:
        with serving(api, token, lambda: newest[-1] if newest else None) as where:
            if where:
                say(f"the verdict is at {where}/api/v1/verdict")
            topic.read()
            verdict = topic.wait(limits, wait_s, lambda text: say(f"{url}: {text}"), newest=newest)
        info = topic.info
        if out is not None:
            topic.folder(out)
            _, total, collected = saved.collect(out, config.report.lang if limits is not None else "")
            verdict = msgspec.structs.replace(verdict, report=str(out / "report.html"))
            finish(out, verdict, total, collected)
    finally:
        topic.close()
    return verdict, info.lang if info is not None else "en"


@contextlib.contextmanager
def serving(api: str, token: str, newest: Callable[[], Verdict | None]) -> Iterator[str]:
    """Answer the verdict API's question while the body runs; yields the URL, empty when off. Raises `UsageError`."""
    from shadowdiff.run.api import address

    where = address(api, token)
    if where is None:
        yield ""
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/healthz":
                return self._answer(200, b"ok\n", "text/plain")
            given = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token and not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
                return self._error(401, "a bearer token is needed")
            verdict = newest()
            if asked.path == "/readyz":
                return self._answer(200 if verdict else 503, b"ready\n" if verdict else b"not yet\n", "text/plain")
            query = parse_qs(asked.query)
            wanted = {name: query.get(name, [""])[0] for name in ("service", "candidate")}
            known = verdict is not None and all(
                not value or value == getattr(verdict, name) for name, value in wanted.items()
            )
            if asked.path != "/api/v1/verdict" or verdict is None or not known:
                return self._error(404, "no verdict on that is known here")
            return self._answer(200, to_json(verdict), "application/json")

        def _error(self, status: int, text: str) -> None:
            self._answer(status, json.dumps({"error": text}).encode(), "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    try:
        server = ThreadingHTTPServer(where, Handler)
    except OSError as error:
        raise UsageError(f"--api {api}: cannot listen there ({error.strerror})") from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{where[0]}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
