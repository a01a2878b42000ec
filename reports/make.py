"""Write the sample reports again: `python reports/make.py [FOLDER]`. A test compares them, so they never rot.

Three are played: everything but the wire is the real thing, and what differs from run to run is fixed beforehand. The
others are runs of the stories against real products, whose tapes were kept (reports/keep.py) and are judged anew.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reports.keep import unpack
from shadowdiff import runinfo
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Verdict
from shadowdiff.report import terminal
from shadowdiff.report.material import Material
from shadowdiff.run import pipeline, saved
from shadowdiff.run.results import RunFolder, to_json, write_reports
from shadowdiff.run.setup import plan
from shadowdiff.settings import Capture, Config, GateRules, Report, ScoreRules, Sending, Targets
from shadowdiff.tape import TapeSink

ROOT = Path(__file__).resolve().parent.parent
STARTED, ENDED = "2026-11-01T09:00:00+00:00", "2026-11-01T09:04:10+00:00"
REQUIRED = ["仅供参考", "for reference only"]


class Story(msgspec.Struct):
    """One sample: the transport that plays it, its capture and its settings."""

    name: str
    plays: str
    log: str
    lang: str
    service: str
    candidate: str
    twin: bool = False
    score: ScoreRules = ScoreRules()
    against: str = ""
    """Another story, with which its causes are compared."""


STORIES = (
    Story("rag-disclaimers", "Rag", "chat.jsonl", "zh", "assistant", "2.4.0", score=ScoreRules(required=REQUIRED)),
    Story("shop-first", "Shop", "api.jsonl", "en", "shop", "7.1.0"),
    Story("shop-second", "ShopAgain", "api.jsonl", "en", "shop", "7.2.0", against="shop-first"),
    Story("sampled-good", "Sampled", "chat.jsonl", "en", "assistant", "2.5.0", twin=True,
          score=ScoreRules(profile="sampled")),
)  # fmt: skip
SHOWN = ("rag-disclaimers", "shop-second", "sampled-good")
"""The stories whose reports are kept; the other one is what `shop-second` is compared with."""

KEPT = ("kotaemon-rc1", "kotaemon-questions", "instances-bad", "langflow-bad", "lobechat-471")
"""Runs of the stories, by the names of their tapes."""


def config_of(story: Story) -> Config:
    """What a team would put in shadowdiff.toml."""
    return Config(
        targets=Targets(
            blue=f"http://{story.service}-blue", green=f"http://{story.service}-green",
            twin=f"http://{story.service}-blue-2" if story.twin else "",
        ),
        capture=Capture(allow=["POST /v1/chat/*"]),
        score=story.score,
        gate=GateRules(stop_on="none"),
        send=Sending(rate="max", max_in_flight=1, transport=f"reports.stories:{story.plays}", seed=1),
        report=Report(service=story.service, candidate=story.candidate, lang=story.lang, store_bodies="all"),
    )  # fmt: skip


async def play(story: Story, out: Path) -> None:
    """Run one story into the run folder `out`."""
    config = config_of(story)
    ready = plan(config, [ROOT / "fixtures" / story.log], print, run_id=story.name)
    folder = RunFolder(out, story.name)
    folder.started_at = STARTED
    folder.begin(story.name, config, [Path("fixtures") / story.log])
    tape = TapeSink(folder.path, store="all")
    ready.sinks = [tape]
    try:
        await pipeline.replay(ready)
    finally:
        ready.judging.close()
    tape.state(ready.counter.shard, [], True, "")
    tape.close(ready.counter.tally, None)


def judged(out: Path, shown_as: Path) -> tuple[Verdict, Material, bytes]:
    """The verdict on a played story with its reports beside it, and its terminal text."""
    verdict, total, collected = saved.collect(out)
    against = next(story.against for story in STORIES if story.name == shown_as.name)
    if against:
        saved.compare(collected, total, out.parent / against)
        collected.compared_to = str(shown_as.parent / against)
    return written(out, shown_as, verdict, total, collected)


def rejudged(runs: list[Path], shown_as: Path) -> bytes:
    """The reports of a kept run in the first of its folders, and its terminal text."""
    info = runinfo.info(runs[0])
    collected = Material(saved.words_of(info).lang)
    verdict, total = saved.judge(runs, saved.limits_of(info), collected)
    return written(runs[0], shown_as, verdict, total, collected)[2]


def written(
    out: Path, shown_as: Path, verdict: Verdict, total: Shard, collected: Material
) -> tuple[Verdict, Material, bytes]:
    """Write the reports of a run into `out`, as if that were `shown_as`."""
    verdict = msgspec.structs.replace(verdict, updated_at=ENDED, report=str(shown_as / "report.html"))
    text = io.StringIO()
    screen = Console(file=text, width=110, highlight=False, soft_wrap=True)
    terminal.show_causes(screen, collected.causes, collected.words)
    terminal.show_verdict(screen, verdict, str(shown_as), collected.words)
    write_reports(out, verdict, total, collected, run=shown_as)
    runinfo.write_whole(out / "verdict.json", to_json(verdict), 0o644)
    return verdict, collected, text.getvalue().encode("utf-8")


def make(samples: Path) -> None:
    """Write every sample into `samples`."""
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        for story in STORIES:
            asyncio.run(play(story, runs / story.name))
        for name in SHOWN:
            _, _, text = judged(runs / name, Path("reports/samples") / name)
            show(runs / name, samples / name, text)
        for name in KEPT:
            folders = unpack(name, runs)
            show(folders[0], samples / name, rejudged(folders, Path("reports/samples") / name))


def show(run: Path, target: Path, text: bytes) -> None:
    """Copy what a run folder has for people into `target`."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in ("report.html", "summary.md", "junit.xml", "metrics.prom", "verdict.json"):
        shutil.copyfile(run / file, target / file)
    (target / "terminal.txt").write_bytes(text)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "reports" / "samples")
