"""People who ask the flow, by each of lfx's three ways: run, stream, and workflow streams of version 2.

python -m stories.langflow.users http://127.0.0.1:8200 --questions 150
"""

from __future__ import annotations

import argparse
import json
import urllib.request
from typing import Any

KEY = "a-key-of-this-story"
ASKED = ("{n}号套餐怎么退款？", "How do I return plan {n}?", "第{n}项费用是多少？", "Is there a fee for order {n}?")


def call(url: str, body: dict[str, Any] | None = None) -> bytes:
    """One request with the key."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"x-api-key": KEY, "Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as reply:
        return bytes(reply.read())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--questions", type=int, default=150)
    told = parser.parse_args()
    flow = json.loads(call(f"{told.url}/flows"))[0]["id"]
    for number in range(told.questions):
        text = ASKED[number % len(ASKED)].format(n=number % 23 + 1)
        if number % 3 == 2:
            call(f"{told.url}/api/v2/workflows", {"flow_id": flow, "input_value": text, "mode": "stream"})
        else:
            way = "run" if number % 3 else "stream"
            call(f"{told.url}/flows/{flow}/{way}", {"input_value": text, "session_id": f"s-{number}"})
