"""The real Alertmanager and Prometheus (Debian's packages): alerts fire and resolve, metrics are scraped, rules speak."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shadowdiff.testing import answer
from tests.conftest import ROOT
from tests.e2e.live import live
from tests.e2e.targets import log_of, plain, twins
from tests.servers.alertmanager import options
from tests.servers.nginx import free_port

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def installed() -> None:
    for name in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed: apt-get install prometheus prometheus-alertmanager")


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.loads(reply.read())


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    over = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            found = what()
            if found:
                return found
        assert time.monotonic() < over, "it did not come"
        time.sleep(0.1)


@contextlib.contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    port = free_port()
    with running("prometheus-alertmanager", *options(port, folder / "am")):
        url = f"http://127.0.0.1:{port}"
        until(lambda: asked(f"{url}/api/v2/status"))
        yield url


@contextlib.contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "shadowdiff", "static_configs": [{"targets": [target]}]}],
        "rule_files": [str(ROOT / "deploy" / "prometheus" / "rules.yaml")],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with running(
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.path={folder / 'tsdb'}", "--enable-feature=exemplar-storage",
    ):  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        until(lambda: asked(f"{url}/api/v1/status/runtimeinfo"))
        yield url


def test_a_fail_is_an_alert_and_a_later_pass_takes_it_back(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 150)
    with alertmanager(tmp_path) as url:
        (tmp_path / "c.toml").write_text(f'[[actions]]\nuse = "alertmanager"\nurl = "{url}"\n')

        def replay(green_says) -> int:
            with twins(green=green_says) as (blue, green):
                return cli(
                    "replay", log, "-c", "c.toml", "--blue", blue.url, "--green", green.url, "-o", "run", "--service",
                    "shop", "--candidate", "v2",
                ).returncode  # fmt: skip

        def active() -> list[dict]:
            return [one for one in asked(f"{url}/api/v2/alerts") if one["status"]["state"] == "active"]

        assert replay(lambda path: answer(b"wrong")) == 1
        (alert,) = until(active)
        assert alert["labels"]["alertname"] == "ShadowdiffReleaseBlocked" and alert["labels"]["candidate"] == "v2"
        assert replay(plain) == 0
        until(lambda: not active())


def test_prometheus_scrapes_a_service_and_its_rules_fire(tmp_path: Path) -> None:
    with (
        twins(green=lambda path: answer(b"wrong")) as (blue, green),
        live(
            "proxy",
            tmp_path / "run",
            "--blue",
            blue.url,
            "--green",
            green.url,
            "--service",
            "shop",
            "--candidate",
            "v2",
        ) as one,
        prometheus(tmp_path, one.api.removeprefix("http://")) as url,
    ):
        for n in range(60):
            one.get(f"/item/{n}")
        state = urllib.parse.quote('shadowdiff_gate_state{state="fail",service="shop",candidate="v2"} == 1')
        until(lambda: asked(f"{url}/api/v1/query?query={state}")["data"]["result"])
        names = set(asked(f"{url}/api/v1/label/__name__/values")["data"])
        assert {"shadowdiff_pairs_total", "shadowdiff_response_duration_seconds_bucket"} <= names
        firing = until(
            lambda: [
                one["labels"]["alertname"]
                for one in asked(f"{url}/api/v1/alerts")["data"]["alerts"]
                if one["state"] == "firing"
            ]
        )
        assert "ShadowdiffReleaseBlocked" in firing
        series = urllib.parse.quote("shadowdiff_response_duration_seconds_bucket")
        now = datetime.now(UTC).timestamp()
        spans = f"&start={now - 600:.0f}&end={now + 60:.0f}"
        found = until(lambda: asked(f"{url}/api/v1/query_exemplars?query={series}{spans}")["data"])
        assert len(found[0]["exemplars"][0]["labels"]["trace_id"]) == 32
