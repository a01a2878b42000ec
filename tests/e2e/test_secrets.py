"""A secret in request, answer or configuration appears in no file, line, metric, alert, message or summary."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from shadowdiff.testing import CannedServer, answer
from tests.e2e.live import Live

ASKED, ANSWERED, GIVEN, SIGNING, TOKEN = (
    "sk-asked0123456789abcdef", "sk-answered0123456789abcdef", "given-0123456789-to-green", "signing-0123456789-key",
    "api-0123456789-token",
)  # fmt: skip
PERSONAL = {"identity": "11010519491231002X", "card": "4111111111111111", "phone": "13800138000"}
PACKED = base64.b64encode(f"Bearer {ANSWERED}".encode()).decode()
SECRETS = (ASKED, ANSWERED, GIVEN, SIGNING, TOKEN, PACKED, *PERSONAL.values())


def telling(side: str):
    def script(head: bytes, body: bytes) -> list[bytes]:
        text = json.dumps(
            {
                "side": side,
                "api_key": ANSWERED,
                "note": f"Bearer {ANSWERED}",
                "packed": PACKED,
                **PERSONAL,
                "link": f"/a?api_key={ASKED}",
                "said": f"您的手机号是{PERSONAL['phone']}",
            }
        ).encode()
        return [answer(text, "200 OK", "Content-Type: application/json", f"Set-Cookie: sid={ANSWERED}")]

    return script


def configured(folder: Path, hook: str, alerts: str) -> Path:
    (folder / "c.toml").write_text(
        f"""
[targets.green_headers]
authorization = "env:GREEN"
[capture]
allow_methods = ["POST"]
[gate]
stop_on = "none"
[service]
token = "env:API"
log = "json"
[[actions]]
use = "webhook"
url = "{hook}/hook?token={SIGNING}"
secret = "env:SIGN"
headers = {{ x-api-key = "env:SIGN" }}
[[actions]]
use = "alertmanager"
url = "{alerts}"
headers = {{ authorization = "env:SIGN" }}
[[actions]]
use = "command"
command = ["{sys.executable}", "-c", "import os, sys; open('told', 'w').write(sys.stdin.read() + repr(dict(os.environ)))"]
""",
        "utf-8",
    )
    return folder / "c.toml"


def found_in(data: bytes) -> list[str]:
    return [one for one in SECRETS if one.encode() in data]


def body_of(server: CannedServer) -> bytes:
    return b"".join(body for _, body in server.seen)


def test_planted_secrets_stay_where_they_are(cli, tmp_path: Path) -> None:
    env = {"GREEN": f"Bearer {GIVEN}", "API": TOKEN, "SIGN": SIGNING}
    files = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "s"),
        "GITHUB_OUTPUT": str(tmp_path / "o"),
    }
    line = {
        "method": "POST",
        "headers": [["Authorization", f"Bearer {ASKED}"]],
        "body": json.dumps({"password": ASKED}),
    }
    log = tmp_path / "traffic.log"
    log.write_text("".join(json.dumps({"target": f"/a?api_key={ASKED}&n={n}", **line}) + "\n" for n in range(40)))
    with (
        CannedServer(lambda head, body: [answer(b"ok")]) as hook,
        CannedServer(lambda head, body: [answer(b"ok")]) as alerts,
        CannedServer(telling("one")) as blue,
        CannedServer(telling("two")) as green,
    ):
        config = configured(tmp_path, hook.url, alerts.url)
        run = ("-c", config, "--blue", blue.url, "--green", green.url)
        done = cli("replay", log, *run, "-o", "run", "-v", "--json", "--tekton-results", "results", **files, **env)
        assert done.returncode == 1, done.stderr
        dry = cli("replay", log, *run, "-o", "dry", "--act", "dry-run", **env)
        shown = cli("show", "run", "traffic.log:1")
        process = subprocess.Popen(
            [
                sys.executable, "-m", "shadowdiff", "proxy", "--listen", "127.0.0.1:0", *map(str, run), "-o",
                "live", "--api", "127.0.0.1:0", "--record", "recorded.jsonl",
            ],
            stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | env,
        )  # fmt: skip
        one = Live(process, tmp_path / "live")
        one.wait(lambda: one.address)
        for n in range(30):
            one.get(f"/a?api_key={ASKED}&n={n}", "POST", b'{"a": 1}', Authorization=f"Bearer {ASKED}")
        one.wait(lambda: len(one.compared()) == 30 and len(hook.seen) >= 2)
        served = b""
        for path in ("/metrics", "/api/v1/verdict", "/api/v1/config"):
            request = urllib.request.Request(one.api + path, headers={"Authorization": f"Bearer {TOKEN}"})
            with urllib.request.urlopen(request) as reply:
                served += reply.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1, one.text
        one.close()
    assert green.seen and GIVEN.encode() in green.seen[0][0], "green was given its own credential"
    printed = (done.stdout + done.stderr + dry.stdout + dry.stderr + shown.stdout + one.text).encode()
    assert found_in(printed) == []
    assert found_in(served) == [] and found_in(body_of(hook)) == [] and found_in(body_of(alerts)) == []
    recorded = (tmp_path / "recorded.jsonl").read_bytes()
    assert f"Bearer {ASKED}".encode() not in recorded and f"sid={ANSWERED}".encode() not in recorded
    kept = {"c.toml", "traffic.log", "told", "recorded.jsonl"}  # bodies and queries of a recording are the traffic
    for path in (one for one in tmp_path.rglob("*") if one.is_file() and one.name not in kept):
        leaked = found_in(path.read_bytes())
        assert leaked == [], (path.name, leaked)
    told = (tmp_path / "told").read_text().partition("{'")[0]
    assert found_in(told.encode()) == [], "the environment is the operator's own; the verdict on stdin is ours"
