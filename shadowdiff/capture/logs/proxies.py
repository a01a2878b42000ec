"""Text access logs of proxies: Envoy's default format (and Istio's longer one), and AWS ALB.

Both know when a request STARTED: Envoy logs START_TIME, ALB has request_creation_time.
"""

from __future__ import annotations

import re
import shlex

from shadowdiff.capture.build import Builder, Unreadable, host_of, line_source, status_of, timestamp
from shadowdiff.capture.logs.access import WITH_BODY, request_line
from shadowdiff.model.exchange import BodyState, Exchange, TimeKind

ENVOY = re.compile(rb'^\[(\d{4}-\d\d-\d\dT[^\]]{5,24})\] "([A-Z]+) (\S+) (HTTP/[\d.]+)" (\d+|-) ')
ALB = re.compile(rb"^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT\S+ \S+ \S+ ")
MAX_LINE = 64 << 10
_QUOTED = re.compile(r'"([^"]*)"')
_ALB_FIELDS = 13


def envoy(builder: Builder, where: str, line: bytes) -> Exchange:
    """The exchange of one Envoy or Istio line. Raises `Unreadable`."""
    match = ENVOY.match(line) if len(line) <= MAX_LINE else None
    if match is None:
        raise Unreadable("no Envoy access log line")
    quoted = _QUOTED.findall(line[match.end() :].decode("utf-8", "surrogateescape"))
    # the last quoted fields are XFF, user agent, request id, authority, upstream in both formats
    named = dict(zip(("xff", "agent", "id", "host", "upstream"), quoted[-5:], strict=False))
    headers = [("Host", named["host"])] if named.get("host", "-") != "-" else []
    if named.get("agent", "-") not in ("-", ""):
        headers.append(("User-Agent", named["agent"]))
    if named.get("xff", "-") not in ("-", ""):
        headers.append(("X-Forwarded-For", named["xff"]))
    method = match[2].decode("ascii")
    return builder.exchange(
        where=where,
        method=method,
        target=match[3].decode("utf-8", "surrogateescape"),
        headers=tuple(headers),
        body_state=BodyState.MISSING if method in WITH_BODY else BodyState.EMPTY,
        captured_at=timestamp(match[1].decode("ascii", "replace")),
        time_kind=TimeKind.START,
        recorded_status=status_of(match[5].decode("ascii")),
    )


def alb(builder: Builder, where: str, line: bytes) -> Exchange:
    """The exchange of one ALB line. Raises `Unreadable`."""
    if len(line) > MAX_LINE or not ALB.match(line):
        raise Unreadable("no ALB log line")
    try:
        fields = shlex.split(line.decode("utf-8", "surrogateescape"))
    except ValueError:
        raise Unreadable("an ALB line with an open quote") from None
    if len(fields) < _ALB_FIELDS:
        raise Unreadable(f"an ALB line of {len(fields)} fields, fewer than {_ALB_FIELDS}")
    method, target = request_line(fields[12].encode("utf-8", "surrogateescape"))
    headers = [("Host", host)] if (host := host_of(target)) else []
    if len(fields) > 13 and fields[13] not in ("-", ""):
        headers.append(("User-Agent", fields[13]))
    created = timestamp(fields[21]) if len(fields) > 21 else None
    ended = timestamp(fields[1])
    return builder.exchange(
        where=where,
        method=method,
        target=target,
        headers=tuple(headers),
        body_state=BodyState.MISSING if method in WITH_BODY else BodyState.EMPTY,
        captured_at=created if created is not None else ended,
        time_kind=TimeKind.START if created is not None else TimeKind.END,
        recorded_status=status_of(fields[9]) or status_of(fields[8]),
    )


EnvoyLogSource = line_source(envoy)
AlbLogSource = line_source(alb)
