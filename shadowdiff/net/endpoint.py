"""One target as the network sees it: where to connect, what name to verify, what Host to send."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from shadowdiff.contracts import Deadlines
from shadowdiff.errors import UsageError


class Endpoint(msgspec.Struct, frozen=True):
    """A parsed target URL.

    `prefix` is joined before every captured path. `connect_host/port` differ from `host/port` under
    `--connect-to`; SNI and verification always follow `host`, and the Host header is separate.
    """

    name: str
    tls: bool
    host: str
    port: int
    prefix: str = ""
    host_header: str = ""
    connect_host: str = ""
    connect_port: int = 0
    deadlines: Deadlines = Deadlines()
    insecure: bool = False
    cacert: str = ""

    @property
    def origin(self) -> str:
        """scheme://host:port, for messages and curl lines."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def authority(self) -> str:
        """host, with the port unless it is the scheme's own; IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether requests stay on this machine."""
        host = self.connect_host or self.host
        return host in ("localhost", "::1") or host.startswith("127.")


def endpoint(
    name: str,
    url: str,
    *,
    host_header: str = "",
    connect_to: tuple[str, ...] = (),
    deadlines: Deadlines | None = None,
    insecure: bool = False,
    cacert: str = "",
) -> Endpoint:
    """Parse `url` for the target called `name` (blue, green, twin).

    Raises `UsageError` naming the option for a missing scheme, host, bad port, credentials, query or fragment.
    """
    where = f"--{name} {url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{where}: not a valid URL ({error}); write e.g. http://shop-{name}:8080") from None
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"{where}: needs http:// or https:// in front; write e.g. http://{url or name}")
    if not parts.hostname:
        raise UsageError(f"{where}: has no host; write e.g. http://shop-{name}:8080")
    if any(not "!" <= char <= "~" for char in parts.netloc + parts.path):
        raise UsageError(f"{where}: holds a blank or a character outside ASCII")
    if parts.username or parts.password:
        raise UsageError(f"{where}: holds credentials; give them as --{name}-header 'Authorization: …'")
    if parts.query or parts.fragment:
        raise UsageError(f"{where}: a target is scheme, host, port and path prefix; drop what follows ? or #")
    tls = parts.scheme == "https"
    port = port or (443 if tls else 80)
    connect_host, connect_port = _redirect(parts.hostname, port, connect_to)
    made = Endpoint(
        name=name,
        tls=tls,
        host=parts.hostname,
        port=port,
        prefix=parts.path.rstrip("/"),
        connect_host=connect_host,
        connect_port=connect_port,
        deadlines=deadlines or Deadlines(),
        insecure=insecure,
        cacert=cacert,
    )
    return msgspec.structs.replace(made, host_header=host_header or made.authority)


def _redirect(host: str, port: int, rules: tuple[str, ...]) -> tuple[str, int]:
    """curl's HOST:PORT:CONNECT-HOST:CONNECT-PORT; an empty part means any, or unchanged."""
    for rule in rules:
        parts = _split(rule)
        if len(parts) != 4 or (parts[1] and not parts[1].isdigit()) or (parts[3] and not parts[3].isdigit()):
            raise UsageError(
                f"--connect-to {rule}: write HOST:PORT:CONNECT-HOST:CONNECT-PORT, e.g. shop:443:127.0.0.1:8443"
            )
        if parts[0] in ("", host) and parts[1] in ("", str(port)):
            return parts[2] or host, int(parts[3] or port)
    return host, port


def _split(rule: str) -> list[str]:
    parts, inside, current = [], False, ""
    for char in rule:
        if char == "[":
            inside = True
        elif char == "]":
            inside = False
        elif char == ":" and not inside:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]
