"""`summary.md` for a pull request: the verdict, the routes that differ, examples folded away."""

from __future__ import annotations

from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.causes import Causes
from shadowdiff.report.examples import Examples, came_back, why
from shadowdiff.report.plain import one_line
from shadowdiff.units import show_percent as pct

_SIGN = {
    Status.PASS: "✅ PASS", Status.FAIL: "❌ FAIL", Status.INCONCLUSIVE: "⚠️ INCONCLUSIVE",
    Status.ERROR: "⚠️ ERROR", Status.ABORTED: "⚠️ ABORTED",
}  # fmt: skip
MAX_ROUTES = 15
MAX_CAUSES = 8
MAX_EXAMPLES = 10


def markdown(verdict: Verdict, examples: Examples) -> str:
    """The whole summary."""
    d, ledger = verdict.divergence, verdict.ledger
    out = [f"## {_SIGN[verdict.verdict]}: {_text(verdict.reason, 400)}", ""]
    if verdict.explanation:
        out += [f"> {_text(verdict.explanation, 1500)}", ""]
    fidelity = "n/a" if verdict.fidelity is None else pct(verdict.fidelity)
    out += [
        "| judged | differ | interval | limit | blue as in production |",
        "|---|---|---|---|---|",
        f"| {d.n} {d.unit}s | {pct(d.rate)} | {pct(d.low)} to {pct(d.high)} | {pct(d.limit)} | {fidelity} |",
        "",
        f"Ledger: {ledger_line(ledger)}",
        "",
    ]
    if len(verdict.rules) > 1:
        out += ["| criterion | estimate | interval | limit | |", "|---|---|---|---|---|"]
        out += [
            f"| {rule.name} | {pct(rule.estimate)} of {rule.n} | {pct(rule.low)} to {pct(rule.high)} "
            f"| {pct(rule.limit)} | {rule.status} |"
            for rule in verdict.rules
        ]
        out.append("")
    if verdict.reasons:
        out.append("Held back or not judged:")
        out += [f"- {count} × {_text(reason, 160)}" for reason, count in list(verdict.reasons.items())[:8]]
        out.append("")
    out += _causes(examples.causes)
    out += _routes(verdict)
    out += _examples(examples)
    out += [f"- {_text(note, 400)}" for note in verdict.notes]
    return "\n".join(out).rstrip() + "\n"


def ledger_line(ledger: dict[str, int]) -> str:
    """Both equations of the ledger, leaving out what is zero."""
    before = [
        f"{name} {ledger[name]}"
        for name in ("unreadable", "filtered", "sampled_out", "skipped", "dropped", "unsent", "warmup")
        if ledger.get(name)
    ]
    before.append(f"sent {ledger.get('sent', 0)}")
    after = [f"{name} {ledger[name]}" for name in ("matched", "mismatched", "ignored", "errored") if ledger.get(name)]
    line = f"read {ledger.get('read', 0)} = {' + '.join(before)}"
    return f"{line}; sent = {' + '.join(after)}" if after else line


def _causes(causes: Causes) -> list[str]:
    found = causes.top(MAX_CAUSES)
    if not found:
        return []
    out = ["| pairs | cause | routes | example | next |", "|---|---|---|---|---|"]
    for cause in found:
        routes = ", ".join(f"`{_code(route, 60)}`" for route in list(cause.routes)[:2])
        more = f" and {len(cause.routes) - 2} more" if len(cause.routes) > 2 else ""
        out.append(
            f"| {cause.count} ({pct(cause.count / causes.total)}) | {_text(cause.title, 120)} | {routes}{more} "
            f"| `{_code(cause.worst, 60)}` | {_text(cause.step, 160)} |"
        )
    return [*out, ""]


def _routes(verdict: Verdict) -> list[str]:
    bad = [route for route in verdict.routes if route.mismatched][:MAX_ROUTES]
    if not bad:
        return []
    out = ["| route | judged | differ | rules | example |", "|---|---|---|---|---|"]
    for r in bad:
        rules = ", ".join(r.rules)
        out.append(
            f"| `{_code(r.route, 80)}` | {r.n} | {r.mismatched} ({pct(r.rate)}) | {_code(rules, 80)} "
            f"| `{_code(r.worst, 60)}` |"
        )
    return [*out, ""]


def _examples(examples: Examples) -> list[str]:
    if not examples.lines:
        return []
    out = ["<details><summary>Examples</summary>", ""]
    for line in examples.lines[:MAX_EXAMPLES]:
        back = came_back(examples.confirmed.get(line["id"]))
        said = _text(why(line), 300) + (f" ({back})" if back else "")
        out.append(f"- `{_code(line['id'], 60)}` `{_code(line['route'], 80)}`: {said}")
    return [*out, "", "</details>", ""]


def _text(value: str, limit: int) -> str:
    """Answer text as inert Markdown: no markup, no mention, no link."""
    value = one_line(value, limit)
    for char in "\\`*_{}[]()#<>|!@~":
        value = value.replace(char, {"<": "&lt;", ">": "&gt;", "@": "@\u200b"}.get(char, "\\" + char))
    return value


def _code(value: str, limit: int) -> str:
    return one_line(value, limit).replace("`", "'").replace("|", "\\|").replace("<", "‹").replace(">", "›")
