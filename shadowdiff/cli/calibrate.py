"""`calibrate`: what blue does to itself becomes configuration. Of a saved run without traffic, or by asking blue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from shadowdiff.cli import options as opt
from shadowdiff.errors import UsageError

_SENDING = [option for option in opt.SENDING if option[1] != "send.loop"]


@click.command()
@click.argument("what", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULTS|LOG...")
@opt.config_option
@opt.with_options(opt.TARGETS)
@opt.header_options
@opt.with_options(opt.CAPTURE, _SENDING, opt.SCORING)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="With LOG: the run folder of blue against itself.")
@click.option("--accept", type=click.Path(path_type=Path, dir_okay=False), help="Put the proposals into this config.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def calibrate(what: tuple[Path, ...], accept: Path | None, quiet: bool, **given: Any) -> int:
    """Propose ignore rules and limits from what blue does to itself; no green is needed.

    RESULTS is a run folder with a --twin, or in which blue was asked twice: no traffic. With LOG, every exchange is
    sent to --blue and to --twin (or to blue again). Prints TOML with the evidence as comments; --accept puts it into
    a config file. What a rule would change is told beside it; where green differs in ways that blue does not, the
    rule is only shown.
    """
    from shadowdiff.report.terminal import console
    from shadowdiff.run import calibrate as noise
    from shadowdiff.run import proposals as config_text

    screen = console(quiet)
    if len(what) == 1 and (what[0].is_dir() or what[0].name.startswith("comparisons")):
        results = what[0]
        if given["out"]:
            raise UsageError("calibrate: --out is for LOG; the proposals of a run folder are printed")
    else:
        results = _asked(list(what), given, screen)
    found = noise.calibrate(results)
    head = [
        f"from {results}: {found.looked} of {found.asked} pairs of blue with itself could be looked at",
        f"blue differs from itself in {found.noisy} of them, in {found.left} with what stands here",
        *([f"all together: {found.effects}"] if found.effects else []),
    ]
    if not found.proposals:
        head.append("nothing to propose")
    sys.stdout.write(config_text.text(found.proposals, found.run, head))
    if accept is not None:
        count = config_text.put_in(found.proposals, found.run, accept)
        screen.print(
            f"{accept}: {count} settings put in; see: shadowdiff rescore {results} -c {accept}", markup=False
        )
    elif found.proposals:
        screen.print("to put this into a config: the same command with --accept shadowdiff.toml", markup=False)
    return 0


def _asked(logs: list[Path], given: dict[str, Any], screen: Any) -> Path:
    """The run folder of blue against a second blue, or against itself."""
    import msgspec

    from shadowdiff.cli.traffic import merged
    from shadowdiff.run.batch import run
    from shadowdiff.run.results import run_folder

    config = merged(given)
    targets = config.targets
    if not targets.blue or targets.blue == "recorded":
        raise UsageError("calibrate LOG: --blue URL is needed (a run folder needs none)")
    replace = msgspec.structs.replace
    config = replace(
        config,
        targets=replace(
            targets, green=targets.twin or targets.blue, twin="", green_host=targets.blue_host,
            green_headers=targets.twin_headers or targets.blue_headers,
        ),
        gate=replace(config.gate, stop_on="none", accept=""),
        control=replace(config.control, enabled=False, confirm=0),
        report=replace(config.report, store_bodies="all", candidate="blue-itself"),
        act=replace(config.act, mode="off"),
    )  # fmt: skip
    folder: Path = given["out"] or run_folder("calibrate")
    run(config, logs, folder, None, screen)
    return folder
