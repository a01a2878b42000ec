"""The versions of one flow, written as the JSON that LangFlow exports: prompt and text components, no model.

python flows.py v1 flows/assistant.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lfx.components.input_output import ChatInput, ChatOutput, TextInputComponent
from lfx.components.models_and_agents import PromptComponent
from lfx.components.processing import CombineTextComponent
from lfx.graph import Graph

NOTE = "以上内容仅供参考，以合同为准。"
TEMPLATE = "您的问题：{question}\n退款在审核通过后3个工作日内原路退回，手续费为0.5%，最低2元。"
VERSIONS = ("v1", "v2", "v2-bad", "v2-broken")


def flow(version: str) -> dict[str, Any]:
    """A version of the assistant.

    v1: all in one prompt. v2: the note has become a component of its own. v2-bad: that component was forgotten, and a
    fee was mistyped. v2-broken: the prompt's variable was renamed, the edge to it was not.
    """
    asked = ChatInput(_id="ChatInput-1")
    prompt = PromptComponent(_id="Prompt-1")
    if version == "v1":
        prompt.set(template=f"{TEMPLATE}\n{NOTE}", question=asked.message_response)
        last = prompt.build_prompt
    elif version == "v2-bad":
        prompt.set(template=TEMPLATE.replace("0.5%", "5%"), question=asked.message_response)
        last = prompt.build_prompt
    else:
        prompt.set(template=TEMPLATE, question=asked.message_response)
        note = TextInputComponent(_id="TextInput-1").set(input_value=NOTE)
        both = CombineTextComponent(_id="Combine-1")
        both.set(text1=prompt.build_prompt, text2=note.text_response, delimiter="\n")
        last = both.combine_texts
    made = Graph(asked, ChatOutput(_id="ChatOutput-1").set(input_value=last))
    exported = made.dump(name="assistant", endpoint_name="assistant")
    if version == "v2-broken":
        _rename(exported["data"])
    return exported


def _rename(data: dict[str, Any]) -> None:
    for node in data["nodes"]:
        if node["id"] == "Combine-1":
            template = node["data"]["node"]["template"]
            template["first"] = template.pop("text1")


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(flow(sys.argv[1]), ensure_ascii=False, indent=1), "utf-8")
