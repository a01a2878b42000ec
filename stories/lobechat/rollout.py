"""A rollout as Argo Rollouts does it: set a weight, ask the analysis, promote or abort; step after step.

The steps and the analysis are those of deploy/argo/; how measurements are counted is in tests/servers/controllers.py,
with its source. `--spoil 25:slow:900` plants a regression when that weight is reached.

    python -m stories.lobechat.rollout work --ports 3200 3210 3211 3220 --api http://127.0.0.1:3280
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
import urllib.parse
from pathlib import Path
from typing import Any

import yaml

from stories.lobechat.up import ingress
from stories.services import ROOT
from tests.servers.controllers import argo_decides, argo_measures, fetch

ARGO = ROOT / "deploy" / "argo"
POLL_S = 1.0
"""Instead of the template's 30 s."""


def analysis(api: str) -> dict[str, Any]:
    """The metric of the AnalysisTemplate, asked of `api`, as often as its 20 minutes allow at our pace."""
    (document,) = yaml.safe_load_all((ARGO / "analysis-web.yaml").read_text("utf-8"))
    metric = document["spec"]["metrics"][0]
    metric["provider"]["web"]["url"] = metric["provider"]["web"]["url"].replace("http://shadowdiff.shop:8780", api)
    return dict(metric)


def weights() -> list[int]:
    """The steps of the Rollout."""
    (document,) = yaml.safe_load_all((ARGO / "rollout-canary.yaml").read_text("utf-8"))
    return [one["setWeight"] for one in document["spec"]["strategy"]["canary"]["steps"] if "setWeight" in one]


def asked(api: str, step: int, candidate: str) -> tuple[str, int]:
    """(reason, requests sent) of a step, as the service tells it now."""
    query = urllib.parse.urlencode({"service": "lobechat", "candidate": candidate, "step": step})
    status, body = fetch(f"{api}/api/v1/verdict?{query}", {})
    if status != 200:
        raise SystemExit(f"{api} answers {status}: {body!r}")
    verdict = json.loads(body)
    return verdict["reason"], verdict["ledger"]["sent"]


def main() -> int:
    """The exit code: 0 promoted, 1 aborted, 3 paused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ports", type=int, nargs=4)
    parser.add_argument("--api", required=True)
    parser.add_argument("--candidate", default="1.144.0")
    parser.add_argument("--spoil", default="")
    told = parser.parse_args()
    folder = told.folder.resolve()
    master = int((folder / "nginx.pid").read_text())
    faults = folder / f"faults-{told.ports[2]}"
    faults.unlink(missing_ok=True)
    at, _, fault = told.spoil.partition(":")

    def weigh(weight: int) -> None:
        (folder / "http.conf").write_text(ingress(told.ports, weight), "utf-8")
        os.kill(master, signal.SIGHUP)

    for weight in weights():
        weigh(weight)
        arguments = {"service-name": "lobechat", "candidate": told.candidate, "step": str(weight), "token": ""}
        measured = 0

        def measure(arguments: dict[str, str] = arguments, weight: int = weight) -> str:
            nonlocal measured
            measured += 1
            if measured == 3 and at == str(weight):
                faults.write_text(fault, "utf-8")
            phase = argo_measures(analysis(told.api), arguments)
            if phase == "Inconclusive":
                time.sleep(POLL_S)
            return phase

        decided, seen = argo_decides(analysis(told.api), measure)
        reason, sent = asked(told.api, weight, told.candidate)
        print(f"step {weight} %: {decided} after {len(seen)} measurements, {sent} requests", flush=True)
        if decided != "promote":
            weigh(0)
            print(f"{reason}: traffic is back on the stable release")
            return 1 if decided == "abort" else 3
    print("promoted")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
