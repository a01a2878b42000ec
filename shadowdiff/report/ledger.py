"""The ledger in one line: both equations of promise 2, leaving out what is zero."""

from __future__ import annotations

from collections.abc import Mapping

from shadowdiff.report.words import ENGLISH, Words

BEFORE = ("unreadable", "filtered", "sampled_out", "skipped", "dropped", "unsent", "warmup")
AFTER = ("matched", "mismatched", "ignored", "errored")


def ledger_line(ledger: Mapping[str, int], words: Words = ENGLISH) -> str:
    """`read 10 = skipped 3 + sent 7; sent = matched 6 + errored 1`."""
    before = [f"{words(name)} {ledger[name]}" for name in BEFORE if ledger.get(name)]
    before.append(f"{words('sent')} {ledger.get('sent', 0)}")
    after = [f"{words(name)} {ledger[name]}" for name in AFTER if ledger.get(name)]
    line = f"{words('read')} {ledger.get('read', 0)} = {' + '.join(before)}"
    return f"{line}; {words('sent')} = {' + '.join(after)}" if after else line
