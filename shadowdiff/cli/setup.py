"""Commands around a release: init, check, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shadowdiff.cli import options as opt
from shadowdiff.cli.traffic import merged
from shadowdiff.errors import UsageError

STARTER = """\
# shadowdiff: send the same requests to blue and green, stop the release when answers drift too far.
# Every key: docs/reference/config.md. The command line and SHADOWDIFF_* variables win over this file.
version = 1

[targets]
blue = "http://localhost:8001"     # the release in service
green = "http://localhost:8002"    # the candidate
# twin = "http://localhost:8003"   # a second blue: measures noise, which is then subtracted

# [targets.green_headers]
# authorization = "env:GREEN_TOKEN"

[capture]
# Only GET, HEAD and OPTIONS are sent unless named here: a captured write is a write again.
allow = ["GET *", "HEAD *", "OPTIONS *"]

[score]
profile = "stable"                 # strict | stable | sampled: how much text may vary
ignore = []                        # e.g. ["/meta/request_id", "/**/updated_at"]
required = []                      # phrases that green must keep, e.g. ["仅供参考"]

[gate]
max_divergence = "5%"              # allowed share of exchanges that differ
alpha = "1%"                       # false stops
beta = "5%"                        # false passes
"""


@click.command()
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("shadowdiff.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the config instead.")
def init(out: Path, force: bool, schema: bool) -> int:
    """Write a starter config."""
    if schema:
        import json

        from shadowdiff.config import schema as config_schema

        click.echo(json.dumps(config_schema(), indent=2))
        return 0
    if out.exists() and not force:
        raise UsageError(f"{out}: is there already; --force replaces it")
    try:
        out.write_text(STARTER, "utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror})") from None
    click.echo(f"wrote {out}; next: shadowdiff check, then shadowdiff replay LOG")
    return 0


@click.command()
@opt.config_option
@opt.with_options(opt.TARGETS)
@opt.header_options
@click.option("--path", default="/", show_default=True, help="Path asked of each target.")
@click.option("--rollback", is_flag=True, help="Also: is blue there to go back to, would each way back be allowed?")
@click.option(
    "--audit", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only this: does the chain of an audit.jsonl hold from its first line to its last?",
)  # fmt: skip
def check(path: str, rollback: bool, audit: Path | None, **given: Any) -> int:
    """Check the config and plugins, then connect to each target, verify TLS and ask it for one answer.

    Exits 0 when a replay could start, 2 for a configuration error, 4 when blue cannot be reached; with --rollback 1
    when the release could not be taken back, with --audit 1 when a line was changed or taken out.
    """
    if audit is not None:
        return _audited(audit)
    from shadowdiff.run.checks import checks

    config = merged(given)
    code = checks(config, path, click.echo)
    if rollback:
        from shadowdiff.run.rollback import rollback as ways_back

        code = max(code, int(ways_back(config, click.echo)))
    return code


def _audited(path: Path) -> int:
    from shadowdiff.act.guard import broken_at
    from shadowdiff.errors import Exit

    try:
        broken, lines = broken_at(path), path.read_bytes().count(b"\n")
    except OSError as error:
        raise UsageError(f"--audit {path}: cannot be read ({error.strerror})") from None
    if broken is None:
        click.echo(f"audit: {path}: {lines} lines, the chain holds")
        return int(Exit.PASS)
    click.echo(f"audit: {path}:{broken}: BROKEN: this line was changed, or one before it taken out")
    return int(Exit.FAIL)


@click.command()
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for the tour's results.")
def demo(out: Path | None) -> int:
    """Replay two captures against two real local servers; green has a planted regression.

    Exits 0 if and only if the good release passes and the planted regression is caught.
    """
    from shadowdiff.demo.tour import tour

    return tour(out, click.echo)
