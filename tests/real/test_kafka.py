"""A real broker: what a group counts is what one process counts, whoever comes, goes or asks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer

from shadowdiff.net.kafka import Place, Reader, place_of
from shadowdiff.testing import CannedServer, answer
from tests.conftest import ROOT
from tests.e2e.live import live
from tests.e2e.targets import path_of, plain, twins, wait_for
from tests.run.test_workers import mixed, odd, settled
from tests.servers.kafka import Broker, broker

pytestmark = pytest.mark.real
FIXED = ("--no-control", "--stop-on", "none")
SAME = ("verdict", "reason", "ledger", "reasons", "divergence", "rules", "exit_code")


@pytest.fixture
def url(kafka: Broker) -> str:
    return kafka.topic(f"log{time.monotonic_ns()}", 6)


def filled(url: str, log: Path, client: dict | None = None) -> None:
    """Every line of the log in its order, also those that are broken, keyed by session.

    Idempotent, since any other producer may change the order where it has to ask again.
    """
    place = place_of(url)
    producer = Producer({"bootstrap.servers": place.brokers, "enable.idempotence": True, **(client or {})})
    for line in log.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            said = {"id": "broken"}
        while True:
            try:
                producer.produce(place.topic, line, said.get("session") or said["id"])
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(30) == 0


def numbered(path: Path, count: int = 600) -> Path:
    """`mixed`, with ids that a route hides by their look, whatever order they come in."""
    mixed(path, count)
    path.write_text(path.read_text().replace("/item/x", "/item/"))
    return path


def member(url: str, blue: CannedServer, green: CannedServer, out: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shadowdiff", "replay", url, "--group", "g", "--blue", blue.url, "--green", green.url,
         "-o", str(out), "--json", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def said_by(process: subprocess.Popen[str], seconds: float = 60) -> dict:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still running after {seconds} s: {process.communicate()}") from None
    assert out.startswith("{"), err
    return json.loads(out) | {"stderr": err}


def alike(one: dict, two: dict) -> None:
    for name in SAME:
        assert one[name] == two[name], name


def single(cli, log: Path, blue: CannedServer, green: CannedServer, *more: str) -> dict:
    done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "single", "--json", "-q", *FIXED, *more)
    return json.loads(done.stdout)


def test_two_members_say_what_one_process_says_and_each_record_counts_once(cli, tmp_path: Path, url: str) -> None:
    log = numbered(tmp_path / "log.jsonl")
    filled(url, log)
    with twins(green=odd) as (blue, green):
        one = single(cli, log, blue, green)
        members = [member(url, blue, green, tmp_path / f"m{n}", *FIXED) for n in range(2)]
        verdicts = [said_by(process) for process in members]
    for verdict in verdicts:
        alike(one, verdict)
        assert any("6 of 6 partitions" in note for note in verdict["notes"])
    done = cli("gate", url, "--json", "-q", "-o", "gathered")
    gathered = json.loads(done.stdout)
    alike(one, gathered)
    mine = [line[:3] for line in settled(tmp_path / "single")]
    assert mine == [line[:3] for line in settled(tmp_path / "gathered")]  # the place in a log is another
    assert {p.name for p in (tmp_path / "gathered").iterdir()} >= {"report.html", "verdict.json", "junit.xml"}
    alike(one, json.loads(cli("gate", "gathered", "--json", "-q").stdout))


def test_turns_of_a_session_go_in_order(tmp_path: Path, url: str) -> None:
    log = numbered(tmp_path / "log.jsonl", 400)
    filled(url, log)
    with twins() as (blue, green):
        for process in [member(url, blue, green, tmp_path / f"m{n}", *FIXED) for n in range(2)]:
            said_by(process)
        asked = [path_of(head) for head, _ in green.seen]
    place = {path: number for number, path in enumerate(asked)}
    assert len(asked) == len(place) == 400
    turns: dict[str, list[int]] = {}
    for n in range(400):
        if n % 3:
            turns.setdefault(f"s{n % 40}", []).append(place[f"/item/{n}"])
    assert all(places == sorted(places) for places in turns.values())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_group_goes_on_where_it_stopped(cli, tmp_path: Path, url: str, how: signal.Signals) -> None:
    log = numbered(tmp_path / "log.jsonl", 1500)
    filled(url, log)
    with twins(green=odd) as (blue, green):
        one = single(cli, log, blue, green)
        before = len(green.seen)
        process = member(url, blue, green, tmp_path / "m0", *FIXED, "--rate", "300/s")
        wait_for(lambda: len(green.seen) > before + 500)
        process.send_signal(how)
        out, _ = process.communicate(timeout=30)
        if how is signal.SIGTERM:
            assert process.returncode == 143 and json.loads(out)["verdict"] == "aborted"
        verdict = said_by(member(url, blue, green, tmp_path / "m1", *FIXED))
        sent = len(green.seen) - before
    alike(one, verdict)
    assert 1500 <= sent < 2000  # again only what was not committed


def slowly_wrong(head: bytes, body: bytes) -> list:
    return [0.01, answer(b"boom", "500 Oops")]


def test_one_early_stop_reaches_every_member_within_two_seconds(tmp_path: Path, url: str) -> None:
    log = numbered(tmp_path / "log.jsonl", 6000)
    filled(url, log)
    times: list[float] = []

    def wrong(head: bytes, body: bytes) -> list:
        times.append(time.monotonic())
        return slowly_wrong(head, body)

    place = place_of(url)
    with CannedServer(lambda head, body: [plain(path_of(head))]) as blue, CannedServer(wrong) as green:
        members = [member(url, blue, green, tmp_path / f"m{n}", "--no-control", "--rate", "100/s") for n in range(3)]
        wait_for(lambda: times)
        reader = Reader({"bootstrap.servers": place.brokers}, place.beside("verdicts"))
        while not reader.ready(1.0):
            assert len(times) < 4000
        said = time.monotonic()
        reader.close()
        verdicts = [said_by(process) for process in members]
    assert [verdict["verdict"] for verdict in verdicts] == ["fail"] * 3
    assert len(times) < 4000 and max(times) - said < 2.0
    assert all(process.returncode == 1 for process in members)


def test_the_gates_verdict_stops_members_that_would_go_on_and_is_served_meanwhile(
    cli, tmp_path: Path, url: str
) -> None:
    log = numbered(tmp_path / "log.jsonl", 6000)
    filled(url, log)
    with CannedServer(lambda head, body: [plain(path_of(head))]) as blue, CannedServer(slowly_wrong) as green:
        asked = subprocess.Popen(
            [sys.executable, "-m", "shadowdiff", "gate", url, "--wait", "60s", "--api", "127.0.0.1:0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        process = member(url, blue, green, tmp_path / "m", *FIXED, "--rate", "200/s")
        wait_for(lambda: len(green.seen) > 5)
        assert asked.stderr is not None
        where = asked.stderr.readline().split(" is at ")[1].strip()
        state = 0
        for _ in range(200):
            try:
                with urllib.request.urlopen(where) as found:
                    state, served = found.status, json.load(found)
                break
            except OSError:
                time.sleep(0.05)
        out, _ = asked.communicate(timeout=60)
        verdict = said_by(process)
    assert asked.returncode == 1 and json.loads(out)["verdict"] == "fail"
    assert process.returncode == 1 and verdict["verdict"] == "fail" and len(green.seen) < 4000
    assert state == 200 and served["schema"] == "shadowdiff.verdict/v1"


def test_runs_on_files_are_judged_together_and_redelivery_changes_nothing(
    cli, kafka: Broker, tmp_path: Path, url: str
) -> None:
    logs = [numbered(tmp_path / f"log{n}.jsonl", 200) for n in range(2)]
    with twins(green=odd) as (blue, green):
        for n, log in enumerate(logs):
            cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", f"run{n}", *FIXED, "--results", url,
                "--group", "pods", "--workers", str(n + 1))  # fmt: skip
    first = json.loads(cli("gate", url, "--json", "-q").stdout)
    folders = json.loads(cli("gate", "run0", "run1", "--json", "-q").stdout)
    alike(folders, first)
    place = place_of(url)
    reader = Reader({"bootstrap.servers": place.brokers}, place.beside("tallies"))
    producer = Producer({"bootstrap.servers": place.brokers})
    for message in list(reader.rest()):
        producer.produce(place.beside("tallies"), message.value(), message.key())
    producer.flush()
    reader.close()
    alike(first, json.loads(cli("gate", url, "--json", "-q").stdout))


def test_a_group_of_other_settings_or_strange_offsets_is_refused(
    cli, kafka: Broker, tmp_path: Path, url: str
) -> None:
    log = numbered(tmp_path / "log.jsonl", 60)
    filled(url, log)
    with twins() as (blue, green):
        given = ("replay", url, "--blue", blue.url, "--green", green.url, "-o", "run")
        assert "name the group with --group" in cli(*given).stderr
        assert cli(*given, "--group", "g").returncode == 3
        done = cli(*given, "--group", "g", "--ignore", "/n")
        assert done.returncode == 2 and "begun with other settings" in done.stderr, done.stderr
        for wrong, why in ((("--workers", "2"), "is for files"), (("--loop", "2"), "is for files")):
            done = cli(*given, "--group", "h", *wrong)
            assert done.returncode == 2 and why in done.stderr
        assert cli("replay", f"{url}-none", *given[2:], "--group", "g").returncode == 4


def test_a_broker_that_is_not_there_is_said_in_one_line(cli, tmp_path: Path) -> None:
    done = cli("gate", "kafka://127.0.0.1:9/none", "--group", "g")
    assert done.returncode == 4 and "no broker answers" in done.stderr and len(done.stderr.splitlines()) == 1


def test_captures_go_to_a_topic_keyed_by_session(cli, tmp_path: Path, kafka: Broker, url: str) -> None:
    log = numbered(tmp_path / "log.jsonl", 90)
    done = cli("convert", log, url)
    assert done.returncode == 0 and "91 exchanges written, 1 unreadable" in done.stdout, done.stderr
    with twins() as (blue, green):
        verdict = said_by(member(url, blue, green, tmp_path / "m", *FIXED))
        assert verdict["ledger"]["sent"] == 90
        topic = kafka.topic(f"rec{time.monotonic_ns()}")
        with live("proxy", tmp_path / "front", "--blue", blue.url, "--record", topic) as front:
            for n in range(20):
                assert front.get(f"/item/{n}")[0] == 200
            time.sleep(1)
        verdict = said_by(member(topic, blue, green, tmp_path / "again", *FIXED))
    assert verdict["ledger"]["sent"] == 20


def test_a_broker_that_wants_tls_and_a_password(cli, tmp_path: Path) -> None:
    """TLS with our own authority, and SASL; without either nobody gets in."""
    ca, server = authority(tmp_path)
    more = (
        f"ssl.keystore.type=PEM\nssl.keystore.location={server}\n"
        "sasl.enabled.mechanisms=PLAIN\nsasl.mechanism.inter.broker.protocol=PLAIN\n"
        "listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="us" password="secret" user_us="secret";\n'
        f"ssl.truststore.type=PEM\nssl.truststore.location={ca}\nssl.endpoint.identification.algorithm=\n"
    )
    client = {
        "security.protocol": "SASL_SSL", "ssl.ca.location": str(ca), "sasl.mechanisms": "PLAIN", "sasl.username": "us",
        "sasl.password": "secret",
    }  # fmt: skip
    log = numbered(tmp_path / "log.jsonl", 120)
    with broker(listener="SASL_SSL", more=more, client=client) as one, twins() as (blue, green):
        url = one.topic("secured", 2)
        config = tmp_path / "c.toml"
        table = f'[kafka]\ncacert = "{ca}"\nsasl = "PLAIN"\nuser = "us"\npassword = "env:KAFKA_PASSWORD"\n'
        config.write_text(table)
        os.environ["KAFKA_PASSWORD"] = "secret"
        try:
            assert cli("convert", log, url, "-c", config).returncode == 0
            done = cli("replay", url, "-c", config, "--group", "g", "--blue", blue.url, "--green", green.url, *FIXED,
                       "-o", "run", "--json")  # fmt: skip
            assert json.loads(done.stdout)["ledger"]["sent"] == 120, done.stderr
            assert cli("gate", url, "-c", config, "-q").returncode == done.returncode
            assert "secret" not in (tmp_path / "run" / "run.json").read_text()
        finally:
            del os.environ["KAFKA_PASSWORD"]
        config.write_text(table.replace("env:KAFKA_PASSWORD", "wrong"))
        done = cli("gate", url, "-c", config)
        assert done.returncode == 4 and "no broker answers" in done.stderr


def test_the_broker_of_the_compose_file_takes_its_settings_and_a_group(cli, tmp_path: Path) -> None:
    """As the image does: KAFKA_A_B is a.b; only ports and the folder are ours here."""
    made = yaml.safe_load((ROOT / "deploy" / "kafka" / "compose.yaml").read_text())["services"]["kafka"]
    lines = [
        f"{key.removeprefix('KAFKA_').lower().replace('_', '.')}={value}"
        for key, value in made["environment"].items()
    ]
    text = "\n".join([*lines, "log.dirs={folder}/data", ""])
    text = text.replace("0.0.0.0:9092", "127.0.0.1:{port}").replace("127.0.0.1:9092", "127.0.0.1:{port}")
    text = text.replace("localhost:9093", "127.0.0.1:{controller}")
    version = made["image"].rpartition(":")[2]
    assert version in (ROOT / "scripts" / "get-kafka").read_text()
    log = numbered(tmp_path / "log.jsonl", 60)
    with broker(properties=text) as one, twins() as (blue, green):
        url = one.topic("requests", 3)
        assert cli("convert", log, url).returncode == 0
        assert said_by(member(url, blue, green, tmp_path / "m", *FIXED))["ledger"]["sent"] == 60


def authority(folder: Path) -> tuple[Path, Path]:
    """(CA file, key and certificate of 127.0.0.1 in one PEM file)."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    def key() -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def certificate(name: str, own, issuer: str, signer, is_ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer))
        made = made.public_key(own.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=2)
        )
        made = made.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return made.add_extension(here, critical=False).sign(signer, hashes.SHA256())

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    pem = serialization.Encoding.PEM
    root, leaf = key(), key()
    ca, server = folder / "ca.pem", folder / "server.pem"
    own = certificate("ca", root, "ca", root, True)
    ca.write_bytes(own.public_bytes(pem))
    private = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server.write_bytes(
        private + certificate("broker", leaf, "ca", root, False).public_bytes(pem) + own.public_bytes(pem)
    )
    return ca, server


def test_addresses_are_read_with_and_without_ports() -> None:
    assert place_of("kafka://a,b:1234/t") == Place("a:9092,b:1234", "t") == place_of(Path("kafka://a,b:1234/t"))
