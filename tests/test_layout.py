"""The shape of the tree: a test file a module, bounded files, exported names, judging without aiohttp."""

from __future__ import annotations

import subprocess
import sys

import shadowdiff
from tests.conftest import ROOT

PACKAGE = ROOT / "shadowdiff"
COVERED_ELSEWHERE = {
    # a module whose promises stand in another file, and which one
    "model/exchange.py": "model/test_model.py",
    "personal.py": "test_redact.py",
    "lines.py": "test_tape.py",
    "model/ids.py": "tee/test_minted.py",
    "model/comparison.py": "model/test_model.py",
    "model/tally.py": "model/test_model.py",
    "model/verdict.py": "model/test_model.py",
    "cli/main.py": "cli/test_cli.py",
    "cli/options.py": "cli/test_cli.py",
    "cli/traffic.py": "e2e/test_replay.py",
    "cli/judge.py": "cli/test_cli.py",
    "cli/look.py": "cli/test_cli.py",
    "cli/setup.py": "cli/test_cli.py",
    "__main__.py": "cli/test_cli.py",
    "cli/live.py": "e2e/test_proxy.py",
    "capture/messages.py": "capture/test_passive.py",
    "run/around.py": "e2e/test_replay.py",
    "run/actions.py": "e2e/test_actions.py",
    "act/http.py": "act/test_webhook.py",
    "run/service.py": "e2e/test_tail.py",
    "run/latch.py": "e2e/test_tail.py",
    "run/feeding.py": "e2e/test_proxy.py",
    "run/rules.py": "e2e/test_reload.py",
    "run/scoring.py": "e2e/test_replay.py",
    "run/flagger.py": "run/test_api.py",
    "run/livepage.py": "run/test_api.py",
    "run/pipeline.py": "e2e/test_replay.py",
    "run/batch.py": "e2e/test_replay.py",
    "run/setup.py": "e2e/test_replay.py",
    "run/attempt.py": "e2e/test_replay.py",
    "run/facts.py": "run/test_workers.py",
    "run/shared.py": "run/test_partition.py",
    "run/group.py": "real/test_kafka.py",
    "run/grouping.py": "real/test_kafka.py",
    "run/topic.py": "real/test_kafka.py",
    "run/gathering.py": "real/test_kafka.py",
    "run/publishing.py": "real/test_kafka.py",
    "capture/kafka.py": "real/test_member.py",
    "net/kafka.py": "real/test_kafka.py",
    "net/transactions.py": "long/test_kafka_faults.py",
    "run/worker.py": "run/test_workers.py",
    "tee/share.py": "run/test_workers.py",
    "run/results.py": "e2e/test_replay.py",
    "run/captures.py": "run/test_reading.py",
    "run/targets.py": "run/test_reading.py",
    "run/notes.py": "run/test_reading.py",
    "run/limits.py": "run/test_saved.py",
    "run/checks.py": "cli/test_cli.py",
    "runinfo.py": "run/test_saved.py",
    "capture/logs/jsonlog.py": "capture/test_logs.py",
    "capture/logs/proxies.py": "capture/test_logs.py",
    "capture/logs/container.py": "capture/test_logs.py",
    "capture/lineformat.py": "capture/test_tools.py",
    "capture/vegeta.py": "capture/test_tools.py",
    "capture/curl.py": "capture/test_tools.py",
    "capture/openai_batch.py": "capture/test_tools.py",
    "capture/logs/access.py": "capture/test_access.py",
    "decode/chat/openai.py": "decode/test_openai.py",
    "decode/chat/record.py": "decode/test_dialects.py",
    "decode/chat/stream.py": "decode/test_dialects.py",
    "decode/chat/responses.py": "decode/test_dialects.py",
    "decode/chat/anthropic.py": "decode/test_dialects.py",
    "decode/chat/ollama.py": "decode/test_dialects.py",
    "decode/chat/gemini.py": "decode/test_dialects.py",
    "decode/chat/dashscope.py": "decode/test_dialects.py",
    "decode/chat/dify.py": "decode/test_dialects.py",
    "decode/chat/lobechat.py": "decode/test_dialects.py",
    "decode/chat/langflow.py": "decode/test_dialects.py",
    "decode/chat/gradio.py": "decode/test_dialects.py",
    "decode/chat/custom.py": "decode/test_dialects.py",
    "demo/server.py": "demo/test_tour.py",
    "demo/knowledge.py": "demo/test_corpus.py",
    "contracts.py": "test_testing.py",
    "settings.py": "test_config.py",
    "score/status.py": "score/test_scorers.py",
    "score/length.py": "score/test_scorers.py",
    "score/keywords.py": "score/test_scorers.py",
    "score/fuzzy.py": "score/test_scorers.py",
    "score/phrases.py": "score/test_detect.py",
    "score/jsonvalue.py": "score/test_structure.py",
    "capture/progress.py": "capture/test_tail.py",
    "run/tailing.py": "e2e/test_tail.py",
    "run/hosting.py": "e2e/test_tail.py",
    "gate/say.py": "gate/test_words.py",
    "gate/say_zh.py": "gate/test_words.py",
    "gate/reasons.py": "gate/test_words.py",
    "gate/limits.py": "gate/test_bets.py",
    "cli/plan.py": "cli/test_cli.py",
    "cli/calibrate.py": "run/test_calibrate.py",
    "report/verdicts.py": "report/test_html.py",
    "report/zh.py": "report/test_words.py",
    "report/zh_page.py": "report/test_words.py",
    "report/zh_data.py": "report/test_words.py",
    "report/kinds.py": "report/test_shape.py",
    "report/shifts.py": "report/test_causes.py",
    "report/screen.py": "report/test_pair.py",
    "report/rows.py": "report/test_material.py",
    "run/gathered.py": "report/test_trail.py",
    "report/html/charts.py": "report/test_trail.py",
    "report/html/page.py": "report/test_html.py",
    "report/inspection.py": "cli/test_cli.py",
}


def test_every_module_has_its_test_file() -> None:
    missing = []
    for module in sorted(PACKAGE.rglob("*.py")):
        name = module.relative_to(PACKAGE).as_posix()
        if module.name == "__init__.py":
            continue
        own = ROOT / "tests" / module.relative_to(PACKAGE).parent / f"test_{module.stem}.py"
        if not own.exists() and not (ROOT / "tests" / COVERED_ELSEWHERE.get(name, "missing")).exists():
            missing.append(name)
    assert not missing


def test_files_stay_readable() -> None:
    long = {
        p.relative_to(ROOT).as_posix(): n
        for p in PACKAGE.rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 350
    }
    assert not long


def test_exported_names_are_exactly_all() -> None:
    assert sorted(shadowdiff.__all__) == shadowdiff.__all__
    for name in shadowdiff.__all__:
        assert hasattr(shadowdiff, name)


def test_commands_that_judge_files_never_import_aiohttp() -> None:
    code = (
        "import sys; from shadowdiff.cli import judge; from shadowdiff.run import saved, limits, results; "
        "from shadowdiff.report.terminal import console; assert 'aiohttp' not in sys.modules, 'aiohttp is imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_tree_names_no_machine_and_no_session() -> None:
    """Paths of one machine and hosts of registries have no place in the project."""
    words = ("/work" + "/", "pypi." + "org", "npmjs." + "org", "files.python" + "hosted")
    found = []
    for path in [*PACKAGE.rglob("*"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "Makefile"]:
        if path.is_file() and path.suffix in (".py", ".md", ".j2", ".css", ""):
            text = path.read_text("utf-8", "replace")
            found += [f"{path.name}: {word}" for word in words if word in text]
    assert not found
