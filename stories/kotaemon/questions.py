"""Write the preset questions of the quality gate: `python -m stories.kotaemon.questions > questions.jsonl`.

Each is a session of two requests, as Gradio's API wants it: the question, and the fetch of its answer by the event id
that the first answer named. The last of its inputs is Gradio's own state, which a browser leaves empty too. What the answer must hold stands beside it: its figures, its source, its note.
"""

from __future__ import annotations

import json
import re
import sys

from stories.kotaemon.documents import SERIES, passages, questions

COPIES = (2, 5, 7)
NOTED = {"产品说明书": "仅供参考", "健康指南": "仅供参考", "Fund prospectus": "for reference only"}
HEADERS = [["Content-Type", "application/json"]]


def lines() -> list[dict[str, object]]:
    """The capture."""
    texts = {(title, asked): text for title, asked, text in passages()}
    made: list[dict[str, object]] = []
    for series, (title, _) in enumerate(SERIES):
        for copy in COPIES:
            question = questions(series, copy)[0]
            text = texts[f"{title} {copy}", question]
            must = re.findall(r"\d+(?:\.\d+)?(?:%|天|小时|周|万元| days| hours| months| weeks)", text)
            session = f"{series + 1}-{copy}"
            body = json.dumps(
                {"data": [f"gate-{session}", [[question, None]], "quality-gate", None]}, ensure_ascii=False
            )
            made.append({"v": 1, "id": f"ask-{session}", "session": session, "method": "POST",
                         "target": "/call/chat_fn", "headers": HEADERS, "body": body})  # fmt: skip
            end = text[-12:]  # an answer that is cut lacks it
            expect = {"contains": [*must, end, *filter(None, [NOTED.get(title)])], "citations": [f"{title} {copy}"],
                      "forbids": ["Sorry, I don't know"]}  # fmt: skip
            made.append({"v": 1, "id": f"answer-{session}", "session": session, "method": "GET",
                         "target": "/call/chat_fn/EVENT", "expect": expect})  # fmt: skip
    return made


if __name__ == "__main__":
    for one in lines():
        sys.stdout.write(json.dumps(one, ensure_ascii=False) + "\n")
