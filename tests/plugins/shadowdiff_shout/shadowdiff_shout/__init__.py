"""An example of a scorer in a package of its own. `shadowdiff.testing.check_scorer` holds for it."""

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Pair


class Shout:
    """Counts exclamation marks."""

    name = "shout"
    on_equal = False

    def __init__(self, limit: int = 3) -> None:
        self.limit = limit

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        blue, green = _marks(pair, "blue"), _marks(pair, "green")
        if blue == green:
            return Score(self.name)
        severity = Severity.MAJOR if green > self.limit > blue else Severity.INFO
        finding = Finding("", "shout", severity, f"{blue} marks", f"{green} marks")
        return Score(self.name, min(1.0, abs(green - blue) / 10), (finding,))


class Broken:
    """Raises on every pair, as a plugin with a bug does."""

    name = "broken"
    on_equal = True

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        raise RuntimeError("deliberately broken")


def _marks(pair: Pair, side: str) -> int:
    seen = pair.blue if side == "blue" else pair.green
    return seen.response.body.count(b"!") if seen.response is not None else 0
