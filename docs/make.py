"""Write the generated parts of the reference: `python docs/make.py`, or `--check` to compare only.

cli.md from --help, the JSON schemas from the structs. A test runs the check.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import click
import msgspec

from shadowdiff.cli.main import COMMANDS, cli
from shadowdiff.config import schema as config_schema
from shadowdiff.model.verdict import SCHEMA, Verdict

HERE = Path(__file__).parent / "reference"


def cli_reference() -> str:
    """Every command with its help."""
    parts = [
        "# Command line",
        "",
        "Made by `python docs/make.py` from `--help`. Exit codes: [exit-codes.md](exit-codes.md).",
        "",
        *_section("shadowdiff", cli),
    ]
    context = click.Context(cli, info_name="shadowdiff")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None  # noqa: S101
        parts += _section(f"shadowdiff {name}", command)
    return "\n".join(parts)


def _section(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    return [f"## {name}", "", "```text", command.get_help(context).rstrip(), "```", ""]


def verdict_schema() -> str:
    """JSON schema of verdict.json; unknown fields are errors, so that a new one is a documented one."""
    made = msgspec.json.schema(Verdict)
    for struct in made["$defs"].values():
        if struct.get("type") == "object" and "properties" in struct:
            struct["additionalProperties"] = False
            struct["required"] = list(struct["properties"])
    made["$defs"]["Verdict"]["properties"]["schema"] = {"const": SCHEMA}
    return _dump(made)


def _dump(tree: object) -> str:
    """The same text on every Python: 3.13 and later strip the indent of docstrings themselves."""

    def clean(node: object) -> object:
        if isinstance(node, dict):
            return {
                k: inspect.cleandoc(v) if k == "description" and isinstance(v, str) else clean(v)
                for k, v in node.items()
            }
        return [clean(item) for item in node] if isinstance(node, list) else node

    return json.dumps(clean(tree), indent=2, ensure_ascii=False) + "\n"


FILES = {
    "cli.md": cli_reference,
    "verdict.schema.json": verdict_schema,
    "config.schema.json": lambda: _dump(config_schema()),
}


def main() -> int:
    """Write, or compare under --check; returns 1 when a file is out of date."""
    stale = []
    for name, make in FILES.items():
        path, text = HERE / name, make()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, "utf-8")
    for name in stale:
        print(f"docs/reference/{name} is out of date; run: python docs/make.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
