"""The levels of theory, and which models can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from campaign.spec.errors import squeezed
from flows.training.names import LEVEL_RULE, ModelName, is_level

LEVELS = ("dft", "hf", "mp2", "ccsd", "ccsd(t)")
"""Those that need no explanation; any other is its user's."""

_SPELT = {squeezed(level): level for level in LEVELS}


def check_level(level: str) -> str:
    """Raises ValueError: it is one of `LEVELS` in another spelling, or would be read as something else than a level."""
    known = _SPELT.get(squeezed(level), level.lower())
    if level != known and is_level(known):
        raise ValueError(f"{level!r} is no level of theory; did you mean {known}?")
    if not is_level(level):
        raise ValueError(f"{level!r} names no level: {LEVEL_RULE}")
    return level


def check_model(text: str) -> str:
    """Raises ValueError: no model, a sum (which follows from its parts), or a level in another spelling."""
    name = ModelName.parse(text)
    if name.kind == "sum":
        raise ValueError(f"{text} is made of its parts; name these instead, as in dft_ef, {name.level}-dft")
    for level in name.levels:
        check_level(level)
    return text


def method_of(level: str, said: str | None, functional: str | None, offered: Mapping[str, bool]) -> str | None:
    """What an engine that has the methods `offered` computes for a level: what is `said`, or what the level is called, or
    DFT where it has a `functional`; None: it cannot be told, or the engine has it not."""
    candidates = [said] if said is not None else [level, *(["dft"] if functional is not None else [])]
    return next((one for one in candidates if one in offered), None)


Level = Annotated[str, AfterValidator(check_level)]
Model = Annotated[str, AfterValidator(check_model)]
