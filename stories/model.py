"""A stub model behind an OpenAI-compatible server: /v1/chat/completions (streamed or not) and /v1/embeddings.

It does what its prompt tells it, so that a release's own mistakes (a lost instruction, a smaller token limit, the
wrong passages) show in its answers as they would with a real model; the words around an answer are drawn by chance.
Standard library alone: `python stories/model.py --port 8090`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SIZE = 256
"""Numbers of an embedding."""
NOTES = {
    "zh": "以上内容仅供参考，具体以合同条款和官方公告为准。",
    "en": "This is for reference only; the contract prevails.",
}
OPENERS = {
    "zh": ("", "好的，", "您好，", "根据资料，"),
    "en": ("", "Sure. ", "Of course. ", "According to the documents: "),
}
CLOSERS = {"zh": ("", "还有什么可以帮您？", "希望对您有帮助。"), "en": ("", " Anything else?", " I hope this helps.")}
_PASSAGE = re.compile(r"^\[1\] [^\n]*?\| (.*?)(?=^\[2\] |^Question: )", re.MULTILINE | re.DOTALL)
_PIECE = re.compile(r"[一-鿿]|[A-Za-z]+|\d+|[^\w\s]|\s+")
_NOTED = re.compile(r"理财|风险|指标|体检|就医|复查|fund|rated R|marker|medication|vegetables", re.IGNORECASE)
_rng = random.Random()
_lock = threading.Lock()


def embedding(text: str) -> list[float]:
    """A bag of words, pairs of characters and numbers, hashed: near texts are near, other numbers are not."""
    made = [0.0] * SIZE
    words = re.findall(r"\d+|[a-z]+", text.lower())
    pairs = [text[at : at + 2] for at in range(len(text) - 1) if re.fullmatch(r"[一-鿿]{2}", text[at : at + 2])]
    for word in (*words, *pairs):
        made[zlib.crc32(word.encode()) % SIZE] += 3.0 if word.isdigit() else 1.0
    length = sum(value * value for value in made) ** 0.5 or 1.0
    return [value / length for value in made]


def answer(messages: list[dict[str, Any]]) -> str:
    """What the model says: the first passage of its context, or what a chat without context asked about."""
    asked = str(messages[-1]["content"])
    told = "\n".join(str(one["content"]) for one in messages if one["role"] == "system")
    found = _PASSAGE.search(asked)
    if found is None and "Question: " in asked:
        return ""
    text = found[1].strip() if found else f"{asked.strip()}"
    lang = "zh" if re.search(r"[一-鿿]", text) else "en"
    if "disclaimer" in told and _NOTED.search(text):
        text += (" " if lang == "en" else "") + NOTES[lang]
    with _lock:
        return _rng.choice(OPENERS[lang]) + text + _rng.choice(CLOSERS[lang])


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    delay_s = 0.001

    def do_GET(self) -> None:
        """Health, and the list of models."""
        self._json({"object": "list", "data": [{"id": "stub", "object": "model"}]})

    def do_POST(self) -> None:
        """One call of the API."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            data = [{"object": "embedding", "index": n, "embedding": embedding(one)} for n, one in enumerate(texts)]
            self._json({"object": "list", "model": "stub", "data": data})
            return
        pieces = _PIECE.findall(answer(asked["messages"]))
        limit = asked.get("max_tokens") or asked.get("max_completion_tokens") or 4096
        finish = "length" if len(pieces) > limit else "stop"
        pieces = pieces[:limit]
        usage = {"prompt_tokens": len(str(asked["messages"])) // 4, "completion_tokens": len(pieces)}
        usage["total_tokens"] = sum(usage.values())
        head = {"id": f"chatcmpl-{_rng.getrandbits(64):016x}", "created": 1_790_000_000, "model": asked["model"]}
        if asked.get("stream"):
            self._stream(head, pieces, finish, usage)
        else:
            message = {"role": "assistant", "content": "".join(pieces)}
            choices = [{"index": 0, "message": message, "finish_reason": finish}]
            self._json({**head, "object": "chat.completion", "choices": choices, "usage": usage})

    def _stream(self, head: dict[str, Any], pieces: list[str], finish: str, usage: dict[str, int]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        head["object"] = "chat.completion.chunk"
        self._event(head, {"role": "assistant", "content": ""}, None)
        for at in range(0, len(pieces), 6):
            self._event(head, {"content": "".join(pieces[at : at + 6])}, None)
            time.sleep(self.delay_s)
        self._event(head, {}, finish)
        self._send(json.dumps({**head, "choices": [], "usage": usage}))
        self._send("[DONE]")

    def _event(self, head: dict[str, Any], delta: dict[str, str], finish: str | None) -> None:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        self._send(json.dumps({**head, "choices": choices}, ensure_ascii=False))

    def _send(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def _json(self, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Many callers at once."""

    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    Server(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()
