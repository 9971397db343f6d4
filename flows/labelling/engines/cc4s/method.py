"""What VASP and Cc4s are asked to do: potentials, cutoffs, orbitals, corrections, tolerances and bounds."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from flows.labelling.engines.values import Command, Mesh
from flows.labelling.engines.vasp.program import PARALLEL, VaspProgram

GAMMA: Mesh = (1, 1, 1)
LEVELS = {"hf": False, "mp2": False, "ccsd": False, "ccsd(t)": False}
"""Cheapest first; none has forces."""

# what makes it faster or get there at all, and not elsewhere
_ROAD = PARALLEL | {"NELM", "NELMIN", "NELMDL", "TIME", "LPLANE", "LSCALAPACK", "LSCAAWARE", "MAXMEM", "NBLOCK_FOCK"}
_TAKEN = {
    "cutoffs and precision": "ENCUT ENCUTGW ENCUTGWSOFT PREC EDIFF",
    "states": "ISMEAR SIGMA ISPIN ISYM NBANDS NBANDSHIGH NBANDSLOW NFREEZE KSPACING",
    "method": "ALGO NELM LHFCALC AEXX LSFACTOR LAPPROX LMP2LT NOMEGA LDUMPMP2IJ",
    "files and motion": "ISTART ICHARG LWAVE NSW IBRION",
}


def _lower(name: Any) -> Any:
    return name.strip().lower() if isinstance(name, str) else name


class Cc4sMethod(VaspProgram):
    """Hartree-Fock on a mesh of k-points; MP2, CCSD and CCSD(T) at Γ in natural orbitals. Closed shells, no forces.

    E = E(HF on `hf_kpoints`) + E(correlation at Γ) + corrections. `hf_kpoints` of (1, 1, 1) is Γ for all.
    `orbitals_per_occupied` natural orbitals of MP2 for each occupied one make the basis of coupled cluster.
    `basis_set_correction` (focal point: second order and particle-particle ladder) and `finite_size_correction`
    (interpolated structure factor) are those of CCSD. `mp2_basis_set_correction` is its second-order part, for MP2; where
    nothing is said, as for CCSD. There is no finite-size correction of MP2. `pair_energies` says by what VASP extrapolates MP2
    to a complete basis: `mp2`, or for large cells `laplace` with `laplace_points`.

    Potentials were made for `functional` (PBE, LDA), which also starts Hartree-Fock. `incar` adds tags to every step of VASP.

    Commands, cycles, slices, `diis`, `triples_fallback`, `parallel`, `potcars` and such tags of `incar` decide no numbers and
    are in no key.
    """

    taken: ClassVar[frozenset[str]] = frozenset(" ".join(_TAKEN.values()).split())
    taken_from: ClassVar[str] = "the steps and the other settings"
    functional: Annotated[Literal["lda", "pbe"], BeforeValidator(_lower)] = "pbe"
    encut_eV: PositiveFloat
    encutgw_eV: PositiveFloat
    hf_kpoints: Mesh
    orbitals_per_occupied: PositiveInt = 10
    basis_set_correction: bool = True
    mp2_basis_set_correction: bool | None = None
    finite_size_correction: bool = True
    pair_energies: Literal["mp2", "laplace"] = "mp2"
    laplace_points: PositiveInt = 6
    interpolation_grid: PositiveInt = 20
    prec: Literal["Normal", "Accurate"] = "Normal"
    sigma_eV: PositiveFloat = 1e-3
    hf_tolerance_eV: PositiveFloat = 1e-7
    cc_tolerance_eV: PositiveFloat = 1e-5
    cc_amplitude_tolerance: PositiveFloat = 1e-5
    max_scf_cycles: PositiveInt = 200
    max_cc_cycles: PositiveInt = Field(default=50, ge=2)
    integrals_slice: PositiveInt = 100
    diis: PositiveInt = 5
    triples_fallback: bool = True
    gamma_command: Command = "vasp_gam"
    cc4s_command: Command = "Cc4s"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.encutgw_eV > self.encut_eV:
            raise ValueError(f"encutgw_eV should be at most encut_eV ({self.encut_eV:g}), got {self.encutgw_eV:g}")
        return self

    def commands(self) -> dict[str, tuple[str | None, str]]:
        return {**super().commands(), "cc4s_command": (self.cc4s_command, "cc4s")}

    @property
    def made_for(self) -> str:
        return self.functional

    @property
    def corrects_mp2(self) -> bool:
        """Whether MP2 is corrected for its basis."""
        return self.basis_set_correction if self.mp2_basis_set_correction is None else self.mp2_basis_set_correction

    def needs_pair_energies(self, level: str) -> bool:
        """Whether all levels up to `level` need those of MP2 in a complete basis."""
        return self.corrects_mp2 or (level != "mp2" and self.basis_set_correction)

    def deciding_tags(self) -> dict[str, Any]:
        """Those of `incar` that decide numbers."""
        return without_road(self.incar)


def without_road(tags: dict[str, Any]) -> dict[str, Any]:
    """The tags of a step that decide numbers."""
    return {tag: value for tag, value in tags.items() if tag not in _ROAD}
