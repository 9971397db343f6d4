"""Names of models: `dft_ef`, `dft_e`, `ccsd(t)-dft`, `delta_ccsd(t)`; by force constants `ccsd(t)-dft_fc`, `delta_ccsd(t)_fc`.

A level is a name of its user's: `rpa`, `hse06`, `dft_gamma`. A hyphen is a minus, unless one of the words beside it is no
level by itself (`dft-d3`, `dlpno-ccsd(t)`), so that every name is read in one way: `ccsd(t)-dft-d3` is CCSD(T) less DFT-D3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["ef", "e", "difference", "sum"]
Method = Literal["mace", "fc"]

_CHARACTERS = r"a-z0-9()\[\]+*"
_FIRST = "cam|df|dlpno|fn|lc|lno|ri"
_LAST = "3c|d2|d3|d3bj|d3zero|d4|f12|mbd|nl|rvv10|ts|u|vv10|xdm"
_WORD = rf"(?!(?:{_FIRST}|{_LAST})(?![{_CHARACTERS}]))[a-z0-9][{_CHARACTERS}]*"
_INDEX = rf"_(?!(?:e|ef|fc)(?![{_CHARACTERS}]))[a-z0-9+]+"  # those end names of models
_LEVEL = rf"(?!delta(?![{_CHARACTERS}]))(?:(?:{_FIRST})-)?{_WORD}(?:-(?:{_LAST}))*(?:{_INDEX})*"
_SPELT = {"gamma": "Γ", "pbesol": "PBEsol", "r2scan": "r2SCAN", "tpssh": "TPSSh"}
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("sum", re.compile(rf"delta_(?P<level>{_LEVEL})(?P<fc>_fc)?")),
    ("ef", re.compile(rf"(?P<level>{_LEVEL})_ef")),
    ("e", re.compile(rf"(?P<level>{_LEVEL})_e")),
    ("difference", re.compile(rf"(?P<level>{_LEVEL})-(?P<base>{_LEVEL})(?P<fc>_fc)?")),
)


LEVEL_RULE = (
    "a level is named by small letters, digits and ( ) [ ] + *, with an index as in dft_gamma; a hyphen is a minus, but for "
    f"{', '.join(f'{one}-' for one in _FIRST.split('|'))} before and {', '.join(f'-{one}' for one in _LAST.split('|'))} behind a name"
)


def is_level(name: str) -> bool:
    """Whether a level can be called so."""
    return re.fullmatch(_LEVEL, name) is not None


def level_title(level: str) -> str:
    """As it is written: DFT, CCSD(T), DFT-D3, r2SCAN; indices stay such, DFT_Γ."""
    return re.sub(r"[a-z0-9]+", lambda word: _SPELT.get(word[0], word[0].upper()), level)


@dataclass(frozen=True)
class ModelName:
    """What a model is trained on: `base` is the lower level of a difference, None for every other kind.

    `method` is what describes a difference, or the difference in a sum: MACE, or force constants (`fc`).
    """

    kind: Kind
    level: str
    base: str | None = None
    method: Method = "mace"

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """The name that `text` spells.

        Raises:
            ValueError: it spells none.
        """
        return _parsed(text)

    def __str__(self) -> str:
        how = "_fc" if self.method == "fc" else ""
        if self.kind == "sum":
            return f"delta_{self.level}{how}"
        return f"{self.level}-{self.base}{how}" if self.kind == "difference" else f"{self.level}_{self.kind}"

    def title(self) -> str:
        """As the paper writes it: ML(DFT_EF), ML(CCSD(T)-DFT), ΔML(CCSD(T)); of force constants FC(CCSD(T)-DFT), ΔFC(CCSD(T))."""
        how, level = "FC" if self.method == "fc" else "ML", level_title(self.level)
        if self.kind == "sum":
            return f"Δ{how}({level})"
        if self.base is None:
            return f"{how}({level}_{self.kind.upper()})"
        minus = " - " if "-" in self.level + self.base else "-"
        return f"{how}({level}{minus}{level_title(self.base)})"

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels whose labels one structure needs, in the order of the label keys of a `TrainingTask`."""
        return (self.level,) if self.base is None else (self.level, self.base)

    @property
    def needs_forces(self) -> bool:
        """Whether it is trained on forces."""
        return self.kind == "ef"


@lru_cache(maxsize=1000)  # each row of a table asks
def _parsed(text: str) -> ModelName:
    for kind, pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            name = ModelName(kind, match["level"], found.get("base"), "fc" if found.get("fc") else "mace")
            if name.base != name.level:
                return name
    raise ValueError(
        f"{text!r} is not the name of a model: expected <level>_ef, <level>_e, <level>-<another level> or "
        "delta_<level>, the last two with _fc for force constants, levels in lower case, such as dft_ef, dft_e, ccsd(t)-dft, "
        "ccsd(t)-dft_fc, delta_ccsd(t)"
    )


def mace_kinds(models: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of those that MACE describes, each once."""
    names = map(ModelName.parse, models)
    return tuple(dict.fromkeys(name.kind for name in names if name.method == "mace"))
