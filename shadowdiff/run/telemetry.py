"""Whether and where traces go: the sink that exports them, and the run whose ids go out on the wire."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from shadowdiff.config import resolve
from shadowdiff.contracts import Sink
from shadowdiff.errors import UsageError
from shadowdiff.settings import Config


def traced(config: Config, run: str) -> str:
    """The run that trace ids on the wire are made of; empty where none are wanted."""
    return run if config.otel.endpoint or config.otel.propagate else ""


def tracing(config: Config, warn: Callable[[str], None]) -> list[Sink]:
    """The sink that exports spans, none where no collector is named. Raises `UsageError`."""
    otel = config.otel
    if not otel.endpoint:
        return []
    if urlsplit(otel.endpoint).scheme not in ("http", "https"):
        raise UsageError(f"otel.endpoint: {otel.endpoint!r} is no http URL; write e.g. http://collector:4318")
    try:
        from shadowdiff.report.traces import Traces
    except ImportError:
        raise UsageError("otel.endpoint: traces need the extra: pip install 'shadowdiff-gate[otel]'") from None
    targets = config.targets
    hosts = {role: urlsplit(getattr(targets, role)).hostname or "" for role in ("blue", "green", "twin")}
    return [
        Traces(
            otel.endpoint,
            {name: resolve(value, f"otel.headers.{name}") for name, value in otel.headers.items()},
            service=config.report.service,
            candidate=config.report.candidate,
            hosts=hosts,
            warn=warn,
        )
    ]
