"""What a run collects for its reports, and the gate's evidence beside it: the report stage knows no gate."""

from __future__ import annotations

import math

from shadowdiff.gate import rules
from shadowdiff.gate.limits import Limits
from shadowdiff.model.tally import Tally
from shadowdiff.report.material import Material
from shadowdiff.report.trail import Look, Trail
from shadowdiff.settings import Config


def material(config: Config) -> Material:
    """An empty collection for a run of `config`."""
    return Material(config.report.lang, config.targets.urls, config.report.store_bodies)


def follow(collected: Material, tally: Tally, limits: Limits) -> Material:
    """The same collection, looking at the evidence of `tally` now and then."""
    decided = limits.mode == "evidence" and not limits.unpaired

    def look(settled: int) -> Look:
        n, rate, low, high, fail, passing = rules.look(tally, limits)
        return Look(settled, n, rate, low, high, fail / math.log(10), passing / math.log(10))

    collected.trail = Trail(
        look, -math.log10(limits.alpha), -math.log10(limits.beta), decided, (limits.min_fail, limits.min_pass)
    )
    return collected
