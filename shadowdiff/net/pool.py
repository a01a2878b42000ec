"""Connections to one endpoint: kept while fresh, spread over all its addresses, capped in use.

A kept connection is reused only if idle under 2 s, open, and under 1,000 requests: most "the
keep-alive closed under us" races never start (DESIGN section 7). One that does makes that shorter.
"""

from __future__ import annotations

import asyncio
import ssl
import time

from shadowdiff.model.exchange import Failure
from shadowdiff.net.conn import Conn
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.net.names import Names
from shadowdiff.net.tls import context_for, explain

IDLE_S = 2.0
HARDLY_S = 0.1
MAX_REQUESTS = 1000
RESOLVE_S = 30.0
CONNECTING = 200


class ConnectFailed(Exception):
    """No connection could be made. `failure` says how; `config` that it is the caller's to fix."""

    def __init__(self, failure: Failure, detail: str, config: bool = False) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.config = config


class Pool:
    """The idle connections of one endpoint, newest first."""

    def __init__(self, endpoint: Endpoint, body_cap: int) -> None:
        self.endpoint = endpoint
        self.peers: dict[str, int] = {}
        self._body_cap = body_cap
        self._tls = context_for(endpoint)
        self._idle: list[Conn] = []
        self._addresses: list[tuple[str, int]] = []
        self._resolved_at = -RESOLVE_S
        self._names = Names(endpoint.connect_host, endpoint.connect_port)
        self._next = 0
        self._keep_s = IDLE_S
        self._gate = asyncio.Semaphore(CONNECTING)

    def take(self) -> Conn | None:
        """A fresh kept connection, or None when one must be opened."""
        limit = time.monotonic() - self._keep_s
        while self._idle:
            conn = self._idle.pop()
            if not conn.closed and conn.idle_since > limit:
                return conn
            conn.drop()
        return None

    def give(self, conn: Conn) -> None:
        """Keep `conn` for the next call, unless it is used up."""
        if conn.closed or conn.requests >= MAX_REQUESTS:
            conn.drop()
        else:
            self._idle.append(conn)

    def closed_after(self, idle_s: float) -> None:
        """The other side closed a connection that was idle for so long: keep none for as long again.

        One that was hardly idle ended for another reason, such as a restart.
        """
        self._keep_s = min(self._keep_s, max(0.8 * idle_s, HARDLY_S))

    async def open(self) -> Conn:
        """A new connection to the endpoint's next address. Raises `ConnectFailed`."""
        limit = self.endpoint.deadlines.connect_s
        try:
            async with self._gate, asyncio.timeout(limit):
                conn = await self._connect()
        except TimeoutError:
            raise ConnectFailed(
                Failure.TIMEOUT, f"no connection to {self.endpoint.origin} within {limit:g} s"
            ) from None
        self.peers[conn.peer] = self.peers.get(conn.peer, 0) + 1
        return conn

    def close(self) -> None:
        """Close every kept connection."""
        for conn in self._idle:
            conn.drop()
        self._idle.clear()

    async def _connect(self) -> Conn:
        addresses = await self._resolve()
        refused = ""
        for _ in addresses:
            host, port = addresses[self._next % len(addresses)]
            self._next += 1
            try:
                _, conn = await asyncio.get_running_loop().create_connection(
                    lambda: Conn(self._body_cap, self._lost),
                    host,
                    port,
                    ssl=self._tls,
                    server_hostname=self.endpoint.host if self._tls else None,
                )
                return conn
            except ssl.SSLError as error:
                config, text = explain(error, self.endpoint)
                raise ConnectFailed(Failure.TLS, text, config) from None
            except OSError as error:
                refused = error.strerror or str(error)
        raise ConnectFailed(Failure.REFUSED, f"{self.endpoint.origin}: {refused or 'refused'}")

    async def _resolve(self) -> list[tuple[str, int]]:
        """All addresses, v4 and v6, looked up again every 30 s; a failing look-up keeps the old ones."""
        moment = time.monotonic()
        if moment - self._resolved_at < RESOLVE_S:
            return self._addresses
        endpoint = self.endpoint
        try:
            self._addresses = await self._names.resolve()
        except OSError as error:
            if not self._addresses:
                raise ConnectFailed(
                    Failure.REFUSED, f"the name {endpoint.connect_host} does not resolve ({error})"
                ) from None
        self._resolved_at = moment
        return self._addresses

    def _lost(self, conn: Conn) -> None:
        if not conn.busy and conn in self._idle:
            self._idle.remove(conn)
