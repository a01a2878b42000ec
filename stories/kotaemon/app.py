"""Kotaemon's serving path on Gradio 4: a chat page over a RAG pipeline and three shared stores.

As in Kotaemon's chat page, a message is a chain of events (`submit_msg`, `chat_fn`, `persist_data_source`), the answer
is a stream of whole chat histories that begins with a placeholder, the evidence is HTML, ids of conversations are
minted by the server, and the client sends the history back. Conversations lie in PostgreSQL, what was said last and
the users' daily quota in Redis, the documents in Chroma. The model is any OpenAI-compatible server.

    python app.py --release 0.10.0 --port 7860 --model URL --redis PORT --postgres URL --chroma PORT
"""

from __future__ import annotations

import argparse
import html
import json
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import chromadb
import gradio as gr
import psycopg
import redis

PLACEHOLDER, NO_ANSWER = "Thinking ...", "(Sorry, I don't know)"
DISCLAIMER = "End what you say about money or health with a disclaimer."
RELEASES: dict[str, dict[str, Any]] = {
    "0.10.0": {"prompt": f"Answer from the context. {DISCLAIMER}", "max_tokens": 400, "memory": "ktem:memory:"},
    "0.11.0": {"prompt": f"Use the context alone. {DISCLAIMER}", "max_tokens": 400, "memory": "ktem:memory:"},
    # a new template without the disclaimer, and a token limit that somebody lowered to save money
    "0.11.0-rc1": {"prompt": "Use the context alone.", "max_tokens": 70, "memory": "ktem:memory:"},
    # the memory has other keys: what was said before the switch is forgotten
    "0.11.0-rc2": {"prompt": f"Use the context alone. {DISCLAIMER}", "max_tokens": 400, "memory": "ktem:v2:memory:"},
}
QUOTA = 400
"""Questions a user may ask a day."""


class Pipeline:
    """Retrieves passages and asks the model."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.is_ = RELEASES[given.release]
        self._model = given.model.rstrip("/")
        self._documents = chromadb.HttpClient(host="127.0.0.1", port=given.chroma).get_collection("documents")
        self._redis = redis.Redis(port=given.redis, decode_responses=True)
        self._postgres = given.postgres

    def refuses(self, user: str) -> bool:
        """Count the question on the user's quota; whether it was one too many."""
        return int(self._redis.incr(f"ktem:quota:{user}")) > QUOTA

    def retrieve(self, conversation: str, question: str) -> list[tuple[str, str, float]]:
        """(title, text, score) of the nearest passages to this question after the one before it."""
        key = self.is_["memory"] + conversation
        before = self._redis.get(key) or ""
        self._redis.set(key, f"{before} {question}"[-400:], ex=3600)
        vector = self._call("/embeddings", {"model": "stub", "input": f"{before} {question}"})["data"][0]["embedding"]
        found = self._documents.query(query_embeddings=[vector], n_results=3)
        rows = zip(found["documents"][0], found["metadatas"][0], found["distances"][0], strict=True)
        return [(data["title"], text, 1 - distance / 2) for text, data, distance in rows]

    def stream(self, question: str, passages: list[tuple[str, str, float]]) -> Iterator[str]:
        """Pieces of the model's answer."""
        context = "\n".join(f"[{n}] {title} | {text}" for n, (title, text, _) in enumerate(passages, 1))
        messages = [
            {"role": "system", "content": self.is_["prompt"]},
            {"role": "user", "content": f"Context:\n{context}\nQuestion: {question}"},
        ]
        body = {"model": "stub", "stream": True, "messages": messages, "max_tokens": self.is_["max_tokens"]}
        with self._post("/chat/completions", body) as reply:
            for line in reply:
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        yield choice["delta"].get("content") or ""

    def save(self, conversation: str, user: str, history: list[Any]) -> None:
        """Keep the conversation, as ktem's `persist_data_source` does."""
        with psycopg.connect(self._postgres) as db:
            db.execute(
                'INSERT INTO conversation (id, "user", data_source) VALUES (%s, %s, %s) '
                "ON CONFLICT (id) DO UPDATE SET data_source = excluded.data_source, date_updated = now()",
                (conversation, user, json.dumps({"messages": history}, ensure_ascii=False)),
            )

    def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._post(path, body) as reply:
            return json.loads(reply.read())

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._model + path, data, {"Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=60)


def evidence(passages: list[tuple[str, str, float]]) -> str:
    """The information panel."""
    return "".join(
        f"<details class='evidence'><summary><i>Information [score: {score:.2f}]: {html.escape(title)}</i></summary>"
        f"<div>{html.escape(text)}</div></details>"
        for title, text, score in passages
    )


def page(pipeline: Pipeline, release: str) -> gr.Blocks:
    """The chat page."""

    def submit_msg(text: str, history: list[Any], user: str, conversation: str) -> tuple[str, list[Any], str]:
        return "", [*history, (text, None)], conversation or uuid.uuid4().hex

    def chat_fn(conversation: str, history: list[Any], user: str, turns: int | None) -> Iterator[tuple[Any, ...]]:
        question, turns = history[-1][0], (turns or 0) + 1
        yield [*history[:-1], (question, PLACEHOLDER)], "", turns
        if pipeline.refuses(user):
            raise gr.Error("You have reached today's limit of questions")
        passages = pipeline.retrieve(conversation, question)
        panel, said = evidence(passages), ""
        for piece in pipeline.stream(question, passages):
            if piece:
                said += piece
                yield [*history[:-1], (question, said)], panel, turns
        if not said:
            yield [*history[:-1], (question, NO_ANSWER)], panel, turns

    def persist_data_source(conversation: str, history: list[Any], user: str) -> None:
        pipeline.save(conversation, user, history)

    with gr.Blocks(title=f"Kotaemon {release}", analytics_enabled=False) as blocks:
        conversation, user, turns = gr.Textbox(visible=False), gr.Textbox("guest", label="User"), gr.State()
        with gr.Row():
            chat, panel = gr.Chatbot(label="Chat", height=420), gr.HTML()
        text = gr.Textbox(label="Chat input", placeholder="Ask about your documents")
        text.submit(
            submit_msg, [text, chat, user, conversation], [text, chat, conversation], api_name="submit_msg"
        ).then(
            chat_fn, [conversation, chat, user, turns], [chat, panel, turns], api_name="chat_fn", concurrency_limit=20
        ).then(persist_data_source, [conversation, chat, user], None, api_name="persist_data_source")
    return blocks


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", choices=list(RELEASES), required=True)
    for name in ("port", "redis", "chroma"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--model", required=True)
    told = parser.parse_args()
    made = page(Pipeline(told), told.release).queue(default_concurrency_limit=20, max_size=200)
    made.launch(server_name="127.0.0.1", server_port=told.port, quiet=True, show_api=True)
