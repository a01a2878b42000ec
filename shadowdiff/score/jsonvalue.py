"""JSON values with JSON's own types: true is not 1, 1 is 1.0, and a big integer is itself."""

from __future__ import annotations

import math
from typing import Any

import msgspec

MAX_DEPTH = 64
"""Deeper values are compared whole, so that hostile nesting cannot exhaust the stack."""


def kind_of(value: Any) -> str:
    """null, bool, number, string, array or object."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def numbers_equal(one: float, two: float, relative: float = 1e-9, absolute: float = 0.0) -> bool:
    """Exact for two integers of any size; else within tolerance. NaN equals NaN."""
    if isinstance(one, int) and isinstance(two, int):
        return one == two if not absolute else abs(one - two) <= absolute
    try:
        if math.isnan(one) or math.isnan(two):
            return math.isnan(one) and math.isnan(two)
        return math.isclose(one, two, rel_tol=relative, abs_tol=absolute)
    except OverflowError:  # an integer too big for a float against a float
        return False


def same(one: Any, two: Any, depth: int = 0) -> bool:
    """Deep equality in JSON's types."""
    kind = kind_of(one)
    if kind != kind_of(two):
        return False
    if kind == "number":
        return numbers_equal(one, two)
    if kind == "array":
        if len(one) != len(two):
            return False
        if depth > MAX_DEPTH:
            return bool(one == two)
        return all(same(a, b, depth + 1) for a, b in zip(one, two, strict=True))
    if kind == "object":
        if one.keys() != two.keys():
            return False
        if depth > MAX_DEPTH:
            return bool(one == two)
        return all(same(value, two[key], depth + 1) for key, value in one.items())
    return bool(one == two)


def canonical(value: Any) -> bytes:
    """Bytes that are equal exactly when two values are `same`, but for float rounding."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    try:
        return msgspec.json.encode(_integral(value), order="sorted")
    except (ValueError, OverflowError, RecursionError, TypeError):
        return repr(value).encode("utf-8", "backslashreplace")


def compact(value: Any) -> str:
    """One-line JSON for people."""
    try:
        return msgspec.json.encode(value).decode("utf-8", "replace")
    except (ValueError, OverflowError, RecursionError, TypeError):
        return repr(value)


def _integral(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, list):
        return [_integral(item) for item in value]
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in value.items()}
    return value
