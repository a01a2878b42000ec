"""What a page consists of beside its text: its links, and parts whose loss a reader sees.

In:  the tags of a page with their attributes, in order (`decode.html`). Out: counts to compare.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

PARTS = ("p", "li", "tr", "table", "h1", "h2", "form", "input", "img")
"""Parts of a page whose loss a reader sees."""
_HREF = re.compile(r" href=(\S+)")


def losses(blue: Sequence[str], green: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(path, blue, green) of links and parts that green lost."""
    lost = links_of(blue) - links_of(green)
    if lost:
        yield "/links", min(lost), "(gone)"
    before, after = (Counter(tag.partition(" ")[0] for tag in side) for side in (blue, green))
    gone = [tag for tag in PARTS if after[tag] < before[tag]]
    if gone:
        yield "/parts", _tags(before, gone), _tags(after, gone)


def links_of(tags: Sequence[str]) -> Counter[str]:
    """The targets of a page's links, without query and fragment."""
    found: Counter[str] = Counter()
    for tag in tags:
        if tag.startswith("a "):
            target = _HREF.search(tag)
            if target:
                found[target[1].split("?")[0].split("#")[0]] += 1
    return found


def _tags(counts: Counter[str], names: Sequence[str]) -> str:
    return ", ".join(f"{counts[tag]} <{tag}>" for tag in names)
