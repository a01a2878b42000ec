"""Commands that send traffic: replay, tail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from shadowdiff.cli import options as opt
from shadowdiff.config import Source, config_file, load
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Verdict
from shadowdiff.net.kafka import is_kafka
from shadowdiff.settings import Config


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@opt.config_option
@opt.with_options(opt.TARGETS)
@opt.header_options
@opt.with_options(
    opt.CAPTURE, opt.SENDING, opt.WORKERS, opt.GROUP, opt.RESULTS, opt.SCORING, opt.JUDGING, opt.STOPPING
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Run folder [default: reports/runs/<time>-<name>]."
)
@click.option("--junitxml", type=click.Path(path_type=Path), help="Also write junit.xml here.")
@click.option("--resume", is_flag=True, help="Go on with the stopped run in --out; each exchange is counted once.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent or held back; send nothing.")
@opt.output_options
def replay(logs: tuple[Path, ...], **given: Any) -> int:
    """Send a captured LOG to blue and green, compare the answers, and exit by the verdict.

    LOG is a file, or kafka://BROKER/TOPIC, which the processes of one --group share. Only GET, HEAD and OPTIONS are
    sent unless --allow-method or --allow names more.
    """
    config = merged(given)
    topic = is_kafka(logs[0])
    if given["dry_run"] and not topic:
        from shadowdiff.cli.look import describe

        return describe(list(logs), config)
    from shadowdiff.run.ci import telling_errors

    with telling_errors(config):
        verdict = (_of_topic if topic else _of_logs)(logs, config, given)
    return ended(verdict, given["as_json"])


def _of_logs(logs: tuple[Path, ...], config: Config, given: dict[str, Any]) -> Verdict:
    """Replay files."""
    from shadowdiff.report.terminal import console
    from shadowdiff.run.batch import run

    said = console(given["quiet"])
    return run(config, list(logs), given["out"], given["junitxml"], said, given["verbose"], given["resume"])


def _of_topic(logs: tuple[Path, ...], config: Config, given: dict[str, Any]) -> Verdict:
    """Replay a Kafka topic as one process of a group."""
    from shadowdiff.report.terminal import console
    from shadowdiff.run.grouping import run

    if len(logs) > 1 or given["dry_run"] or given["resume"]:
        raise UsageError("kafka://: one topic, without --dry-run and --resume (a group goes on where it stopped)")
    return run(config, str(logs[0]), given["out"], given["junitxml"], console(given["quiet"]), given["verbose"])


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="PATH|-...")
@opt.config_option
@opt.with_options(opt.TARGETS)
@opt.header_options
@opt.with_options(opt.CAPTURE, opt.SENDING, opt.GROUP, opt.RESULTS, opt.SCORING, opt.JUDGING, opt.STOPPING)
@click.option("--max-backlog", "capture__max_backlog", help="Unread bytes beyond which lines are shed [64MiB].")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Run folder; a restart goes on.")
@opt.with_options(opt.SERVICE)
@click.option("--from-start", is_flag=True, help="Also read what the logs hold already.")
@opt.output_options
def tail(logs: tuple[str, ...], **given: Any) -> int:
    """Follow logs (PATH, a pattern, or - for stdin), compare what comes, and keep a rolling verdict.

    Rotation, truncation and symlink swaps are followed. A tenth of the traffic is sent unless --sample or a config
    says otherwise. verdict.json is written every 10 s. SIGTERM drains for 10 s and exits by the verdict; a FAIL that
    was reached stays. Started again with the same --out, it goes on where it was.
    """
    from shadowdiff.run.tailing import run

    source = followed(unending(given, sample="10%"))
    said = told(source.config, given["quiet"])
    verdict = run(source, list(logs), given["out"], given["from_start"], said, given["verbose"])
    return ended(verdict, given["as_json"])


def told(config: Config, quiet: bool) -> Any:
    """Where a service says what it has to say: lines for people, or JSON."""
    if config.service.log == "json":
        from shadowdiff.report.jsonlog import JsonConsole

        return JsonConsole(quiet)
    from shadowdiff.report.terminal import console

    return console(quiet)


def unending(given: dict[str, Any], sample: str = "") -> dict[str, Any]:
    """`given` with the share of a run that does not end by itself, where there is no config to say otherwise."""
    if not given["config"]:
        given["capture__sample"] = given["capture__sample"] or sample or None
    return given


def ended(verdict: Verdict, as_json: bool) -> int:
    """The exit code of a run; its verdict on stdout where asked for."""
    if as_json:
        from shadowdiff.run.results import to_json

        sys.stdout.buffer.write(to_json(verdict))
        sys.stdout.buffer.flush()
    return verdict.exit_code


def followed(given: dict[str, Any]) -> Source:
    """The configuration with this command line on top, and how to read it again."""
    path = config_file(given["config"])
    return Source(path, lambda: _going_on(merged(given | {"config": path})))


def _going_on(config: Config) -> Config:
    """A service that ended with its verdict could not be asked for it."""
    if config.gate.stop_on:
        return config
    return msgspec.structs.replace(config, gate=msgspec.structs.replace(config.gate, stop_on="none"))


def merged(given: dict[str, Any]) -> Config:
    """The configuration with this command line on top."""
    options = opt.gathered(given)
    everyone = opt.headers(given.get("header", ()), "-H")
    blue = everyone | opt.headers(given.get("blue_header", ()), "--blue-header")
    green = everyone | opt.headers(given.get("green_header", ()), "--green-header")
    if blue:
        options["targets.blue_headers"] = blue
    if green:
        options["targets.green_headers"] = green
    return load(given.get("config"), options)
