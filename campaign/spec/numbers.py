"""What validation lets pass as a number and no user meant: infinities, NaN, true and false."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from campaign.spec.document import Document
from campaign.spec.errors import Loc, Problem


def number_problems(document: Document, validated: dict[str, Any]) -> list[Problem]:
    """Every number of `validated` that is not finite, or was written as true or false."""
    infinite = [
        document.problem(document.written(loc), f"should be a finite number, got {value}")
        for loc, value in _leaves(validated, ())
        if isinstance(value, float) and not math.isfinite(value)
    ]
    booleans = [
        document.problem(loc, f"should be a number, got {str(value).lower()}")
        for loc, value in _leaves(document.tree, ())
        if isinstance(value, bool) and not isinstance(_at(validated, loc), bool)
    ]
    return list(dict.fromkeys(infinite + booleans))  # one number may have become a tensor


def _leaves(value: Any, loc: Loc) -> Iterator[tuple[Loc, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*loc, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*loc, index))
    else:
        yield loc, value


def _at(value: Any, loc: Loc) -> Any:
    for part in loc:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
