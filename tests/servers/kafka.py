"""A real Apache Kafka on loopback: one KRaft node from the jars that `scripts/get-kafka` fetches."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.servers.nginx import free_port

JARS = Path(os.environ.get("SHADOWDIFF_KAFKA", ROOT / ".venv" / "kafka"))
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners={listener}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listener}://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{listener}:{listener}
controller.listener.names=CONTROLLER
inter.broker.listener.name={listener}
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
"""


class Broker:
    """One node; it may be stopped and started again on the same port with what it had."""

    def __init__(
        self,
        listener: str = "PLAINTEXT",
        more: str = "",
        client: dict[str, Any] | None = None,
        properties: str = PROPERTIES,
    ) -> None:
        """`more` are further properties, `client` what a client needs to get in."""
        self.folder = Path(tempfile.mkdtemp(prefix="shadowdiff-kafka-"))
        self.address = f"127.0.0.1:{free_port()}"
        self._client = {"bootstrap.servers": self.address, **(client or {})}
        self._properties = self.folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        port = self.address.rpartition(":")[2]
        text = properties.format(listener=listener, port=port, controller=free_port(), folder=self.folder)
        self._properties.write_text(text + more)
        cluster = base64.urlsafe_b64encode(b"shadowdiff tests").decode().rstrip("=")
        alone = () if "quorum.voters" in text else ("--standalone",)
        done = self._java("kafka.tools.StorageTool", "format", "-c", str(self._properties), "-t", cluster, *alone)
        if done.wait(60):
            raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def _java(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["java", "-Xmx400m", "-XX:+UseSerialGC", "-cp", f"{JARS}/*", *command], stdout=log, stderr=log
            )

    def start(self) -> None:
        """Start, and wait until it answers."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        self._process = self._java("kafka.Kafka", str(self._properties))
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(KafkaException):
                AdminClient({**self._client, "log_level": 0}).list_topics(timeout=2)
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text()[-3000:])

    def stop(self, kill: bool = False) -> None:
        """Stop, in order or at once."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(60)
            self._process = None

    def topic(self, name: str, partitions: int = 1) -> str:
        """A new topic, and its URL."""
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient(self._client)  # its answers end with it
        for made in admin.create_topics([NewTopic(name, partitions, 1)]).values():
            made.result(20)
        return f"kafka://{self.address}/{name}"

    def close(self) -> None:
        """Stop and forget."""
        self.stop(kill=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def broker(**given: Any) -> Iterator[Broker]:
    """A `Broker` for as long as it is needed; skips, saying so, where its jars or Java are not there."""
    if shutil.which("java") is None or not any(JARS.glob("kafka_*.jar")):
        pytest.skip(f"no Kafka at {JARS}: scripts/get-kafka fetches it (needs Java 17 and Maven)")
    one = Broker(**given)
    try:
        one.start()
        yield one
    finally:
        one.close()
