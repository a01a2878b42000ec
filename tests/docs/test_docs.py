"""Documented or red: every command, option, exit code, metric and config key; README blocks run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from shadowdiff import plugins
from shadowdiff.cli.main import COMMANDS, cli
from shadowdiff.config import keys
from shadowdiff.errors import Exit
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.prometheus import NAMES
from shadowdiff.tee.rewrite import CONDITIONAL, CREDENTIALS, HOP_BY_HOP, TRACING
from tests.conftest import ROOT

REFERENCE = ROOT / "docs" / "reference"


def commands_in(folder: Path) -> Path:
    """A folder for PATH in which `shadowdiff` is this one."""
    wrapper = folder / "bin" / "shadowdiff"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shadowdiff "$@"\n')
    wrapper.chmod(0o755)
    return wrapper.parent


def text(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_command_and_option_is_in_the_reference() -> None:
    page = text("cli.md")
    context = click.Context(cli)
    for name in COMMANDS:
        assert f"## shadowdiff {name}\n" in page
        command = cli.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                for flag in parameter.opts:
                    assert flag in page, flag


def test_every_config_key_has_its_row_and_no_row_is_stale() -> None:
    rows = set(re.findall(r"^\| `([a-z0-9_.]+)` \|", text("config.md"), re.MULTILINE))
    assert rows == set(keys())


def test_every_exit_code_metric_and_verdict_field_is_documented() -> None:
    for code in Exit:
        assert re.search(rf"^\| {int(code)} \| {code.name} \|", text("exit-codes.md"), re.MULTILINE), code
    assert set(re.findall(r"^\| `(shadowdiff_\w+)`", text("metrics.md"), re.MULTILINE)) == set(NAMES)
    for field in Verdict.__struct_fields__:
        assert f"`{field}`" in text("verdict.md"), field


def test_every_capture_format_is_documented() -> None:
    page = text("capture-format.md")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(plugins.registered("sources"))


def test_every_stripped_header_is_on_the_list_of_changes() -> None:
    page = text("fidelity.md").lower()
    for name in HOP_BY_HOP | CONDITIONAL | TRACING | CREDENTIALS:
        assert f"`{name}`" in page, name


def test_links_between_pages_lead_somewhere() -> None:
    folders = ("fixtures", "stories", "deploy", "reports/samples")
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / name / "README.md" for name in folders)]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.zh-CN.md",
        "docs/how-to/tune-the-rules.md",
        "docs/how-to/read-a-report.md",
        "docs/how-to/accept-known-differences.md",
        "docs/how-to/size-a-capture.md",
    ],
)
def test_readme_blocks_run(name: str, tmp_path: Path) -> None:
    """Blocks marked sh run as they stand, with two demo servers where the page says its targets are."""
    page = (ROOT / name).read_text("utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert blocks
    for toml in re.findall(r"^```toml\n(.*?)```", page, re.DOTALL | re.MULTILINE):
        (tmp_path / "accept.toml").write_text(toml)
    make_blocks = [block for block in blocks if block.startswith("make ")]
    assert make_blocks or not name.startswith("README"), "the page begins with make demo"
    commands = commands_in(tmp_path)
    servers, ports = [], []
    for release in ("blue", "bad"):
        server = subprocess.Popen(
            [sys.executable, "-m", "shadowdiff.demo.server", "--release", release], stdout=subprocess.PIPE, text=True
        )
        servers.append(server)
        ports.append(server.stdout.readline().strip())  # type: ignore[union-attr]
    try:
        for block in blocks:
            if block in make_blocks:
                continue
            script = block.replace("http://shop-blue:8080", f"http://127.0.0.1:{ports[0]}").replace(
                "http://shop-green:8080", f"http://127.0.0.1:{ports[1]}"
            )
            script = script.replace("traffic.jsonl", f"'{ROOT / 'fixtures' / 'chat.jsonl'}'")
            done = subprocess.run(
                ["sh", "-c", f'PATH="{commands}:$PATH"; {script}'],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert done.returncode in (0, 1), (script, done.returncode, done.stderr)
            assert "error:" not in done.stderr, done.stderr
    finally:
        for server in servers:
            server.terminate()
            server.wait(10)
            server.stdout.close()  # type: ignore[union-attr]
