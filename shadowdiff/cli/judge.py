"""Commands that only read saved runs: gate, report, show. They import no network code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from shadowdiff.cli import options as opt
from shadowdiff.config import load, resolve, tables
from shadowdiff.errors import UsageError
from shadowdiff.net.kafka import is_kafka

_RESULT = click.Path(path_type=Path)
_ASKING = ("service", "candidate", "step", "wait", "token")


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...|URL")
@opt.config_option
@opt.with_options(opt.JUDGING, opt.GROUP)
@click.option("--service", default="", help="With URL: the service asked about [default: the one that answers].")
@click.option("--candidate", default="", help="With URL: the release asked about.")
@click.option("--step", default="", help="With URL: the ramp step; each has evidence of its own.")
@click.option("--wait", default="", help="With URL: wait so long for pass or fail [default: 0s].")
@click.option("--token", default="", help="With URL: bearer token, e.g. env:NAME.")
@click.option("--api", default="", help="With kafka://: serve the verdict here while waiting, e.g. 127.0.0.1:8780.")
@click.option("-o", "--out", type=_RESULT, help="With kafka://: write comparisons and every report here.")
@click.option("--tekton-results", default="", help="Write Tekton's results here, e.g. /tekton/results.")
@click.option("--json", "as_json", is_flag=True, help="Print exactly verdict.json on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def gate(results: tuple[str, ...], **given: Any) -> int:
    """Judge RESULTS (run folders or comparisons files) again; shards merge in any order.

    Without options the settings of the first run apply, so its exit code is repeated. With the URL of a running
    service, wait for its verdict and exit by it: 3 when it is undecided or unknown at the end, 4 when unreachable.
    With kafka://BROKER/TOPIC, judge what a --group has counted, and with --wait until it has; a FAIL stops them all.
    """
    if is_kafka(results[0]):
        return _of_topic(results, given)
    for name in ("api", "out"):
        if given[name]:
            raise UsageError(f"--{name} is for kafka://; a run folder has its reports, a service its API")
    if results[0].startswith(("http://", "https://")):
        return _of_service(results, given)
    for name in _ASKING:
        if given[name]:
            raise UsageError(f"--{name} is for the URL of a service; run folders hold what they hold")
    return _of_folders([Path(result) for result in results], given)


def _of_service(results: tuple[str, ...], given: dict[str, Any]) -> int:
    from shadowdiff import units
    from shadowdiff.run.waiting import wait

    if len(results) > 1:
        raise UsageError("gate: one URL, or run folders")
    if given["config"] or opt.gathered(given):
        raise UsageError("gate URL: the service judges by its own settings; give it the limits, not this command")
    asked = {name: given[name] for name in _ASKING[:3] if given[name]}
    code, verdict = wait(
        results[0],
        asked,
        units.duration(given["wait"] or "0s", "--wait"),
        resolve(given["token"], "--token"),
        lambda text: None if given["quiet"] else click.echo(text, err=True),
    )
    if verdict:
        import msgspec

        from shadowdiff.model.verdict import Verdict
        from shadowdiff.run.ci import tell

        told = msgspec.json.decode(verdict, type=Verdict)
        if not given["quiet"]:
            click.echo(f"{told.verdict.upper()}: {told.reason}", err=True)
        tell(told, given["tekton_results"])
    if given["as_json"]:
        sys.stdout.buffer.write(verdict)
        sys.stdout.buffer.flush()
    return code


def _of_topic(results: tuple[str, ...], given: dict[str, Any]) -> int:
    from shadowdiff import units
    from shadowdiff.report.terminal import console, show_verdict
    from shadowdiff.run import gathering, saved
    from shadowdiff.run.ci import tell
    from shadowdiff.run.limits import gate_limits
    from shadowdiff.run.results import clean, to_json

    options = opt.gathered(given)
    config = load(given["config"], options)
    if len(results) > 1:
        raise UsageError("gate: one topic, or run folders")
    if "gate.accept" in options:
        raise UsageError("gate kafka://: --accept works where pairs are judged; give it to replay")
    asked = {name for name in options if name.startswith("gate.")}
    screen = console(given["quiet"])
    verdict, words = gathering.judge(
        config,
        results[0],
        gate_limits(config) if asked or given["config"] else None,
        units.duration(given["wait"] or "0s", "--wait"),
        given["api"],
        resolve(given["token"], "--token"),
        given["out"],
        lambda text: screen.print(text, markup=False, soft_wrap=True),
    )
    show_verdict(screen, verdict, str(given["out"] or ""), words=saved.words_of(None, words))
    tell(clean(verdict), given["tekton_results"], report=given["out"] / "report.html" if given["out"] else None)
    if given["as_json"]:
        sys.stdout.buffer.write(to_json(verdict))
        sys.stdout.buffer.flush()
    return verdict.exit_code


def _of_folders(results: list[Path], given: dict[str, Any]) -> int:
    from datetime import UTC, datetime

    from shadowdiff import runinfo
    from shadowdiff.report.terminal import console, show_verdict
    from shadowdiff.run import accept, saved
    from shadowdiff.run.ci import tell
    from shadowdiff.run.limits import gate_limits
    from shadowdiff.run.results import clean, to_json

    options = opt.gathered(given)
    accepted = None
    if "gate.accept" in options:
        accepted = accept.load(Path(options["gate.accept"]), datetime.now(UTC).date())
    limits = None
    if options or given["config"]:
        info = runinfo.info(results[0])
        if info is not None and not given["config"]:
            options = runinfo.settings(info, "gate") | options
        limits = gate_limits(load(given["config"], options), info.paired if info is not None else None)
    verdict, _ = saved.judge(results, limits, accepted=accepted)
    words = saved.words_of(runinfo.info(results[0]), options.get("report.lang", ""))
    show_verdict(console(given["quiet"]), verdict, words=words)
    tell(clean(verdict), given["tekton_results"], report=results[0] / "report.html")
    if given["as_json"]:
        sys.stdout.buffer.write(to_json(verdict))
        sys.stdout.buffer.flush()
    return verdict.exit_code


@click.command()
@click.argument("results", type=_RESULT)
@click.option("-o", "--out", type=_RESULT, help="Run folder to write [default: reports/runs/<time>-rescored].")
@opt.config_option
@opt.with_options(opt.SCORING, opt.JUDGING)
@click.option("--json", "as_json", is_flag=True, help="Print exactly verdict.json on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def rescore(results: Path, out: Path | None, as_json: bool, quiet: bool, **given: Any) -> int:
    """Score the stored answers of RESULTS again under other rules; no traffic.

    Says how many outcomes change and how many pairs cannot be judged again (--store-bodies all keeps every answer).
    Rules chosen after these pairs were seen prove nothing about them: the verdict is then exploratory, exit code 3.
    """
    from shadowdiff import runinfo
    from shadowdiff.report.terminal import console, show_verdict
    from shadowdiff.run import rescore as scoring
    from shadowdiff.run import saved
    from shadowdiff.run.gathered import material
    from shadowdiff.run.limits import gate_limits
    from shadowdiff.run.results import finish, run_folder, to_json

    options = opt.gathered(given)
    info = runinfo.info(results)
    if info is not None:  # what the file does not set stays as it was in the run
        options = runinfo.settings(info, *({"score", "gate"} - tables(given["config"]))) | options
    config = load(given["config"], options)
    folder = out or run_folder("rescored")
    found = scoring.rescore(results, config, folder)
    screen = console(quiet)
    collected = material(config)
    for line in scoring.table(found, collected.words):
        screen.print(line, markup=False, soft_wrap=True)
    limits = gate_limits(config, info.paired if info is not None else None)
    verdict, total = saved.judge([folder], limits, collected)
    finish(folder, verdict, total, collected)
    show_verdict(screen, verdict, str(folder), collected.words)
    if as_json:
        sys.stdout.buffer.write(to_json(verdict))
        sys.stdout.buffer.flush()
    return verdict.exit_code


@click.command()
@click.argument("results", type=_RESULT)
@click.option("-o", "--out", type=_RESULT, help="Folder for the reports [default: the run folder itself].")
@click.option("--compare-to", type=_RESULT, help="Another run: which causes are new, gone or grown since.")
@opt.lang_option
def report(results: Path, out: Path | None, compare_to: Path | None, lang: str) -> int:
    """Render report.html, junit.xml, summary.md and metrics.prom of RESULTS again, in any language."""
    from shadowdiff.report.shifts import shift_lines
    from shadowdiff.run import saved
    from shadowdiff.run.results import write_reports

    verdict, total, collected = saved.collect(results, lang)
    if compare_to is not None:
        saved.compare(collected, total, compare_to)
    folder = out or (results if results.is_dir() else results.parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_reports(folder, verdict, total, collected, run=results)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror})") from None
    words = collected.words
    click.echo(words("wrote report.html, junit.xml, summary.md and metrics.prom in {folder}", folder=folder))
    if compare_to is not None:
        click.echo(words("causes, as shares of what was judged, {before} → {now}:", before=compare_to, now=results))
        for line in shift_lines(collected.shifts or (), words) or [words("Neither run has a difference.")]:
            click.echo(f"  {line}")
    return 0


@click.command()
@click.argument("results", type=_RESULT)
@click.argument("id", required=False, metavar="[ID|CAUSE]")
@click.option(
    "--pager/--no-pager", default=None, help="Page through it [default: where it is longer than the screen]."
)
@opt.lang_option
def show(results: Path, id: str | None, pager: bool | None, lang: str) -> int:
    """Show one comparison of RESULTS side by side, with a curl line for each target.

    ID is that of an exchange, or the name of a cause, which shows the worst pair of it. Without one, every cause is
    listed with its name.
    """
    from shadowdiff import runinfo
    from shadowdiff.report.pair import show_causes, show_pair
    from shadowdiff.report.screen import paged
    from shadowdiff.run import saved

    info = runinfo.info(results)
    words = saved.words_of(info, lang)
    with paged(pager) as out:
        if id is None:
            show_causes(saved.causes_of(results), words, out)
            return 0
        line = saved.find(results, id)
        confirmed = runinfo.confirmed(results).get(line["id"])
        show_pair(line, info.targets if info else {}, out, confirmed, words)
    return 0


@click.command()
@click.argument("pairs", type=_RESULT, metavar="PAIRS.jsonl")
@click.option(
    "--control", type=_RESULT, help="Lines of blue against blue: what varies by itself is learnt from them."
)
@click.option("-o", "--out", type=_RESULT, required=True, help="File to write, a line a pair.")
@opt.config_option
@opt.with_options(opt.SCORING)
def compare(pairs: Path, control: Path | None, out: Path, **given: Any) -> int:
    """Judge answers you already have; no traffic.

    PAIRS.jsonl holds {"id","blue","green"} a line, with optional "kind" (text, json, html), "regime" (det, sampled,
    strict: the profile) and "endpoint" (what control lines are learnt for). Writes {"id","flag","score","us","why"}
    and exits 0 when every pair was judged, whatever the flags.
    """
    from shadowdiff.run import compare as judging

    if out.resolve() in (pairs.resolve(), control.resolve() if control else None):
        raise UsageError(f"--out {out}: is one of the inputs")
    config = load(given["config"], opt.gathered(given))
    try:
        count, flagged = judging.run(config, pairs, control, out)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})") from None
    click.echo(f"{out}: {count} pairs judged, {flagged} flagged", err=True)
    return 0
