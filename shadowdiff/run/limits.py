"""The gate's numbers, parsed from the configuration; free of network imports, for commands that only judge files."""

from __future__ import annotations

from shadowdiff import units
from shadowdiff.errors import UsageError
from shadowdiff.gate.limits import Limits, RouteLimit
from shadowdiff.settings import Config

NEEDS_TWIN = {"max_similarity_drop": "--max-similarity-drop"}


def gate_limits(config: Config, paired: bool | None = None) -> Limits:
    """The gate's numbers, parsed. Raises `UsageError` naming the key.

    `paired` says whether there is a twin [default: where the configuration has one].
    """
    gate = config.gate
    paired = bool(config.targets.twin) if paired is None else paired
    share = units.percent(config.control.share, "control.share (--control-share)")
    if not 0 < share <= 1:
        raise UsageError("control.share (--control-share): must lie above 0% and at most at 100%")

    def part(name: str) -> float | None:
        flag = f"gate.{name} (--{name.replace('_', '-')})"
        text = getattr(gate, name)
        if text and name in NEEDS_TWIN and not paired:
            raise UsageError(f"{flag}: needs a --twin, against which green is set")
        return units.percent(text, flag) if text else None

    def seconds(name: str) -> float | None:
        text = getattr(gate, name)
        return units.duration(text, f"gate.{name} (--{name.replace('_', '-')})") if text else None

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
        routes=tuple(
            RouteLimit(rule.match, units.percent(rule.max_divergence, f"gate.routes[{number}].max_divergence"))
            for number, rule in enumerate(gate.routes)
        ),
        unit=gate.unit,
        unpaired=paired and share < 1,
        max_mismatches=gate.max_mismatches,
        max_errors=part("max_errors"),
        max_critical=part("max_critical"),
        max_similarity_drop=part("max_similarity_drop"),
        max_slowdown=part("max_slowdown"),
        max_ttft_slowdown=part("max_ttft_slowdown"),
        max_token_growth=part("max_token_growth"),
        max_5xx=part("max_5xx"),
        slo_ttfb_s=seconds("slo_ttfb"),
        slo_total_s=seconds("slo_total"),
        slo_share=units.percent(gate.slo_share, "gate.slo_share (--slo-share)"),
        lang=config.report.lang,
    )
    for name in ("alpha", "beta"):
        if not 0 < getattr(limits, name) < 1:
            raise UsageError(f"gate.{name}: must lie between 0% and 100%, both excluded")
    if limits.max_divergence + limits.margin >= 1:
        raise UsageError("gate.max_divergence: a limit of 100% lets everything pass; write e.g. 5%")
    if limits.mode != "evidence" and len(limits.criteria) > 1:
        raise UsageError(f'gate.mode: "{limits.mode}" counts divergence alone; other limits need mode = "evidence"')
    if gate.max_mismatches < 0 or (gate.max_mismatches and gate.mode != "census"):
        raise UsageError('gate.max_mismatches (--max-mismatches): a count for mode = "census"')
    return limits
