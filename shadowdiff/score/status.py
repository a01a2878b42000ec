"""Status class, content type and encoding, and chosen headers."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Document, Pair, Response


class Status:
    """Status class: 200 against 404 fails, 200 against 201 is reported."""

    name = "status"
    on_equal = False

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence 1 when the class differs."""
        blue, green = pair.blue.status, pair.green.status
        if blue == green:
            return Score(self.name)
        other_class = blue // 100 != green // 100
        severity = Severity.INFO
        if other_class:
            severity = Severity.CRITICAL if green >= 400 else Severity.MAJOR
        finding = Finding("", "status", severity, str(blue), str(green))
        return Score(self.name, 1.0 if other_class else 0.1, (finding,))


class Headers:
    """Media type, an encoding that green declares and does not send, Location, and the headers named in config."""

    name = "headers"

    def __init__(self, headers: Sequence[str] = (), ignore: Sequence[str] = ()) -> None:
        self._names = tuple(dict.fromkeys(name.lower() for name in headers))
        self._ignore = frozenset(path.lower() for path in ignore if path.startswith("header:"))
        self.on_equal = bool(self._names)

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """One finding a header that differs, at `header:name`."""
        blue, green = pair.blue.response, pair.green.response
        if blue is None or green is None:
            return Score(self.name, skipped="an answer is missing")
        findings = []
        one, two = _media(blue), _media(green)
        if one != two and blue.size and green.size:
            findings.append(self._finding("content-type", one, two, Severity.MAJOR))
        if 300 <= blue.status < 400 and 300 <= green.status < 400:
            one, two = _location(blue), _location(green)
            if one != two:
                findings.append(self._finding("location", one, two, Severity.MAJOR))
        if (said := _unreadable(pair.green_doc)) and not _unreadable(pair.blue_doc):
            findings.append(
                self._finding("content-encoding", blue.header("content-encoding") or "none", said, Severity.CRITICAL)
            )
        for name in self._names:
            one, two = blue.header(name) or "", green.header(name) or ""
            if one != two:
                findings.append(self._finding(name, one, two, Severity.MAJOR))
        standing = any(not finding.noisy for finding in findings)
        return Score(self.name, 1.0 if standing else 0.0, tuple(findings))

    def _finding(self, name: str, blue: str, green: str, severity: Severity) -> Finding:
        path = f"header:{name}"
        noisy = "ignored by rule" if path in self._ignore else ""
        return Finding(path, "header", severity, blue[:160], green[:160], noisy)


def _unreadable(document: Document | None) -> str:
    if document is None or not document.unreadable:
        return ""
    return f"{document.unreadable}, which it is not"


def _media(response: Response) -> str:
    return (response.header("content-type") or "").split(";")[0].strip().lower()


def _location(response: Response) -> str:
    """Path and query: the host of an absolute Location is the target's own."""
    value = response.header("location") or ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    return parts.path + (f"?{parts.query}" if parts.query else "")
