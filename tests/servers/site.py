"""nginx configurations that answer a captured access log as the captured site did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from shadowdiff.capture.build import Builder
from shadowdiff.capture.logs.access import AccessLogSource
from shadowdiff.model.tally import Ledger


def statuses(log: Path) -> dict[str, int]:
    """Target to status, as blue would answer without conditional and range headers."""
    found = {}
    for exchange in AccessLogSource(log, Builder(Ledger())).stream():
        status = exchange.recorded_status
        found[exchange.request.target] = 200 if status in (206, 304) else status
    return found


def config(codes: Mapping[str, int], changed: Iterable[str] = ()) -> str:
    """A site that answers each target with its status; `changed` targets get another body."""
    entries = "\n".join(f"    {_quoted(target)} {code};" for target, code in codes.items() if code != 200)
    other = "\n".join(f"    {_quoted(target)} 'rewritten, and shorter';" for target in changed)
    returns = "\n".join(
        f"    if ($code = {code}) {{ return {code}; }}"
        for code in sorted({c for c in codes.values() if c != 200 and c // 100 != 3})
    )
    return f"""
  map_hash_max_size 65536; map_hash_bucket_size 4096;
  map $request_uri $code {{
    default 200;
{entries}
  }}
  map $request_uri $text {{
    default "The page you asked for, word by word as it stands in the archive, with nothing left out of it.";
{other}
  }}
  server {{
    listen 127.0.0.1:{{port}} backlog=4096; large_client_header_buffers 8 64k; merge_slashes off;
    default_type text/plain;
{returns}
    if ($code = 301) {{ return 301 /moved; }}
    if ($code = 302) {{ return 302 /moved; }}
    location / {{ return 200 "$request_uri\\n$text\\n"; }}
  }}
"""


def _quoted(target: str) -> str:
    return '"' + target.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}") + '"'
