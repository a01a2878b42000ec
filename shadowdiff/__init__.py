"""shadowdiff: send the same requests to blue and green, measure how the answers differ, stop the release.

The tree is the data flow: capture → tee → decode → score → gate → act / report. Stages never import
one another; they meet in `shadowdiff.run` (read `run/pipeline.py` first) and speak `shadowdiff.model`.
"""

from shadowdiff.contracts import Baseline, Decoder, Gate, Scorer, Sink, Source, Transport
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity
from shadowdiff.model.exchange import Document, Exchange, Observation, Pair, Request, Response, Role
from shadowdiff.model.tally import Ledger, Tally
from shadowdiff.model.verdict import Status, Verdict

__version__ = "0.1.0"

__all__ = [
    "Baseline",
    "Comparison",
    "Decoder",
    "Document",
    "Exchange",
    "Finding",
    "Gate",
    "Ledger",
    "Observation",
    "Outcome",
    "Pair",
    "Request",
    "Response",
    "Role",
    "Score",
    "Scorer",
    "Severity",
    "Sink",
    "Source",
    "Status",
    "Tally",
    "Transport",
    "Verdict",
    "__version__",
]
