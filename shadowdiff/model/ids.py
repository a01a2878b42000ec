"""Shapes of ids that routes and sessions both know."""

from __future__ import annotations

PREFIXED_LETTERS = r"[A-Za-z]{1,8}_(?=[a-z]*[A-Z])(?=[A-Z]*[a-z])[A-Za-z]{16,}"
"""`thread_AbCd…`: one random id of 24 signs in sixty-six has no digit."""
