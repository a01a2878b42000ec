"""The command group. Subcommands are imported when they are called, so that --help is quick."""

from __future__ import annotations

import importlib
from typing import Any

import click

from shadowdiff import __version__
from shadowdiff.errors import near

COMMANDS = {
    "replay": ("traffic", "Send a captured log to blue and green, judge, exit by the verdict."),
    "tail": ("traffic", "Follow growing logs as a sidecar: a rolling verdict."),
    "proxy": ("live", "Stand in front of blue: it answers, green gets copies. Or only record."),
    "mirror": ("live", "Receive mirrored traffic (nginx, Envoy, Istio), answer 202, judge behind it."),
    "gate": ("judge", "Judge saved results again; shards merge. No traffic."),
    "compare": ("judge", "Judge pairs you already have, a line each. No traffic."),
    "rescore": ("judge", "Score stored answers again under other rules. No traffic."),
    "report": ("judge", "Render the reports of a saved run again."),
    "show": ("judge", "One comparison side by side, with a curl line for each target."),
    "inspect": ("look", "What is in a capture, what would be sent or held back."),
    "convert": ("look", "Convert a capture between formats."),
    "calibrate": ("calibrate", "Propose ignore rules and limits from blue's own noise."),
    "plan": ("plan", "How many requests, tokens and how much money a verdict needs. No traffic."),
    "init": ("setup", "Write a starter config."),
    "check": ("setup", "Check config, plugins, reachability and TLS before a release."),
    "demo": ("setup", "A two-minute tour with real servers and a planted regression."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"shadowdiff.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}{near(args[0], list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shadowdiff")
def cli() -> None:
    """Send the same requests to blue and green, measure how the answers differ, and stop the release
    when they drift too far.

    Exit codes: 0 pass, 1 fail (stop the release), 2 usage, 3 inconclusive, 4 could not measure,
    5 fail and the stop action failed, 70 our bug, 130/143 interrupted.
    """
