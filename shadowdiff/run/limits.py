"""The gate's numbers, parsed from the configuration; free of network imports, for commands that only judge files."""

from __future__ import annotations

from shadowdiff import units
from shadowdiff.errors import UsageError
from shadowdiff.gate.rules import Limits
from shadowdiff.settings import Config


def gate_limits(config: Config) -> Limits:
    """The gate's numbers, parsed. Raises `UsageError` naming the key."""
    gate = config.gate
    limits = Limits(
        max_divergence=units.percent(gate.max_divergence, "gate.max_divergence (--max-divergence)"),
        alpha=units.percent(gate.alpha, "gate.alpha (--alpha)"),
        beta=units.percent(gate.beta, "gate.beta (--beta)"),
        margin=units.percent(gate.margin, "gate.margin"),
        min_fail=gate.min_fail,
        min_pass=gate.min_pass,
        after=gate.after,
        must_cover=tuple(gate.must_cover),
        mode=gate.mode,
    )
    for name in ("alpha", "beta"):
        if not 0 < getattr(limits, name) < 1:
            raise UsageError(f"gate.{name}: must lie between 0% and 100%, both excluded")
    if limits.max_divergence + limits.margin >= 1:
        raise UsageError("gate.max_divergence: a limit of 100% lets everything pass; write e.g. 5%")
    return limits
