"""Commands that stand in or beside the traffic's path: proxy, mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from shadowdiff.cli import options as opt
from shadowdiff.cli.traffic import ended, followed, told, unending
from shadowdiff.config import Source
from shadowdiff.errors import UsageError
from shadowdiff.settings import Config


def _live_options(record: str) -> Callable[[Any], Any]:
    """The options of both commands."""

    def decorate(command: Any) -> Any:
        for add in reversed(
            (
                click.option("--listen", "service__listen", help="HOST:PORT where traffic comes, e.g. 0.0.0.0:8080."),
                opt.config_option,
                opt.with_options(opt.TARGETS),
                opt.header_options,
                opt.with_options(
                    opt.FILTERS, opt.SENDING, opt.GROUP, opt.RESULTS, opt.SCORING, opt.JUDGING, opt.STOPPING
                ),
                click.option("--record", "service__record", help=record),
                click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder; a restart goes on."),
                opt.with_options(opt.SERVICE),
                opt.output_options,
                click.option("--feed", type=int, hidden=True),
            )
        ):
            command = add(command)
        return command

    return decorate


@click.command()
@_live_options("Append every exchange here, with bodies; credentials redacted.")
def proxy(feed: int | None, **given: Any) -> int:
    """Stand in front of blue: a byte relay. Clients get blue's bytes; green (and a twin) get copies afterwards.

    Only GET, HEAD and OPTIONS are copied to green unless --allow-method or --allow names more; credentials only with
    --forward-auth. Whatever green does, clients see nothing of it. With --record and without --green it only records.
    SIGTERM drains and exits by the verdict.
    """
    source = followed(unending(given))
    config = source.config
    if not config.targets.green and not config.service.record:
        raise UsageError("--green URL is needed to compare, or --record FILE to only record")
    return _live("proxy", source, given, feed, _relay)


@click.command()
@_live_options("Append every request here, with bodies; credentials redacted.")
def mirror(feed: int | None, **given: Any) -> int:
    """Receive what nginx `mirror`, Envoy, Istio or a Gateway mirrors: answer 202 at once, ask blue and green.

    Blue is asked again, so that it serves the sampled share twice. A tenth of the traffic is sent unless --sample or
    a config says otherwise. SIGTERM drains and exits by the verdict.
    """
    return _live("mirror", followed(unending(given, sample="10%")), given, feed, _receiver)


def _live(name: str, source: Source, given: dict[str, Any], feed: int | None, make: Callable[..., Any]) -> int:
    config = source.config
    only_records = not config.targets.green
    said = told(config, given["quiet"])
    out: Path | None = given["out"]
    if out is None and not only_records:
        raise UsageError(f"--out DIR is needed: the run folder of this {name}")
    if feed is None:
        return _front(name, config, said, make)
    from shadowdiff.run import feeding

    if only_records:
        return feeding.record(config, feed, said)
    assert out is not None  # noqa: S101 - checked above
    verdict = feeding.judge(source, name, out, feed, said, given["verbose"])
    return ended(verdict, given["as_json"])


def _front(name: str, config: Config, console: Any, make: Callable[..., Any]) -> int:
    """The process in the path; it starts the judging one."""
    from shadowdiff import units
    from shadowdiff.report.words import Words
    from shadowdiff.run import front
    from shadowdiff.run.around import raise_file_limit, run_loop

    host, _, port = config.service.listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"--listen {config.service.listen}: write HOST:PORT, e.g. 0.0.0.0:8080")
    given = front.Front(
        host=host.strip("[]"),
        port=int(port),
        drain_s=units.duration(config.service.drain, "service.drain (--drain)"),
        cap=units.size(config.send.max_body, "send.max_body"),
        room=units.size(config.service.max_queue, "service.max_queue"),
        command=front.own_command(),
    )
    stage = make(config, given.cap)
    raise_file_limit()

    words = Words(config.report.lang)

    def say(text: str) -> None:
        console.print(f"{name}: {words.said(text)}", markup=False, soft_wrap=True)

    async def main() -> int:
        return await front.run(given, stage, say)

    return run_loop(main)


def _relay(config: Config, cap: int) -> Callable[..., Any]:
    from shadowdiff.capture.relay import Client, Relay
    from shadowdiff.net.tls import context_for
    from shadowdiff.run.targets import blue_endpoint

    blue = blue_endpoint(config)
    tls = context_for(blue)

    def make(emit: Any, room: Any) -> tuple[Relay, Callable[[], asyncio.Protocol]]:
        relay = Relay(
            blue.connect_host or blue.host,
            blue.connect_port or blue.port,
            emit=emit,
            room=room,
            cap=cap,
            tls=tls,
            name=blue.host,
        )
        return relay, lambda: Client(relay)

    return make


def _receiver(config: Config, cap: int) -> Callable[..., Any]:
    from shadowdiff.capture.mirror import Mirror, Receiver

    def make(emit: Any, room: Any) -> tuple[Mirror, Callable[[], asyncio.Protocol]]:
        mirror = Mirror(emit=emit, room=room, cap=cap)
        return mirror, lambda: Receiver(mirror)

    return make
