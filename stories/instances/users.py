"""People in sessions of five events; one in ten events comes twice, one in twenty late.

python -m stories.instances.users http://127.0.0.1:9400 --sessions 40
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

ASKED = (
    "What is plan {n}?",
    "Can I return it?",
    "How long until the money is back?",
    "And by credit card?",
    "Thanks.",
)


def talk(url: str, prefix: str, number: int, pause_s: float) -> None:
    """One session."""
    rng = random.Random(f"{prefix}{number}")
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    session = f"{prefix}-{number:04d}"

    def send(at: int) -> None:
        event = {"event_id": f"{session}-e{at}", "at": at, "text": ASKED[at - 1].format(n=number)}
        connection.request(
            "POST", "/chat", json.dumps(event), {"X-Session-Id": session, "Content-Type": "application/json"}
        )
        connection.getresponse().read()

    for at in range(1, len(ASKED) + 1):
        send(at)
        if rng.random() < 0.1:
            send(at)  # the network was slow, the client asked again
        if at > 1 and rng.random() < 0.05:
            send(at - 1)
        time.sleep(pause_s)
    connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--prefix", default="u", help="of the sessions' names")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between events of a session")
    parser.add_argument("--at-once", type=int, default=12, help="sessions that are open together")
    told = parser.parse_args()
    with ThreadPoolExecutor(told.at_once) as pool:
        list(pool.map(lambda n: talk(told.url, told.prefix, n, told.pause), range(told.sessions)))
