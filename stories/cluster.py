"""What the Kotaemon pages need of a cluster: an API that behaves like Kubernetes', and a real Alertmanager.

    python -m stories.cluster work/cluster --alertmanager 7893
FOLDER/config is the kubeconfig, FOLDER/seen.log has a line for each change that was asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from stories.services import LOCAL, Services, answers, needed
from tests.servers.alertmanager import options
from tests.servers.kube import Kube, kubeconfig, kubernetes

BLUE = "/apis/apps/v1/namespaces/rag/deployments/kotaemon-blue"
INGRESS = "/apis/networking.k8s.io/v1/namespaces/rag/ingresses/kotaemon"


class Told(Kube):
    """One that writes down what it was asked to change."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log
        backend = {"service": {"name": "kotaemon-green"}}
        rules = [{"host": "chat.example", "http": {"paths": [{"backend": backend}]}}]
        self.objects = {
            BLUE: {"spec": {"replicas": 3}, "status": {"readyReplicas": 3}},
            INGRESS: {"spec": {"rules": rules}},
        }

    def patch(self, path: str, kind: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """As an API server does it."""
        status, answer = super().patch(path, kind, body)
        now = self.objects[INGRESS]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"PATCH {path} {status}; the ingress points at {now}\n")
        return status, answer


def main() -> None:
    """Start, say so, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--alertmanager", type=int, required=True)
    told = parser.parse_args()
    folder = told.folder.resolve()
    with Services(folder) as services, kubernetes(kube=Told(folder / "seen.log")) as kube:
        alerts = options(told.alertmanager, folder / "alerts")
        services.start("alertmanager", needed("prometheus-alertmanager"), *alerts)
        services.until(lambda: answers(f"http://{LOCAL}:{told.alertmanager}/api/v2/status"), "alertmanager")
        kubeconfig(folder, kube.url, token="of-the-story")
        services.stay()


if __name__ == "__main__":
    main()
