"""The levels of theory, and the names of the models that are trained on them."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from campaign.spec.errors import nearest

LEVELS = ("dft", "hf", "mp2", "ccsd", "ccsd(t)")


class ModelName(NamedTuple):
    """`<level>_ef`, `<level>_e` or `<level>-<base>`: its level, its kind, and the base of a difference."""

    level: str
    kind: str  # "forces", "energy_only", "difference": also the keys of `mace`
    base: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Raises ValueError: not of the grammar, or of an unknown level."""
        match = re.fullmatch(r"(?P<level>[^_-]+)(?:_(?P<what>ef|e)|-(?P<base>[^_-]+))", text)
        if match is None:
            raise ValueError(
                f"{text!r} is no model; write <level>_ef, <level>_e or <level>-<base>, as in dft_ef, hf-dft"
            )
        level, base = check_level(match["level"]), match["base"]
        if base is None:
            return cls(level, "forces" if match["what"] == "ef" else "energy_only")
        if check_level(base) == level:
            raise ValueError(
                f"{text!r} is the difference of a level to itself; write <level>-<base>, as in hf-dft"
            )
        return cls(level, "difference", base)


def check_level(level: str) -> str:
    """Raises ValueError: no such level."""
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of theory; {nearest(level, LEVELS)}")
    return level


def _check_model(text: str) -> str:
    ModelName.parse(text)
    return text


Level = Annotated[str, AfterValidator(check_level)]
Model = Annotated[str, AfterValidator(_check_model)]
