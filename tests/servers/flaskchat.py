"""A home-grown chat in Flask: a login form with a CSRF token, a signed session cookie, conversation ids of its own."""

from __future__ import annotations

import contextlib
import secrets
import threading
import uuid
from collections.abc import Iterator

from flask import Flask, abort, jsonify, redirect, request, session
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Nothing on stderr."""


def chat(store: dict[str, list[str]] | None = None) -> Flask:
    """The application; every answer depends on the whole conversation."""
    app = Flask("chat")
    app.secret_key = secrets.token_bytes(16)
    talks: dict[str, list[str]] = {} if store is None else store

    @app.get("/login")
    def form() -> str:
        session["csrf"] = secrets.token_hex(20)
        return (
            "<!doctype html><title>Log in</title><form method=post>"
            f'<input type="hidden" name="csrf_token" value="{session["csrf"]}"><input name="user"></form>'
        )

    @app.post("/login")
    def login():
        if request.form.get("csrf_token") != session.get("csrf"):
            abort(403, "CSRF token is missing or wrong")
        session["user"] = request.form["user"]
        session["api"] = secrets.token_urlsafe(32)
        return redirect("/chat")

    @app.get("/chat")
    def page() -> str:
        _user()
        return f'<!doctype html><meta name="csrf-token" content="{session["api"]}"><h1>Hello {session["user"]}</h1>'

    @app.post("/api/conversations")
    def begin():
        _user()
        _token()
        talk = str(uuid.uuid4())
        talks[talk] = []
        return jsonify(conversation={"id": talk, "title": "New chat"}), 201

    @app.post("/api/chat")
    def say():
        _user()
        _token()
        body = request.get_json()
        said = talks.get(body["conversation_id"])
        if said is None:
            abort(404, "no such conversation")
        said.append(body["message"])
        return jsonify(
            answer=f"{session['user']} said {body['message']}; before: {', '.join(said[:-1]) or 'nothing'}"
        )

    def _user() -> None:
        if "user" not in session:
            abort(401)

    def _token() -> None:
        if request.headers.get("X-CSRF-Token") != session.get("api"):
            abort(403, "CSRF token is missing or wrong")

    return app


@contextlib.contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a loopback port, in a thread of its own; gives its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
