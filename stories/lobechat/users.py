"""People who chat through the ingress until SIGTERM; half of the answers are streamed, histories grow.

python -m stories.lobechat.users http://127.0.0.1:3200 --callers 4
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import threading
import urllib.request

ASKED = (
    "Plan {n} costs {m} yuan a month and can be returned within 7 days. Repeat that.",
    "{n}号套餐每月{m}元，签收后7天内可以退款，请复述。",
    "Our branch on street {n} opens at 9:30 and closes at {m}. Repeat that.",
    "请复述：第{n}项指标偏高时先清淡饮食{m}周，再复查一次，必要时就医。",
)


def chat(url: str, number: int) -> None:
    """One conversation of two questions."""
    rng = random.Random(number)
    messages: list[dict[str, str]] = []
    for _ in range(2):
        text = rng.choice(ASKED).format(n=rng.randrange(1, 40), m=rng.randrange(2, 90))
        messages.append({"role": "user", "content": text})
        body = {"model": "gpt-4o-mini", "stream": True, "temperature": 0.6, "messages": messages}
        asked = urllib.request.Request(
            f"{url}/webapi/chat/openai", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with contextlib.suppress(OSError), urllib.request.urlopen(asked, timeout=30) as reply:
            reply.read()
        messages.append({"role": "assistant", "content": text})


def go_on(url: str, first: int, step: int) -> None:
    """Conversations without end."""
    while True:
        chat(url, first)
        first += step


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--callers", type=int, default=4)
    told = parser.parse_args()
    for number in range(told.callers):
        threading.Thread(target=go_on, args=(told.url, number, told.callers), daemon=True).start()
    threading.Event().wait()
