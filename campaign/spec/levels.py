"""The levels of theory, and which models can be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from campaign.spec.errors import nearest
from flows.training.names import ModelName

LEVELS = ("dft", "hf", "mp2", "ccsd", "ccsd(t)")


def check_level(level: str) -> str:
    """Raises ValueError: no such level."""
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of theory; {nearest(level, LEVELS)}")
    return level


def check_model(text: str) -> str:
    """Raises ValueError: no model, a sum (which follows from its parts), or an unknown level."""
    name = ModelName.parse(text)
    if name.kind == "sum":
        raise ValueError(f"{text} is made of its parts; name these instead, as in dft_ef, {name.level}-dft")
    for level in name.levels:
        check_level(level)
    return text


Level = Annotated[str, AfterValidator(check_level)]
Model = Annotated[str, AfterValidator(check_model)]
