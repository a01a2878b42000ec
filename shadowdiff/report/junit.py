"""JUnit XML: suite = route, case = rule; valid against junit-10.xsd, sizes bounded, names unique.

JUnit never decides a job: the exit code does. CI systems show it (GitLab drops duplicate names).
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from shadowdiff.model.verdict import RouteResult, Status, Verdict
from shadowdiff.report.plain import safe
from shadowdiff.units import show_percent as pct

MAX_SUITES = 200
RULES = ("status", "headers", "structure", "length", "keywords", "fuzzy", "failure")


def junit(verdict: Verdict) -> bytes:
    """The document as UTF-8 bytes."""
    root = ET.Element("testsuites", name="shadowdiff")
    _gate_suite(root, verdict)
    for route in verdict.routes[:MAX_SUITES]:
        _route_suite(root, route)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _gate_suite(root: ET.Element, verdict: Verdict) -> None:
    failed = verdict.verdict is Status.FAIL
    undecided = verdict.verdict not in (Status.FAIL, Status.PASS)
    suite = ET.SubElement(
        root, "testsuite", name="gate", tests=str(len(verdict.rules) or 1),
        failures=str(int(failed) + _failed(verdict)), errors=str(int(undecided)), skipped="0", time="0",
    )  # fmt: skip
    case = ET.SubElement(suite, "testcase", classname="gate", name="verdict", time="0")
    text = _clean(verdict.explanation or verdict.reason)
    if failed:
        ET.SubElement(case, "failure", type="divergence", message=_clean(verdict.reason)).text = text
    elif undecided:
        ET.SubElement(case, "error", type=str(verdict.verdict), message=_clean(verdict.reason)).text = text
    for rule in verdict.rules[1:]:
        case = ET.SubElement(suite, "testcase", classname="gate", name=rule.name, time="0")
        if rule.status is Status.FAIL:
            message = f"{pct(rule.estimate)} of {rule.n} units, {pct(rule.limit)} is allowed"
            ET.SubElement(case, "failure", type=rule.name, message=message)


def _failed(verdict: Verdict) -> int:
    return sum(rule.status is Status.FAIL for rule in verdict.rules[1:])


def _route_suite(root: ET.Element, route: RouteResult) -> None:
    known = [*RULES, *(rule for rule in route.rules if rule not in RULES)]
    fired = [rule for rule in known if rule in route.rules]
    name = _clean(route.route)
    suite = ET.SubElement(
        root, "testsuite", name=name, tests=str(len(known)), failures=str(len(fired)), errors="0", skipped="0",
        time="0",
    )  # fmt: skip
    for rule in known:
        case = ET.SubElement(suite, "testcase", classname=name, name=_clean(rule), time="0")
        if rule in fired:
            message = f"{route.mismatched} of {route.n} differ ({pct(route.rate)}), e.g. {route.worst}"
            ET.SubElement(case, "failure", type=_clean(rule), message=_clean(message)).text = _clean(
                f"see: shadowdiff show RUN {route.worst}"
            )


def _clean(text: str) -> str:
    """Characters XML 1.0 forbids are shown as escapes; long texts are cut."""
    return safe(text, 2000).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
