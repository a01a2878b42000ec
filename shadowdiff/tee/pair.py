"""Make a pair of what the asked targets did, and of what was open when the run ended."""

from __future__ import annotations

from collections.abc import Sequence

from shadowdiff.model.exchange import (
    INTERRUPTED,
    STATUS_ONLY,
    Exchange,
    Failure,
    Observation,
    Pair,
    Response,
    Role,
)

LATE_S = 1.0


def paired(exchange: Exchange, seen: Sequence[Observation], minted: dict[Role, dict[str, str]]) -> Pair:
    """What the asked targets did as a pair; blue is the recording where it was not asked."""
    by_role = {observation.role: observation for observation in seen}
    blue = by_role.get(Role.BLUE) or exchange.blue or recorded_blue(exchange)
    return Pair(exchange=exchange, blue=blue, green=by_role[Role.GREEN], twin=by_role.get(Role.TWIN), minted=minted)


def given_up(exchange: Exchange, role: Role, open_s: float) -> Observation:
    """A call that the end of the run found open after so many seconds.

    Nobody's fault, unless blue has long answered: a green that is open twice as long as blue took has timed out.
    """
    blue = exchange.blue
    late = role is Role.GREEN and blue is not None and blue.failure is None and open_s > 2 * blue.total_s + LATE_S
    detail = f"no whole answer after {open_s:.0f} s, when the service ended" if late else INTERRUPTED
    return Observation(role=role, failure=Failure.TIMEOUT, detail=detail, total_s=open_s if late else 0.0)


def recorded_blue(exchange: Exchange) -> Observation:
    """The captured answer as blue's observation (`--blue recorded`)."""
    recorded = exchange.recorded
    if recorded is not None:
        return Observation(role=Role.BLUE, response=recorded)
    if exchange.recorded_status:
        status_only = Response(status=exchange.recorded_status)
        return Observation(role=Role.BLUE, response=status_only, detail=STATUS_ONLY)
    return Observation(role=Role.BLUE, failure=Failure.REFUSED, detail="the capture has no answer")
