"""As in a locked-down container: another user than root, a root file system that cannot be written, one folder that can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.live import Live
from tests.e2e.targets import twins

pytestmark = pytest.mark.real
NOBODY = 65534
CONFINE = """
set -e
mount --make-rprivate /
mount --bind "$OUT" "$OUT"
mount -o remount,ro,bind /
! touch /shadowdiff-was-here 2>/dev/null
cd /
exec setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs "$@"
"""


@pytest.fixture(autouse=True)
def namespaces() -> None:
    if os.getuid() != 0 or not shutil.which("setpriv") or subprocess.run(["unshare", "-m", "true"]).returncode:
        pytest.skip("mount namespaces need root, unshare and setpriv")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="shadowdiff-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def python() -> str:
    """An interpreter of our version that another user may run: ours may lie in root's home."""
    for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", path]
        again = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
        if (
            os.access(path, os.X_OK)
            and subprocess.run([*drop, "-c", again], stderr=subprocess.DEVNULL).returncode == 0
        ):
            return path
    pytest.skip("no interpreter of this version that another user may run: apt-get install python3")


def confined(out: Path, *command: str) -> subprocess.Popen[str]:
    out.mkdir()
    out.chmod(0o777)
    paths = (str(Path(__file__).parents[2]), sysconfig.get_path("purelib"))
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-c", CONFINE.format(user=NOBODY), "sh", python(), "-m", "shadowdiff", *command],
        env=os.environ | {"OUT": str(out), "HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(paths)},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_proxy_works_for_another_user_on_a_read_only_root(open_folder: Path) -> None:
    out = open_folder / "out"
    with twins() as (blue, green):
        process = confined(
            out, "proxy", "--listen", "127.0.0.1:0", "--blue", blue.url, "--green", green.url, "--api", "127.0.0.1:0",
            "-o", str(out / "run"),
        )  # fmt: skip
        one = Live(process, out / "run")
        one.wait(lambda: one.address)
        for n in range(120):
            assert one.get(f"/item/{n}")[0] == 200
        one.wait(lambda: len(one.compared()) == 120)
        code, verdict = one.end()
        one.close()
    assert (code, verdict["verdict"]) == (0, "pass"), one.text
    assert (out / "run" / "verdict.json").stat().st_uid == NOBODY


def test_a_folder_that_cannot_be_written_is_said_at_once(open_folder: Path) -> None:
    with twins() as (blue, green):
        process = confined(
            open_folder / "out", "proxy", "--listen", "127.0.0.1:0", "--blue", blue.url, "--green", green.url, "-o",
            "/nowhere/run", "--api", "off",
        )  # fmt: skip
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2 and "/nowhere/run: cannot be written" in said, said
