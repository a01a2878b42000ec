"""The screen of commands that print for a person on stdout: colors in a terminal, a pager where it is long."""

from __future__ import annotations

import io
import os
import pydoc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

LESS = "-FRX"
"""What `less` needs to show colors and to leave short text on the screen."""


@contextmanager
def paged(wanted: bool | None = None) -> Iterator[Console]:
    """A console whose text goes through the pager at the end: when `wanted`, or longer than the screen.

    $PAGER chooses the pager; without a terminal everything is plain text on stdout.
    """
    screen = Console(highlight=False)
    if wanted is False or (wanted is None and not (screen.is_terminal and sys.stdin.isatty())):
        yield screen
        return
    text = io.StringIO()
    out = Console(
        file=text, highlight=False, width=screen.width, force_terminal=screen.is_terminal,
        no_color=screen.no_color, color_system="auto" if screen.is_terminal else None,
    )  # fmt: skip
    yield out
    shown = text.getvalue()
    if wanted is None and shown.count("\n") < screen.height:
        screen.file.write(shown)
        return
    os.environ.setdefault("LESS", LESS)
    pydoc.pager(shown)
