"""The values themselves. `CONFIRMED`: found in two public places; `FOUND`: in one; `COMPUTED`: from published forces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Kind = Literal["experiment", "calculation"]

DIAMOND = 227  # numbers of space groups
ROCKSALT = 225


class Certainty(StrEnum):
    """How sure a value is."""

    CONFIRMED = "found in two public sources"
    FOUND = "found in one public source"
    COMPUTED = "computed with phonopy from published forces"


@dataclass(frozen=True)
class Reference:
    """One value (cm^-1) of the crystal with these `elements` and this `spacegroup`.

    `point` names the q-point where the value is a phonon frequency there, so that it can be drawn on bands;
    `element` the one of whose density of states it is a peak.
    """

    elements: tuple[str, ...]
    spacegroup: int
    kind: Kind
    quantity: str
    value_cm1: float
    source: str
    certainty: Certainty
    point: str | None = None
    element: str | None = None


def _diamond(
    kind: Kind, quantity: str, value: float, source: str, certainty: Certainty, point: str | None = None
) -> Reference:
    return Reference(("C",), DIAMOND, kind, quantity, value, source, certainty, point)


def _lih(
    kind: Kind, quantity: str, value: float, source: str, certainty: Certainty, element: str | None = None
) -> Reference:
    return Reference(("H", "Li"), ROCKSALT, kind, quantity, value, source, certainty, element=element)


def _calculated(
    crystal: tuple[tuple[str, ...], int],
    source: str,
    certainty: Certainty,
    modes: dict[str, dict[str, float]],
) -> tuple[Reference, ...]:
    return tuple(
        Reference(*crystal, "calculation", f"{mode} at {point}", value, source, certainty, point)
        for point, values in modes.items()
        for mode, value in values.items()
    )


_RAMAN = "Solin & Ramdas, Phys. Rev. B 1, 1687 (1970); Klein et al., Phys. Rev. B 45, 12854 (1992)"
_KULDA = "Kulda et al., Phys. Rev. B 66, 241202 (2002), as quoted elsewhere"
_AIMS = "LDA, a = 3.562 Å, coarse k-mesh: phonopy's example diamond-FHI-aims"
_R2SCAN = "r2SCAN-type functional, a = 3.561 Å: diamond data of ml-peg"
_COLOGNESI = "Colognesi et al., Physica B 350, 983 (2004), approximate, as described by Schönbauer, Carbone and Grüneis"
_PBESOL = "PBEsol, a = 3.976 Å, with NAC: WMD-group/phononDB, mp-23703"

REFERENCES: tuple[Reference, ...] = (
    _diamond("experiment", "Raman frequency, 300 K", 1332.5, _RAMAN, Certainty.CONFIRMED, "Γ"),
    _diamond("experiment", "maximum of LO on Δ, above Γ", 12.1, _KULDA, Certainty.FOUND),
    _diamond("experiment", "maximum of LO on Λ, above Γ", 4.0, _KULDA, Certainty.FOUND),
    _diamond("experiment", "maximum of LO on Σ, above Γ", 1.6, _KULDA, Certainty.FOUND),
    *_calculated(
        (("C",), DIAMOND),
        _AIMS,
        Certainty.COMPUTED,
        {
            "Γ": {"optical": 1305.0},
            "X": {"TA": 786.0, "TO": 1068.0, "LA = LO": 1200.0},
            "L": {"TA": 551.0, "LA": 1044.0, "TO": 1207.0, "LO": 1254.0},
        },
    ),
    *_calculated(
        (("C",), DIAMOND),
        _R2SCAN,
        Certainty.FOUND,
        {
            "Γ": {"optical": 1304.5},
            "X": {"TA": 784.0, "TO": 1041.0, "LA = LO": 1199.0},
            "L": {"TA": 572.0, "LA": 1036.0, "TO": 1208.0, "LO": 1276.0},
        },
    ),
    _lih("experiment", "lower peak of the H-projected DOS, 20 K", 800.0, _COLOGNESI, Certainty.FOUND, "H"),
    _lih("experiment", "upper peak of the H-projected DOS, 20 K", 1100.0, _COLOGNESI, Certainty.FOUND, "H"),
    *_calculated(
        (("H", "Li"), ROCKSALT),
        _PBESOL,
        Certainty.COMPUTED,
        {
            "Γ": {"TO": 625.0, "LO": 1079.0},
            "X": {"TA": 325.0, "LA": 434.0, "TO": 836.0, "LO": 1026.0},
            "L": {"TA": 288.0, "LA": 528.0, "TO": 803.0, "LO": 1054.0},
        },
    ),
    _lih("calculation", "lower peak of the H-projected DOS", 833.0, _PBESOL, Certainty.COMPUTED, "H"),
    _lih("calculation", "upper peak of the H-projected DOS", 1038.0, _PBESOL, Certainty.COMPUTED, "H"),
)
