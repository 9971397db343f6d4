"""Training-set sizes: by name, and for each model where they differ."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from campaign.spec.errors import nearest

DEFAULT = "default"
_WORDS = ("full", "half")


class SizeError(ValueError):
    """A size that the labels at hand cannot give."""


def count(size: str | int | float, available: int) -> int:
    """How many of `available` structures are in a set of `size` (its validation part included).

    `half` is rounded down, a fraction to the nearest; a number is that number.

    Raises:
        SizeError: fewer structures are there than asked, or none would be left.
    """
    if isinstance(size, int):
        wanted = size
    elif isinstance(size, float):
        wanted = math.floor(size * available + 0.5)
    else:
        wanted = available // 2 if size == "half" else available
    if wanted > available:
        raise SizeError(f"size {size} is more than the {available} structures that have the labels")
    if wanted < 2:
        raise SizeError(f"size {size} of {available} structures leaves {wanted}; a set needs 2 or more")
    return wanted


def check_size(value: Any) -> str | int | float:
    """`full`, `half`, a number of structures, or a fraction between 0 and 1.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, str):
        if value not in _WORDS:
            raise ValueError(
                f"{value!r} is no size (a number, a fraction, full or half); {nearest(value, _WORDS)}"
            )
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(
            f"{value!r} is no size; write full, half, a number of structures or a fraction below 1"
        )
    if isinstance(value, int) and value < 2:
        raise ValueError(f"{value} structures make no training set; write 2 or more, or a fraction as 0.5")
    if isinstance(value, float) and not 0 < value < 1:
        raise ValueError(
            f"{value} is no fraction between 0 and 1; write all as full, numbers without a point"
        )
    return value


def name_size(size: Any) -> str:
    """The name of a size that stands in a list: 0.25 is `25pct`, the others are called what they are."""
    if isinstance(size, float):
        percent = round(100 * size, 6)
        if percent != int(percent):
            raise ValueError(f"{size} needs a name, as in sizes: {{my-size: {size}}}")
        return f"{int(percent)}pct"
    return str(size)


def _by_name(value: Any) -> Any:
    """A list as a mapping; a size for all models as `{default: size}`."""
    if isinstance(value, list | tuple):
        names = [name_size(check_size(size)) for size in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} twice; name each size once")
        value = dict(zip(names, value, strict=True))
    if not isinstance(value, dict):
        raise ValueError("should be a mapping of names to sizes or a list, as in [full, half]")
    return {name: size if isinstance(size, dict) else {DEFAULT: size} for name, size in value.items()}


def _check_names(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise ValueError("is empty; give one size or more, as in [full, half]")
    for name in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ValueError(f"the name {name!r} may hold letters, digits, _ and - only")
    return value


Size = Annotated[str | int | float, BeforeValidator(check_size)]
Sizes = Annotated[dict[str, dict[str, Size]], BeforeValidator(_by_name), AfterValidator(_check_names)]
