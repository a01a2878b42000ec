"""One instance of a home-grown chat service; sessions and the events already seen lie in Redis, shared by all.

Events come at least once and in any order: one seen before gets the answer it got, one older than the session's last
changes nothing. Release `2-bad` keeps sessions in its own memory, which works as long as a balancer is sticky and
nobody takes the instance away.

    python -m stories.instances.chat --port 9411 --redis 9490 --release 1
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import redis

RELEASES = ("1", "2", "2-bad")
HOUR = 3600


class Sessions:
    """What is known of each session."""

    def __init__(self, release: str, port: int) -> None:
        self._redis = redis.Redis(port=port, decode_responses=True)
        self._own: dict[str, list[str]] | None = {} if release == "2-bad" else None

    def answer(self, session: str, event: str, at: int, text: str) -> dict[str, Any]:
        """Answer one event of a session."""
        seen = f"seen:{session}:{event}"
        if known := self._redis.get(seen):
            return dict(json.loads(known))
        last = f"last:{session}"
        if at <= int(self._redis.get(last) or 0):
            return {"turn": at, "text": "This came too late and changes nothing.", "late": True}
        self._redis.set(last, at, ex=HOUR)
        said = self._said(session, text)
        before = f" Before that you asked: {said[-2]}" if len(said) > 1 else ""
        made = {"turn": len(said), "text": f"You asked: {text}{before}", "late": False}
        self._redis.set(seen, json.dumps(made), ex=HOUR)
        return made

    def _said(self, session: str, text: str) -> list[str]:
        if self._own is not None:
            self._own.setdefault(session, []).append(text)
            return self._own[session]
        self._redis.rpush(f"said:{session}", text)
        return list(self._redis.lrange(f"said:{session}", 0, -1))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    sessions: Sessions

    def do_GET(self) -> None:
        """Health."""
        self._json({"ok": True})

    def do_POST(self) -> None:
        """One event."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        session = self.headers["X-Session-Id"]
        self._json(self.sessions.answer(session, asked["event_id"], asked["at"], asked["text"]))

    def _json(self, value: dict[str, Any]) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", type=int, required=True)
    parser.add_argument("--release", choices=RELEASES, required=True)
    told = parser.parse_args()
    Handler.sessions = Sessions(told.release, told.redis)
    ThreadingHTTPServer.request_queue_size = 256
    with ThreadingHTTPServer(("127.0.0.1", told.port), Handler) as server:
        end = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: end.set())
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        end.wait()
        server.shutdown()  # no new connection; what is being answered is
