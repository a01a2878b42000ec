"""A member is killed, one joins, the broker restarts: every record counts once, and the verdict is that of one process.

Short: 6,000 records; full (`make long`): 200,000.
"""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff import tape
from tests.long.scale import scale
from tests.real.test_kafka import FIXED, alike, filled, numbered, said_by, settled, single
from tests.real.test_kafka import member as joined
from tests.servers.kafka import broker
from tests.servers.nginx import nginx

pytestmark = pytest.mark.long
COUNT = scale(6_000, 200_000)
SECONDS = scale(25, 120)
"""How long three members are made to take for the whole topic."""
SITE = (
    "log_format line '$request_uri'; "
    "server { listen 127.0.0.1:{port} backlog=4096; location / { access_log {log} line; default_type application/json; "
    "SPECIAL return 200 '{\"path\": \"$uri\", \"n\": 1}'; } }"
)  # fmt: skip
WRONG = 'if ($uri ~ 7$) { return 200 \'{"path": "other"}\'; }'


class Target:
    """What a test needs of a server: its URL."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"


def test_nothing_is_lost_or_counted_twice_whatever_happens(cli, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    log = numbered(tmp_path / "log.jsonl", COUNT)
    asked = tmp_path / "asked"
    site = SITE.replace("{log}", str(asked))
    with (
        nginx(site.replace("SPECIAL", "").replace(f"access_log {asked} line;", "")) as one,
        nginx(site.replace("SPECIAL", WRONG)) as two,
        broker() as kafka,
    ):
        blue, green = Target(one), Target(two)
        alone = single(cli, log, blue, green)  # type: ignore[arg-type]
        asked.write_text("")
        url = kafka.topic("log", 6)
        filled(url, log)
        rate = ("--rate", f"{COUNT / SECONDS / 3:.0f}/s", *FIXED)
        members = [joined(url, blue, green, tmp_path / f"m{n}", *rate) for n in range(3)]  # type: ignore[arg-type]

        def reached(count: int) -> None:
            until = time.monotonic() + 4 * SECONDS + 60
            while asked.read_text().count("\n") < count:
                assert time.monotonic() < until
                time.sleep(0.2)

        reached(COUNT // 5)
        members[0].send_signal(signal.SIGKILL)
        members[0].communicate()
        reached(2 * COUNT // 5)
        kafka.stop(kill=True)
        time.sleep(2)
        kafka.start()
        reached(3 * COUNT // 5)
        members.append(joined(url, blue, green, tmp_path / "m3", *rate))  # type: ignore[arg-type]
        verdicts = [said_by(process, 6 * SECONDS + 120) for process in members[1:]]
        for verdict in verdicts:
            alike(alone, verdict)
        done = cli("gate", url, "--json", "-q", "-o", "gathered")
        alike(alone, json.loads(done.stdout))
        first = [line[:3] for line in settled(tmp_path / "single")]
        assert first == [line[:3] for line in settled(tmp_path / "gathered")]
        order: dict[str, list[int]] = {}
        for line in tape.read(tmp_path / "gathered" / "comparisons.jsonl"):
            if "session" in line:
                order.setdefault(line["session"], []).append(line["turn"])
        assert all(turns == list(range(1, len(turns) + 1)) for turns in order.values())
        again = Counter(asked.read_text().split("\n"))
        twice = sum(count - 1 for path, count in again.items() if path)
        print(f"\n{COUNT} records, 3 + 1 members, one killed, broker killed and restarted: {twice} sent again")
        assert len([path for path in again if path]) == COUNT and twice < COUNT // 6
