"""What a verdict is called at the head of a report."""

from __future__ import annotations

from shadowdiff.model.verdict import Status

HEADLINE = {
    Status.PASS: "Go.", Status.FAIL: "Stop.", Status.INCONCLUSIVE: "Undecided.", Status.ERROR: "Not measured.",
    Status.ABORTED: "Interrupted.",
}  # fmt: skip
SIGN = {
    Status.PASS: "✅ PASS", Status.FAIL: "❌ FAIL", Status.INCONCLUSIVE: "⚠️ INCONCLUSIVE",
    Status.ERROR: "⚠️ ERROR", Status.ABORTED: "⚠️ ABORTED",
}  # fmt: skip
