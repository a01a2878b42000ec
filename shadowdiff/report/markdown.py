"""`summary.md` for a pull request: the verdict, the top causes with an example each, the rest folded away."""

from __future__ import annotations

import re
from difflib import unified_diff

from shadowdiff.model.verdict import Verdict
from shadowdiff.report.causes import Cause
from shadowdiff.report.examples import came_back
from shadowdiff.report.ledger import ledger_line
from shadowdiff.report.material import Material
from shadowdiff.report.plain import one_line
from shadowdiff.report.verdicts import SIGN
from shadowdiff.report.view import View, view
from shadowdiff.report.words import Words
from shadowdiff.units import show_percent as pct

_TICKS = re.compile("`+")
MAX_ROUTES = 15
MAX_CAUSES = 8
MAX_SHOWN = 700
MAX_LINES = 40
MAX_FINDINGS = 4
MAX_BYTES = 60_000
"""A comment on GitHub may have 65,536 characters."""


def markdown(verdict: Verdict, collected: Material) -> str:
    """The whole summary."""
    words = collected.words
    d, ledger = verdict.divergence, verdict.ledger
    out = [f"## {words(SIGN[verdict.verdict])}: {_text(words.said(verdict.reason), 400)}", ""]
    if verdict.explanation:
        out += [f"> {_text(verdict.explanation, 1500)}", ""]
    fidelity = words("n/a") if verdict.fidelity is None else pct(verdict.fidelity)
    heads = ("judged", "differ", "interval", "limit", "blue as in production")
    span = words("{low} to {high}", low=pct(d.low), high=pct(d.high))
    out += [
        _row(*map(words, heads)),
        "|---" * len(heads) + "|",
        _row(f"{d.n} {words(d.unit + 's')}", pct(d.rate), span, pct(d.limit), fidelity),
        "",
    ]
    out += _shifts(collected)
    details = [f"{words('Ledger')}: {ledger_line(ledger, words)}", "", *_criteria(verdict, words)]
    if verdict.reasons:
        details.append(words("Held back or not judged:"))
        details += [f"- {count} × {_text(words.said(why), 160)}" for why, count in list(verdict.reasons.items())[:8]]
        details.append("")
    details += _routes(verdict, words)
    details += [f"- {_text(words.said(note), 400)}" for note in verdict.notes]
    room = MAX_BYTES - len("\n".join([*out, *details]).encode("utf-8"))
    out += _causes(collected, room)
    out += ["<details><summary>" + words("Details") + "</summary>", "", *details, "", "</details>"]
    return "\n".join(out).rstrip() + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _criteria(verdict: Verdict, words: Words) -> list[str]:
    if len(verdict.rules) < 2:
        return []
    out = [_row(*map(words, ("criterion", "estimate", "interval", "limit", "verdict"))), "|---|---|---|---|---|"]
    out += [
        _row(
            words(rule.name), words("{rate} of {n}", rate=pct(rule.estimate), n=rule.n),
            words("{low} to {high}", low=pct(rule.low), high=pct(rule.high)), pct(rule.limit),
            words(str(rule.status)),
        )
        for rule in verdict.rules
    ]  # fmt: skip
    return [*out, ""]


def _causes(collected: Material, room: int) -> list[str]:
    """Each cause with what to do next and one example, folded."""
    words, causes = collected.words, collected.causes
    found = causes.handful(MAX_CAUSES)
    if not found:
        return []
    lines = {line["id"]: line for _, line in collected.examples.chosen(causes)}
    out = [f"### {words('What changed')}", ""]
    for cause in found:
        made = [f"- {_cause(cause, causes.total, words)}"]
        line = lines.get(cause.worst) or lines.get(cause.first)
        if line is not None:
            seen = view(line, words, collected.targets, collected.confirmed.get(line["id"]), MAX_SHOWN)
            back = came_back(collected.confirmed.get(line["id"]), words)
            made += ["  " + text for text in _example(seen, back, words)]
        room -= len("\n".join(made).encode("utf-8"))
        if room < 0:
            break
        out += made
    left = len(causes.found) - len(found)
    if left > 0 and not any(cause.places for cause in found):
        out.append("- " + words("{n} smaller causes are in report.html", n=left))
    return [*out, ""]


def _cause(cause: Cause, total: int, words: Words) -> str:
    routes = ", ".join(f"`{_code(route, 60)}`" for route in list(cause.routes)[:2])
    more = words(" and {n} more", n=len(cause.routes) - 2) if len(cause.routes) > 2 else ""
    share = f"**{cause.count}** ({pct(cause.count / max(1, total))})"
    title, step = _text(cause.title(words), 160), _text(cause.step(words), 220)
    return f"{words('{share} {title} on {routes}', share=share, title=title, routes=routes + more)}. {step}"


def _example(seen: View, back: str, words: Words) -> list[str]:
    """One pair as a folded block: what differs by place, then both answers as a diff."""
    said = _text(seen.why, 240) + (f" ({back})" if back else "")
    out = [f"<details><summary>{words('example')} <code>{_html(seen.id)}</code></summary>", "", said, ""]
    for finding in [one for one in seen.findings if not one.quiet][:MAX_FINDINGS]:
        where = f" `{_code(finding.where, 80)}`" if finding.where else ""
        out.append(f"- {_text(finding.what, 40)}{where}: {_text(finding.blue, 140)} → {_text(finding.green, 140)}")
    if seen.stored:
        one, two = _lines(seen.blue.pieces), _lines(seen.green.pieces)
        changes = list(unified_diff(one, two, n=2, lineterm=""))[2 : 2 + MAX_LINES]
        out += ["", *_fence("diff", [line for line in changes if not line.startswith("@@")])]
    return [*out, "", "</details>"]


def _lines(pieces: list[tuple[str, str]]) -> list[str]:
    return "".join(piece for piece, _ in pieces).splitlines()


def _fence(kind: str, lines: list[str]) -> list[str]:
    """A code block that nothing inside can end."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + kind, *lines, fence]


def _shifts(collected: Material) -> list[str]:
    if collected.shifts is None:
        return []
    words = collected.words
    out = [_row(words("since {run}", run=f"`{_code(collected.compared_to, 80)}`"), words("share before"),
                words("share now"), words("cause")), "|---|---|---|---|"]  # fmt: skip
    for one in collected.shifts[:MAX_ROUTES]:
        out.append(_row(words(one.what), pct(one.before), pct(one.after), _text(one.cause.title(words), 140)))
    return [*out, ""]


def _routes(verdict: Verdict, words: Words) -> list[str]:
    bad = [route for route in verdict.routes if route.mismatched][:MAX_ROUTES]
    if not bad:
        return []
    out = [_row(*map(words, ("route", "judged", "differ", "rules", "example"))), "|---|---|---|---|---|"]
    for r in bad:
        rules = ", ".join(words(rule) for rule in r.rules)
        share = f"{r.mismatched} ({pct(r.rate)})"
        out.append(_row(f"`{_code(r.route, 80)}`", str(r.n), share, _code(rules, 80), f"`{_code(r.worst, 60)}`"))
    return [*out, ""]


def _text(value: str, limit: int) -> str:
    """Answer text as inert Markdown: no markup, no mention, no link."""
    value = one_line(value, limit)
    for char in "\\`*_{}[]()#<>|!@~":
        value = value.replace(char, {"<": "&lt;", ">": "&gt;", "@": "@\u200b"}.get(char, "\\" + char))
    return value


def _html(value: str) -> str:
    return one_line(value, 80).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _code(value: str, limit: int) -> str:
    return one_line(value, limit).replace("`", "'").replace("|", "\\|").replace("<", "‹").replace(">", "›")
