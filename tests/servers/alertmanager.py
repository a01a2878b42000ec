"""A real Alertmanager on loopback, alone, with the configuration of `deploy/`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def options(port: int, folder: Path) -> tuple[str, ...]:
    """What `prometheus-alertmanager` is started with; `folder` is where it keeps its alerts."""
    return (
        f"--config.file={ROOT / 'deploy' / 'alertmanager' / 'alertmanager.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.path={folder}",
        "--cluster.listen-address=",
    )
