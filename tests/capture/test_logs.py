"""JSON access logs, Envoy, ALB, and container wrapping: real lines, and the start of a request where it can be known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.logs.container import ContainerLogSource, is_wrapped, unwrap
from shadowdiff.capture.logs.jsonlog import JsonLogSource, looks_like
from shadowdiff.capture.logs.proxies import AlbLogSource, EnvoyLogSource
from shadowdiff.model.exchange import BodyState, Exchange, TimeKind
from shadowdiff.model.tally import Ledger


def read(source, path: Path) -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(source(path, Builder(ledger)).stream()), ledger


def one(source, line: object) -> Exchange:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return source(Path("x"), Builder(Ledger())).one("x:1", raw)


def test_nginx_json_of_hostile_requests_is_read_or_named(samples: Path) -> None:
    found, ledger = read(JsonLogSource, samples / "accesslog" / "selfgen_nginx1.22_json_escape_json.log")
    assert (ledger.read, len(found), ledger.unreadable) == (18, 15, 3)
    assert all(e.time_kind is TimeKind.START for e in found)
    spilled = [e for e in found if e.body_state is BodyState.MISSING]
    assert len(spilled) == 1, "the 40 kB body that nginx wrote to disk"
    assert found[0].captured_at == pytest.approx(1795224959.937 - 0.003)


def test_lines_without_escape_json_are_mended(samples: Path) -> None:
    line = b'{"status":200,"request_method":"GET","request_uri":"/a","http_user_agent":"weird \\x22agent\\x22 \\xC3\\xA9"}'
    assert ("User-Agent", 'weird "agent" Ã©') in one(JsonLogSource, line).request.headers
    _, ledger = read(JsonLogSource, samples / "accesslog" / "selfgen_nginx1.22_json_default_escape_INVALID.log")
    assert set(ledger.reasons) == {"unreadable: no method and target (request_method and request_uri, or request)"}


@pytest.mark.parametrize(
    ("line", "target", "status", "kind"),
    [
        ({"start_time": "2026-06-01T08:00:00.5Z", "method": "GET", "path": "/a?x=1", "authority": "shop", "response_code": 200}, "/a?x=1", 200, TimeKind.START),
        ({"start_time": "2026-06-01T08:00:00Z", ":authority": "shop", "method": "POST", "x-envoy-origin-path": "/p", "path": None, "response_code": "204"}, "/p", 204, TimeKind.START),
        ({"time_local": "17/May/2015:10:05:03 +0000", "request": "GET /r HTTP/1.1", "status": "301"}, "/r", 301, TimeKind.END),
        ({"@timestamp": "2026-06-01T08:00:00Z", "verb": "GET", "uri": "/u", "args": "a=1", "status": 404, "request_time": "0.250"}, "/u?a=1", 404, TimeKind.START),
    ],
)  # fmt: skip
def test_the_names_people_give_their_fields(line: dict, target: str, status: int, kind: TimeKind) -> None:
    made = one(JsonLogSource, line)
    assert (made.request.target, made.recorded_status, made.time_kind) == (target, status, kind)
    assert looks_like(line) and not looks_like({"target": "/", "status": 200}) and not looks_like({"path": "/a"})


def test_envoy_and_istio_text() -> None:
    plain = b'[2026-06-01T08:00:00.310Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21" "locations" "tcp://10.0.2.1:80"'
    istio = (
        b'[2026-06-01T08:00:00.310Z] "GET /api?x=1 HTTP/1.1" 200 - via_upstream - "-" 0 9 1 0 "-" "curl/8" "id-1" "shop:8080" '
        b'"10.0.0.1:80" inbound|80|| 127.0.0.1:1 10.0.0.1:80 10.0.0.2:2 outbound_.80_._.shop default'
    )
    first, second = one(EnvoyLogSource, plain), one(EnvoyLogSource, istio)
    assert first.request.headers == (
        ("Host", "locations"),
        ("User-Agent", "nsq2http"),
        ("X-Forwarded-For", "10.0.35.28"),
    )
    assert first.body_state is BodyState.MISSING and first.recorded_status == 204
    assert second.request.target == "/api?x=1" and second.captured_at == pytest.approx(1780300800.31)


def test_alb_knows_when_a_request_was_created(samples: Path) -> None:
    found, ledger = read(AlbLogSource, samples / "alb" / "otel_alb_al_valid_logs.log")
    assert (len(found), ledger.unreadable) == (2, 0)
    assert found[0].request.target == "/" and ("Host", "www.example.com:443") in found[0].request.headers
    assert found[0].time_kind is TimeKind.START and found[0].captured_at == pytest.approx(1530570168.364)
    with pytest.raises(Unreadable):
        one(AlbLogSource, b'http 2018-07-02T22:23:00Z app/x 1.1.1.1:1 - -1 -1 -1 400 - 0 0 "- http://h:80- -" "-"')


ACCESS = b'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 5'


@pytest.mark.parametrize(
    "lines",
    [
        [json.dumps({"log": ACCESS.decode()[:20], "stream": "stdout", "time": "t"}).encode(), json.dumps({"log": ACCESS.decode()[20:] + "\n", "stream": "stdout"}).encode()],
        [b"2026-06-01T08:00:00.1Z stdout P " + ACCESS[:30], b"2026-06-01T08:00:00.1Z stderr F noise", b"2026-06-01T08:00:00.2Z stdout F " + ACCESS[30:]],
    ],
)  # fmt: skip
def test_split_lines_are_joined_per_stream_and_read_as_what_they_wrap(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "c.log"
    path.write_bytes(b"\n".join(lines) + b"\n" + lines[0] + b"\n")
    found, ledger = read(ContainerLogSource, path)
    assert [e.request.target for e in found] == ["/x"]
    assert ledger.read == len(found) + ledger.unreadable


def test_container_samples_are_unwrapped_as_their_tool_does(samples: Path) -> None:
    folder = samples / "container"
    raw = (folder / "fluentbit_dockermode_splitted_multiple_lines.log").read_bytes().splitlines()
    inner = [line for _, line in unwrap(enumerate(raw, 1))]
    assert inner[3] == b"third bullet point" and len(inner) == 6
    for path in folder.glob("*.log"):
        found, ledger = read(ContainerLogSource, path)
        assert not found and ledger.unreadable == ledger.read > 0
    assert is_wrapped(b'{"log":"x\\n"}') and not is_wrapped(b'{"log":{"entries":[]}}')
