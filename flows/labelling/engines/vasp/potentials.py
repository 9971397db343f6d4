"""POTCARs: licensed files that stay where they are. They are known by a digest, and held against what is asked for.

A family is called as pymatgen calls it (`PBE_54`, `LDA_64`, ...), a potential as VASP does (`C`, `Li_sv`). Looked for are, in the folder
that is given, else in pymatgen's PMG_VASP_PSP_DIR (an environment variable, or a line of ~/.config/.pmgrc.yaml):
`POT_GGA_PAW_PBE_54/POTCAR.C`, `POT_GGA_PAW_PBE_54/C/POTCAR`, and, where the folder is that of one family, `C/POTCAR` and
`POTCAR.C`; each also packed (`.gz`, ...).
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from flows.failure import CalculationFailed
from flows.labelling.engines.protocol import STAGE
from flows.settings import Settings

if TYPE_CHECKING:
    from pymatgen.io.vasp.inputs import PotcarSingle

HOME = "PMG_VASP_PSP_DIR"
_LEXCH = {"ca": "lda", "pe": "pbe", "91": "pw91", "ps": "pbesol", "rp": "revpbe", "am": "am05"}
_failed = partial(CalculationFailed.of, STAGE)


class Potential(Settings):
    """A POTCAR as it is asked for: `symbol` of `family`; `sha256` is of its content, unpacked, where that is known."""

    family: str = Field(min_length=1)
    symbol: str = Field(pattern=r"^[A-Z][A-Za-z0-9_.]*$")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    def identity(self) -> dict[str, Any]:
        """What it holds; as long as that is not known, what it is called."""
        return {"sha256": self.sha256} if self.sha256 else {"family": self.family, "symbol": self.symbol}

    def text(self) -> str:
        """`Li_sv of PBE_54 (sha256 0123456789ab)`."""
        return f"{self.symbol} of {self.family}{f' (sha256 {self.sha256[:12]})' if self.sha256 else ''}"


@dataclass(frozen=True)
class Potcar:
    """One that was found: its `content` (unpacked) and what its head says; `functional` is `lda`, `pbe` or VASP's LEXCH."""

    path: Path
    content: bytes = field(repr=False)
    title: str
    element: str
    functional: str
    valence: float
    enmax_eV: float

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def families() -> tuple[str, ...]:
    """Those that pymatgen knows."""
    from pymatgen.io.vasp.inputs import POTCAR_FUNCTIONAL_MAP

    return tuple(POTCAR_FUNCTIONAL_MAP)


def home(folder: str | None = None) -> Path | None:
    """Where this machine has POTCARs: `folder` if one is given, else what pymatgen is told; None: it is told nothing."""
    if folder is None:
        folder = os.environ.get(HOME)
    if folder is None:
        from pymatgen.core import SETTINGS

        folder = SETTINGS.get(HOME)
    return None if folder is None else Path(os.path.expandvars(folder)).expanduser()


def find(asked: Potential, folder: str | None = None) -> Potcar | None:
    """The POTCAR that is called so on this machine; whether it is what is asked for, `misfits` says.

    Raises:
        ValueError: there is a file, and it is no POTCAR of one element.
        OSError: it cannot be read.
    """
    place = home(folder)
    path = None if place is None else next((one for one in _paths(asked, place) if one.is_file()), None)
    return None if path is None else read(path)


def read(path: Path) -> Potcar:
    """Raises: ValueError: it is no POTCAR of one element; OSError: it cannot be read."""
    from monty.io import zopen

    with zopen(path, "rb") as file:
        content = bytes(file.read())
    try:
        head = _head(content.decode("ascii", errors="replace"))
        return Potcar(
            path=path,
            content=content,
            title=str(head.TITEL),
            element=str(head.element),
            functional=_LEXCH.get(head.LEXCH.lower(), head.LEXCH),
            valence=float(head.ZVAL),
            enmax_eV=float(head.ENMAX),
        )
    except (AttributeError, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{path} is no POTCAR of one element ({type(error).__name__}: {error})") from error


def misfits(asked: Potential, found: Potcar, element: str, functional: str) -> Iterator[str]:
    """Why `found` is not the potential of `element` that is `asked` for, made for `functional` (`lda`, `pbe`)."""
    if found.element != element:
        yield f"{found.path} is of {found.element} ({found.title}), not of {element}"
    if found.functional != functional:
        yield f"{found.path} ({found.title}) was made for {found.functional}, and {functional} is asked for"
    if asked.sha256 not in (None, found.sha256):
        yield f"{found.path} ({found.title}) has the sha256 {found.sha256[:12]}, and labels are asked for with {asked.text()}"


def fetch(asked: Potential, element: str, functional: str, folder: str | None = None) -> Potcar:
    """The POTCAR of `element` that is `asked` for, as it lies on this machine.

    Raises:
        CalculationFailed: `no-pseudopotential`: there is none; `wrong-pseudopotential`: it is of another element, functional or content.
    """
    try:
        found = find(asked, folder)
    except (OSError, ValueError) as error:
        raise _failed("wrong-pseudopotential", f"the POTCAR {asked.text()} cannot be used: {error}", "look at that file") from error
    if found is None:
        raise _failed("no-pseudopotential", f"there is no POTCAR {asked.text()} {looked(folder)}", how_to_have(folder))
    if wrong := list(misfits(asked, found, element, functional)):
        advice = "give this machine the POTCARs that the campaign was planned with, or plan it with these"
        raise _failed("wrong-pseudopotential", "; ".join(wrong), advice)
    return found


def looked(folder: str | None = None) -> str:
    """Where it was looked for: `in /vasp/potcars`."""
    place = home(folder)
    return f"in {place}" if place is not None else f"on this machine, where {HOME} is not set"


def how_to_have(folder: str | None = None) -> str:
    """What to do about a POTCAR that is not there."""
    what = f"lay it there as {HOME} has them" if folder is not None else f"set {HOME} to the folder of POTCARs (as pymatgen lays them out)"
    return f"{what}, or name a folder in potcars"


def folder_of(family: str, place: Path) -> Path:
    """Where pymatgen has the POTCARs of a family."""
    from pymatgen.core import SETTINGS
    from pymatgen.io.vasp.inputs import POTCAR_FUNCTIONAL_MAP

    return place / SETTINGS.get("PMG_VASP_PSP_SUB_DIRS", {}).get(family, POTCAR_FUNCTIONAL_MAP.get(family, family))


def _paths(asked: Potential, place: Path) -> Iterator[Path]:
    from monty.os.path import zpath

    for folder in (folder_of(asked.family, place), place):
        for name in (f"POTCAR.{asked.symbol}", f"{asked.symbol}/POTCAR"):
            yield Path(zpath(str(folder / name)))


def _head(text: str) -> PotcarSingle:
    from pymatgen.io.vasp.inputs import PotcarSingle

    if text.count("TITEL") != 1:
        raise ValueError(f"it has {text.count('TITEL')} TITEL")
    with warnings.catch_warnings():
        # that pymatgen does not know it says nothing about it
        warnings.simplefilter("ignore")
        return PotcarSingle(text)


def told(potcars: Mapping[str, Potcar]) -> tuple[str, ...]:
    """What a label says of the potentials of its elements."""
    return tuple(f"POTCAR of {symbol}: {one.title} (sha256 {one.sha256[:12]})" for symbol, one in potcars.items())
