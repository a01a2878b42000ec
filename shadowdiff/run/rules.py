"""What a reload builds and swaps in a running plan: scorers, gate, filters, pace, targets where that is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadowdiff import plugins
from shadowdiff.act.guard import Guard
from shadowdiff.config import Source
from shadowdiff.contracts import Transport
from shadowdiff.model.exchange import Role
from shadowdiff.report.prometheus import Reloads
from shadowdiff.run.actions import steps
from shadowdiff.run.captures import holder
from shadowdiff.run.judging import Judging
from shadowdiff.run.limits import gate_limits
from shadowdiff.run.recent import Recent
from shadowdiff.run.reload import Change, Reloader, Trial
from shadowdiff.run.scoring import judging
from shadowdiff.run.setup import Plan, asked, connecting, pacing
from shadowdiff.run.takeover import rules_hash
from shadowdiff.run.targets import isolated_as, targets
from shadowdiff.run.telemetry import traced


class Rules:
    """Owns the reloader of a service, and what was replaced by it until the end."""

    def __init__(
        self,
        ready: Plan,
        source: Source,
        guard: Guard,
        say: Callable[[str], None],
        adopted: Callable[[Change], None],
    ) -> None:
        """`adopted` hears of each change once the plan goes by it."""
        self._ready = ready
        self.guard = guard
        self._say = say
        self._adopted = adopted
        self._made: dict[str, Any] = {}
        self._replaced: list[Judging] = []
        self._left: list[Transport] = []
        self.recent = Recent()
        self.reloader = Reloader(
            source.config, source.path, source.load, prepare=self._prepare, swap=self._swap, say=say
        )

    async def reread(self) -> None:
        """SIGHUP: take the file as it is now."""
        await self.reloader.look(asked=True)

    def metrics(self) -> Reloads:
        """What the metrics say of it."""
        counts = self.reloader.counts
        return Reloads(self.reloader.config.hash, counts.reloads, counts.errors, counts.seconds)

    async def close(self) -> None:
        """Let go of what was replaced."""
        for one in self._replaced:
            one.close()
        for transport in self._left:
            await transport.aclose()

    async def _prepare(self, change: Change) -> Trial:
        """Build everything first, so that what cannot be built changes nothing; then try it."""
        ready, config = self._ready, change.config
        limits = gate_limits(config)
        made: dict[str, Any] = {
            "limits": limits,
            "gate": plugins.build("gates", config.gate.mode, limits=limits),
            "judging": judging(
                config, ready.run, limits, ready.learner, self._say, decode_all=ready.budget.kind == "tokens",
                stamp=rules_hash(config),
            ),
            "holder": holder(config),
            "pacer": pacing(config, ready.endpoints)[0],
            "steps": steps(config),
        }  # fmt: skip
        if change.targets:
            asks_blue = Role.BLUE in {one.name for one in ready.endpoints}
            made["targets"] = targets(
                config, isolated_as(config, ready.run), None, asks_blue, traced(config, ready.run)
            )
            made["transport"] = connecting(config, made["targets"][1])
        self._made = made
        return await self.recent.trial(made["judging"])

    def _swap(self, change: Change) -> None:
        """One step without a pause: no pair is judged by a mix."""
        ready, made = self._ready, self._made
        self._replaced.append(ready.judging)
        ready.config, ready.limits, ready.gate = change.config, made["limits"], made["gate"]
        ready.judging = ready.confirm.judging = made["judging"]
        ready.accepted = ready.judging.accepted
        ready.tee.adopt(made["holder"], made["pacer"])
        if change.targets:
            rewriter, endpoints, roles = made["targets"]
            self._left.append(ready.transport)
            ready.transport = ready.confirm.transport = made["transport"]
            ready.rewriter, ready.endpoints = rewriter, endpoints
            ready.tee.redirect(made["transport"], rewriter, asked(roles, change.config, ready.learner))
        self.guard.adopt(made["steps"], change.config.act.mode)
        self._adopted(change)
