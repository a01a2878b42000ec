"""People who chat with Kotaemon, by Gradio's own client: two or three questions a conversation, in two languages.

python users.py http://127.0.0.1:7860 --conversations 60
"""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from documents import SERIES, questions
from gradio_client import Client

CALLERS = 4


def converse(url: str, number: int) -> None:
    """One conversation of a user."""
    rng = random.Random(number)
    asked = questions(rng.randrange(len(SERIES)), rng.randrange(1, 9))
    if number % 4 == 0:
        asked = (*asked, asked[0])  # some ask again
    client = Client(url, verbose=False)
    user, conversation, history = f"user-{number % 10:03d}", "", []
    for question in asked:
        _, history, conversation = client.predict(question, history, user, conversation, api_name="/submit_msg")
        outputs: Any = client.predict(conversation, history, user, api_name="/chat_fn")
        history = outputs[0]
        client.predict(conversation, history, user, api_name="/persist_data_source")
    client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--conversations", type=int, default=60)
    told = parser.parse_args()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(lambda number: converse(told.url, number), range(told.conversations)))
