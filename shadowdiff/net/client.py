"""The aiohttp transport: for the unusual (proxies, platforms without uvloop), and the oracle for `wire`.

Both run the same canned-answer suite and must agree. aiohttp's own habits are switched off where it
has a switch: no cookies, redirects, retries, decompression or added headers; targets go out as captured.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
from collections.abc import Sequence
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from shadowdiff.contracts import Call
from shadowdiff.model.exchange import Failure, Observation, Response
from shadowdiff.net.conn import MAX_EVENTS, MAX_HEADER_BYTES, TOO_LARGE_FACTOR, now
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.net.tls import context_for, explain

_AUTO = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class AiohttpTransport:
    """HTTP/1.1 through aiohttp's client to a fixed list of endpoints."""

    def __init__(
        self, endpoints: Sequence[Endpoint], max_body: int = 1 << 20, seed: int | None = None, proxy: str = ""
    ) -> None:
        self._endpoints = list(endpoints)
        self._max_body = max_body
        self._random = random.Random(seed)
        self._proxy = proxy or None
        self._session: aiohttp.ClientSession | None = None
        self._tls = [context_for(endpoint) for endpoint in endpoints]
        self.races = 0
        self.peers: dict[str, dict[str, int]] = {endpoint.name: {} for endpoint in endpoints}

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """Send all `calls` together, in random order; failures are observations."""
        results: list[Observation | None] = [None] * len(calls)
        order = list(range(len(calls)))
        self._random.shuffle(order)

        async def one(index: int) -> None:
            results[index] = await self._one(calls[index])

        async with asyncio.TaskGroup() as group:
            for index in order:
                group.create_task(one(index))
        return tuple(results)  # type: ignore[arg-type]

    async def aclose(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_AUTO,
                trust_env=False,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
            # aiohttp sends a safe request twice when a kept connection drops, and hides it
            self._session._retry_connection = False
        return self._session

    async def _one(self, call: Call) -> Observation:
        endpoint = self._endpoints[call.endpoint]
        limits = endpoint.deadlines
        sent = now()
        state: dict[str, Any] = {"response": None, "first": 0.0, "parts": [], "size": 0}
        failure: Failure | None = None
        detail = ""
        try:
            async with asyncio.timeout(limits.total_s):
                await self._exchange(call, endpoint, sent, state)
        except TimeoutError as error:
            failure, detail = Failure.TIMEOUT, str(error) or "no whole answer in time"
        except aiohttp.ClientConnectorCertificateError as error:
            failure, detail = Failure.TLS, str(error)
        except aiohttp.ClientConnectorSSLError as error:
            failure, detail = Failure.TLS, str(error)
        except ssl.SSLError as error:
            failure, detail = Failure.TLS, explain(error, endpoint)[1]
        except aiohttp.ClientConnectorError as error:
            failure, detail = Failure.REFUSED, str(error)
        except _TooLarge as error:
            failure, detail = Failure.TOO_LARGE, str(error)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionError) as error:
            failure, detail = Failure.RESET, str(error)
        except aiohttp.ClientOSError as error:
            failure, detail = Failure.RESET, str(error)
        except (aiohttp.ClientError, ValueError) as error:
            failure, detail = Failure.PROTOCOL, str(error)
        return Observation(
            role=call.role,
            response=_response(state, sent),
            failure=failure,
            detail=detail,
            peer=state.get("peer", ""),
            due_at=call.due_at,
            sent_at=sent,
            first_byte_s=state["first"] - sent if state["first"] else 0.0,
            total_s=now() - sent,
        )

    async def _exchange(self, call: Call, endpoint: Endpoint, sent: float, state: dict[str, Any]) -> None:
        request, limits = call.request, endpoint.deadlines
        base = endpoint.origin if not endpoint.connect_host else _base(endpoint)
        url = URL(base + request.target, encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=limits.connect_s, sock_read=max(limits.ttfb_s, limits.idle_s)
        )
        async with self._open().request(
            request.method,
            url,
            headers=CIMultiDict(request.headers),
            data=request.body or None,
            allow_redirects=False,
            timeout=timeout,
            proxy=self._proxy,
            ssl=self._tls[call.endpoint] or True,
            server_hostname=endpoint.host if endpoint.tls else None,
        ) as answer:
            state["first"] = now()
            state["response"] = answer
            if answer.connection is not None and answer.connection.transport is not None:
                name = answer.connection.transport.get_extra_info("peername")
                state["peer"] = f"{name[0]}:{name[1]}" if name else ""
                peers = self.peers[endpoint.name]
                peers[state["peer"]] = peers.get(state["peer"], 0) + 1
            await self._read(answer, sent, state)

    async def _read(self, answer: aiohttp.ClientResponse, sent: float, state: dict[str, Any]) -> None:
        kept = 0
        events = state.setdefault("events", [])
        streamed = (
            answer.headers.get("Content-Type", "").lower().startswith(("text/event-stream", "application/x-nd"))
        )
        async for chunk in answer.content.iter_any():
            if streamed and len(events) < MAX_EVENTS:
                events.append((state["size"], now() - sent))
            state["size"] += len(chunk)
            room = self._max_body - kept
            if "digest" not in state and room < len(chunk):
                state["digest"] = hashlib.sha256(b"".join(state["parts"]))
            if "digest" in state:
                state["digest"].update(chunk)
            state["parts"].append(chunk[:room])
            kept += len(chunk[:room])
            if state["size"] > self._max_body * TOO_LARGE_FACTOR:
                answer.close()
                raise _TooLarge(f"body over {self._max_body * TOO_LARGE_FACTOR >> 20} MiB")


class _TooLarge(Exception):
    pass


def _base(endpoint: Endpoint) -> str:
    host = f"[{endpoint.connect_host}]" if ":" in endpoint.connect_host else endpoint.connect_host
    return f"{'https' if endpoint.tls else 'http'}://{host}:{endpoint.connect_port}"


def _response(state: dict[str, Any], sent: float) -> Response | None:
    answer = state["response"]
    if answer is None:
        return None
    digest = state.get("digest")
    return Response(
        status=answer.status,
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in answer.raw_headers),
        body=b"".join(state["parts"]),
        size=state["size"],
        truncated=digest is not None,
        digest=digest.hexdigest() if digest else "",
        events=tuple(state.get("events", ())),
    )
