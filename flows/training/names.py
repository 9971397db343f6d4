"""Names of models: `dft_ef`, `dft_e`, `ccsd(t)-dft`, `delta_ccsd(t)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["ef", "e", "difference", "sum"]

_LEVEL = r"[a-z0-9][a-z0-9()\[\]+*.]*"
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("sum", re.compile(rf"delta_(?P<level>{_LEVEL})")),
    ("ef", re.compile(rf"(?P<level>{_LEVEL})_ef")),
    ("e", re.compile(rf"(?P<level>{_LEVEL})_e")),
    ("difference", re.compile(rf"(?P<level>{_LEVEL})-(?P<base>{_LEVEL})")),
)


@dataclass(frozen=True)
class ModelName:
    """What a model is trained on: `base` is the lower level of a difference, None for every other kind."""

    kind: Kind
    level: str
    base: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """The name that `text` spells.

        Raises:
            ValueError: it spells none.
        """
        for kind, pattern in _PATTERNS:
            if match := pattern.fullmatch(text):
                name = cls(kind, match["level"], match.groupdict().get("base"))
                if name.base != name.level:
                    return name
        raise ValueError(
            f"{text!r} is not the name of a model: expected <level>_ef, <level>_e, <level>-<another level> or "
            "delta_<level>, levels in lower case, such as dft_ef, dft_e, ccsd(t)-dft, delta_ccsd(t)"
        )

    def __str__(self) -> str:
        if self.kind == "sum":
            return f"delta_{self.level}"
        return f"{self.level}-{self.base}" if self.kind == "difference" else f"{self.level}_{self.kind}"

    def title(self) -> str:
        """As the paper writes it: ML(DFT_EF), ML(CCSD(T)-DFT), ΔML(CCSD(T))."""
        return f"ΔML({self.level.upper()})" if self.kind == "sum" else f"ML({str(self).upper()})"

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels whose labels one structure needs, in the order of the label keys of a `TrainingTask`."""
        return (self.level,) if self.base is None else (self.level, self.base)

    @property
    def needs_forces(self) -> bool:
        """Whether it is trained on forces."""
        return self.kind == "ef"
