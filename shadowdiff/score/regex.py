"""Regular expressions of operators and captures: RE2, whose time grows with the text alone, whatever the pattern.

Python's own `re` can take for ever on a text that a target chose. The price: no look-around, no back-references.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from shadowdiff.errors import UsageError

SYNTAX = "https://github.com/google/re2/wiki/Syntax"
_BEYOND = re.compile(r"\(\?<?[=!]|\\[1-9]")


@lru_cache(512)
def compiled(pattern: str, where: str) -> Any:
    """A pattern whose `^` and `$` are those of lines. Raises `UsageError` naming `where`."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"(?m){pattern}", options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else error
        if _BEYOND.search(pattern):
            why = f"{why}: there is no look-around and no back-reference, see {SYNTAX}"
        raise UsageError(f"{where} {pattern!r}: no regular expression ({why})") from None
