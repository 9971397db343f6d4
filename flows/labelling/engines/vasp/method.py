"""What VASP is asked to do: functional, potentials, cutoff, k-points, smearing, tolerance."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, model_validator

from flows.labelling.engines.kmesh import mesh_by_spacing
from flows.labelling.engines.values import Mesh, Value
from flows.labelling.engines.vasp.program import VaspProgram

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Functional:
    """The tags of a functional, those of its exact exchange, if any, apart; for which one its potentials are made; what people call it."""

    tags: Mapping[str, Value]
    exchange: Mapping[str, Value] = field(default_factory=dict)
    potentials: Literal["lda", "pbe"] = "pbe"
    said: str = ""


FUNCTIONALS = {
    "lda": Functional({"GGA": "CA"}, potentials="lda", said="LDA"),
    "pbe": Functional({"GGA": "PE"}, said="PBE"),
    "pbesol": Functional({"GGA": "PS"}, said="PBEsol"),
    "rpbe": Functional({"GGA": "RP"}, said="RPBE"),
    "revpbe": Functional({"GGA": "RE"}, said="revPBE"),
    "scan": Functional({"METAGGA": "SCAN"}, said="SCAN"),
    "r2scan": Functional({"METAGGA": "R2SCAN"}, said="r2SCAN"),
    "pbe0": Functional({"GGA": "PE"}, {"LHFCALC": True, "AEXX": 0.25}, said="PBE0"),
    "hse06": Functional({"GGA": "PE"}, {"LHFCALC": True, "AEXX": 0.25, "HFSCREEN": 0.2}, said="HSE06"),
}
HARTREE_FOCK = {"LHFCALC": True, "AEXX": 1.0, "ALDAC": 0.0, "AGGAC": 0.0}
SMEARINGS = {"gaussian": 0, "methfessel-paxton": 1, "fermi-dirac": -1}

# how VASP gets to its numbers, and not which: in no key, and what custodian may change
_ROAD = (
    "ALGO IALGO TIME ISEARCH NELM NELMIN NELMDL AMIX BMIX AMIX_MAG BMIX_MAG AMIN IMIX INIMIX MIXPRE MAXMIX WC LMAXMIX WEIMIN EBREAK DEPER "
    "NBANDS ISTART ICHARG LWAVE LCHARG SYMPREC NCORE NPAR KPAR NSIM LPLANE LSCALU LSCALAPACK LSCAAWARE LASYNC LDIAG LSUBROT"
)
ROAD = frozenset(_ROAD.split())
_TAKEN = (
    "SYSTEM GGA METAGGA LHFCALC AEXX ALDAC AGGAC HFSCREEN ENCUT EDIFF PREC ISMEAR SIGMA LREAL LASPH NSW IBRION ISIF ISYM ISPIN MAGMOM KSPACING "
    "KGAMMA NELM ISTART ICHARG LWAVE LCHARG LEPSILON LCALCEPS NCORE NPAR KPAR NSIM LORBIT"
)


def _known(name: str) -> str:
    from difflib import get_close_matches

    usual = name.strip().lower()
    if usual not in FUNCTIONALS:
        close = get_close_matches(usual, FUNCTIONALS, n=1)
        raise ValueError(f"no functional {name!r} of this engine{f'; did you mean {close[0]}?' if close else ''}; it has {', '.join(FUNCTIONALS)}")
    return usual


class VaspMethod(VaspProgram):
    """Self-consistent calculations by VASP: PAW potentials, closed shells, forces, k-points centred at Γ, no symmetry.

    K-points are a mesh of the cell that is labelled, or a `kspacing_per_A` (as VASP's KSPACING) of which each cell gets its own mesh.
    Energies are free energies, to which the forces belong. `incar` adds tags.

    `max_scf_cycles`, `max_corrections`, `command` and its like, `parallel`, `potcars`, `scratch`, and tags of `incar` such as ALGO
    decide no numbers and are in no key.
    """

    taken: ClassVar[frozenset[str]] = frozenset(_TAKEN.split())
    taken_from: ClassVar[str] = "the other settings (kpoints, functional, parallel, ...), or is not for closed shells at rest"
    functional: Annotated[str, AfterValidator(_known)] = "pbe"
    encut_eV: PositiveFloat
    kpoints: Mesh | None = None
    kspacing_per_A: PositiveFloat | None = None
    smearing: Literal["gaussian", "methfessel-paxton", "fermi-dirac"] = "gaussian"
    sigma_eV: PositiveFloat = 0.05
    ediff_eV: PositiveFloat = 1e-7
    prec: Literal["Normal", "Accurate"] = "Accurate"
    scratch: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kpoints is None) == (self.kspacing_per_A is None):
            raise ValueError("give one of kpoints (a mesh of the labelled cell, as [2, 2, 2]) and kspacing_per_A")
        return self

    @property
    def asked(self) -> Functional:
        """The functional, as VASP is told of it."""
        return FUNCTIONALS[self.functional]

    @property
    def made_for(self) -> str:
        return self.asked.potentials

    def words(self, mesh: Mesh) -> list[str]:
        """The command for a mesh of k-points, word by word: at Γ alone there may be another."""
        return shlex.split(self.gamma_command if mesh == (1, 1, 1) and self.gamma_command else self.command)

    def mesh_of(self, atoms: Atoms) -> Mesh:
        """The k-points along each reciprocal vector of this cell."""
        if self.kpoints is not None:
            return self.kpoints
        assert self.kspacing_per_A is not None
        return mesh_by_spacing(atoms, self.kspacing_per_A)
