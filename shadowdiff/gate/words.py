"""The words of a verdict by language: modules with the same functions."""

from __future__ import annotations

from types import ModuleType

from shadowdiff.gate import say, say_zh

LANGUAGES = {"en": say, "zh": say_zh}


def words(lang: str) -> ModuleType:
    """The sentences in `lang` (en or zh)."""
    return LANGUAGES.get(lang, say)
