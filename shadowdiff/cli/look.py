"""Commands that read captures: inspect, convert."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from shadowdiff.cli import options as opt
from shadowdiff.cli.traffic import merged
from shadowdiff.errors import Exit, OutputError, UsageError
from shadowdiff.model.exchange import Exchange
from shadowdiff.net.kafka import is_kafka, place_of
from shadowdiff.settings import Config

_FORMATS = (".jsonl", ".har", ".gor", ".vegeta", ".curl")


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@opt.config_option
@opt.with_options(opt.CAPTURE)
def inspect(logs: tuple[Path, ...], **given: Any) -> int:
    """Say what is in a LOG: span, methods, routes, bodies, sessions, and what would be sent or held back.

    Exits 0 if at least one exchange was read, 3 if none, 4 if the format is unknown.
    """
    return describe(list(logs), merged(given))


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.argument("target", type=click.Path(path_type=Path), metavar="OUT")
@opt.config_option
@opt.with_options(opt.CAPTURE[:2])
@click.option(
    "--keep-secrets", is_flag=True, help="Keep Authorization, Cookie and the like; they are redacted otherwise."
)
def convert(source: Path, target: Path, **given: Any) -> int:
    """Convert a capture; OUT's name tells the format: .jsonl, .har, .gor, .vegeta or .curl. OUT may be
    kafka://BROKER/TOPIC: a line of JSONL a record, keyed by session.

    vegeta and curl have no place for recorded answers, times and sessions.
    """
    from shadowdiff.capture.curl import curl_of
    from shadowdiff.capture.gor import gor_of
    from shadowdiff.capture.har import har_of
    from shadowdiff.capture.jsonl import jsonl_of
    from shadowdiff.capture.vegeta import vegeta_of
    from shadowdiff.run.captures import formats
    from shadowdiff.run.recording import redacted

    if is_kafka(target):
        return _into_topic(source, target, merged(given), given["keep_secrets"])
    writers = dict(zip(_FORMATS, (jsonl_of, har_of, gor_of, vegeta_of, curl_of), strict=True))
    write = writers.get(target.suffix.lower())
    if write is None:
        raise UsageError(f"{target}: no format is called {target.suffix!r}; name OUT *{', *'.join(_FORMATS)}")
    if target.resolve() == source.resolve():
        raise UsageError(f"{target}: IN and OUT are the same file")
    config = merged(given)
    ledger, exchanges = _read(formats(config, [source]), config)

    def cleaned() -> Iterator[Exchange]:
        for exchange in exchanges:
            yield exchange if given["keep_secrets"] else redacted(exchange)

    try:
        with target.open("wb") as out:
            target.chmod(0o600)
            for piece in write(cleaned()):
                out.write(piece)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written ({error.strerror})") from None
    click.echo(f"{target}: {ledger.read - ledger.unreadable} exchanges written, {ledger.unreadable} unreadable")
    return int(Exit.PASS if ledger.read > ledger.unreadable else Exit.INCONCLUSIVE)


def _into_topic(source: Path, target: Path, config: Config, keep_secrets: bool) -> int:
    from shadowdiff.run.captures import formats
    from shadowdiff.run.publishing import records

    ledger, exchanges = _read(formats(config, [source]), config)
    made = records(config, target, lambda text: click.echo(f"warning: {text}", err=True))
    for exchange in exchanges:
        (made.put if keep_secrets else made.add)(exchange)
    made.close()
    if made.failed:
        raise OutputError(f"{place_of(target).topic}: records were not delivered ({made.failed})")
    click.echo(f"{place_of(target).topic}: {made.count} exchanges written, {ledger.unreadable} unreadable")
    return int(Exit.PASS if ledger.read > ledger.unreadable else Exit.INCONCLUSIVE)


def describe(logs: list[Path], config: Config) -> int:
    """Print the inspection of `logs` under `config`."""
    from shadowdiff.report.inspection import Inspection
    from shadowdiff.run.captures import formats, holder
    from shadowdiff.tee.session import Sessions

    named = formats(config, logs)
    ledger, exchanges = _read(named, config)
    seen = Inspection({str(path): name for path, name in named})
    sessions = Sessions(config.sessions.by, lambda _: None)
    hold = holder(config)
    for exchange in exchanges:
        placed = sessions.place(exchange)
        seen.add(exchange, placed, hold.verdict(placed))
    for line in seen.lines(ledger):
        click.echo(line)
    return int(Exit.PASS if seen.n else Exit.INCONCLUSIVE)


def _read(named: list[tuple[Path, str]], config: Config) -> tuple[Any, Iterator[Exchange]]:
    from shadowdiff.model.tally import Ledger
    from shadowdiff.run.captures import builder_of, sources

    ledger = Ledger()
    builder = builder_of(config, ledger, lambda text: click.echo(f"warning: {text}", err=True))
    ready = sources(config, named, builder)
    return ledger, (exchange for source in ready for exchange in source.stream())
