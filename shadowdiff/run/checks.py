"""`check`: everything that can be known wrong before a release starts, each in one line."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import distributions

from shadowdiff import plugins
from shadowdiff.contracts import Call
from shadowdiff.errors import Exit, TargetError, UsageError
from shadowdiff.model.exchange import Exchange, Request, Role
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.run.actions import steps
from shadowdiff.run.around import reachable, run_loop
from shadowdiff.run.limits import gate_limits
from shadowdiff.run.scoring import panel
from shadowdiff.run.targets import targets
from shadowdiff.settings import Config
from shadowdiff.units import show_duration


def checks(config: Config, path: str, say: Callable[[str], None]) -> int:
    """Run all checks, saying one line each; returns the exit code. Raises `UsageError` for a bad config."""
    gate_limits(config)
    panel(config)
    say(f"config: ok ({config.hash})")
    for step in steps(config):
        say(f"action {step.name}: on {', '.join(step.on)}")
    for kind in plugins.KINDS:
        found = plugins.registered(kind).values()
        if found:
            say(f"{kind}: " + ", ".join(p.name if p.ours else f"{p.name} ({p.distribution})" for p in found))
        for plugin in found:
            plugins.load(kind, plugin.name)
    _other_command(say)
    rewriter, endpoints, roles = targets(config, "check")
    exchange = Exchange(
        id="check", seq=0, request=Request("GET", path, (("Accept", "*/*"),)), route=f"GET {path}", unit="check"
    )
    calls = rewriter.calls(exchange, roles, 0.0)
    return int(run_loop(lambda: _ask(config, endpoints, calls, say)))


async def _ask(config: Config, endpoints: list[Endpoint], calls: list[Call], say: Callable[[str], None]) -> Exit:
    worst = Exit.PASS
    transport = plugins.build("transports", config.send.transport, endpoints=endpoints)
    try:
        for call in calls:
            endpoint = endpoints[call.endpoint]
            try:
                await reachable([endpoint], config.targets.proxy)
            except UsageError as error:
                say(f"{call.role}: {error}")
                worst = max(worst, Exit.USAGE)
                continue
            except TargetError as error:
                say(f"{call.role}: {error}")
                worst = max(worst, Exit.UNMEASURED)
                continue
            (seen,) = await transport.send([call])
            if seen.failure is not None or seen.response is None:
                say(f"{call.role}: {endpoint.origin} {seen.failure}: {seen.detail}")
                worst = max(worst, Exit.UNMEASURED if call.role is not Role.GREEN else worst)
            else:
                say(
                    f"{call.role}: {endpoint.origin} answers {seen.response.status} "
                    f"({show_duration(seen.first_byte_s)} to first byte, peer {seen.peer})"
                )
    finally:
        await transport.aclose()
    return worst


def _other_command(say: Callable[[str], None]) -> None:
    """Another distribution installs a command of our name; which one runs then depends on the PATH."""
    for found in distributions():
        if found.name == "shadowdiff":
            say(
                "warning: the distribution `shadowdiff` is installed too and has a command of that name; uninstall it"
            )
