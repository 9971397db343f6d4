"""What PySCF is asked to do: basis, pseudopotentials, functional, meshes, tolerances and bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.values import Mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

# as libxc calls it, and the pseudopotential made for it; `lda` alone would be exchange without correlation
_FUNCTIONALS = {
    "pbe": ("pbe,pbe", "gth-pbe"),
    "pbesol": ("pbe_sol,pbe_sol", "gth-pbesol"),
    "blyp": ("b88,lyp", "gth-blyp"),
    "lda": ("lda,pz", "gth-pade"),
}

Name = Annotated[str, Field(min_length=1), AfterValidator(lambda name: name.strip().lower())]


class PySCFMethod(EngineSettings):
    """One structure at Γ: DFT with forces, and one Hartree-Fock that MP2, CCSD and CCSD(T) share.

    Names of basis sets and pseudopotentials are those of PySCF. `functional` is PBE, PBEsol, BLYP, LDA
    (Perdew-Zunger) or, with `pseudo_dft`, any LDA or GGA of libxc in PySCF's notation. DFT integrates on a mesh of
    plane waves up to `cutoff_dft_Ha` or, if given, on `mesh_dft`; so does the rest with density fitting `fft`
    (`cutoff_Ha`, `mesh`), while `gdf` and `mdf` need none. `fft` is the cheaper one for carbon in a minimal
    basis, `gdf` for hydrogen, lithium and larger bases; but its energies are not smooth where a difference of levels is small:
    HF of LiH8 jumps by 2 meV as atoms move by hundredths of an Å. `mdf`, four times as slow, is smooth. The defaults are meshes of 49 and 31 points for cubic diamond.

    What lies beyond the last five bounds is a failure: they decide no numbers and are in no key.
    """

    basis: Name = "gth-szv"
    functional: Name = "pbe"
    pseudo_dft: Name | None = None
    pseudo: Name = "gth-hf"
    density_fitting: Literal["fft", "gdf", "mdf"] = "fft"
    cutoff_dft_Ha: PositiveFloat = 250.0
    mesh_dft: Mesh | None = None
    cutoff_Ha: PositiveFloat = 98.0
    mesh: Mesh | None = None
    scf_tolerance_Ha: PositiveFloat = 1e-10
    cc_tolerance_Ha: PositiveFloat = 1e-9
    cc_amplitude_tolerance: PositiveFloat = 1e-7
    max_scf_cycles: PositiveInt = 100
    max_cc_cycles: PositiveInt = 100
    min_gap_eV: float = Field(default=0.1, ge=0)
    max_t1: PositiveFloat = 0.1
    max_force_sum_eV_A: PositiveFloat = 0.05
    max_memory_GB: PositiveFloat = 8.0

    @model_validator(mode="after")
    def _pseudopotential_is_known(self) -> Self:
        if self.pseudo_dft is None and self.functional not in _FUNCTIONALS:
            raise ValueError(
                f"no pseudopotential is known for the functional {self.functional!r}: name one in pseudo_dft,"
                f" or take one of {', '.join(_FUNCTIONALS)}"
            )
        return self

    def libxc_name(self) -> str:
        """What PySCF is told as `xc`."""
        return _FUNCTIONALS.get(self.functional, (self.functional,))[0]

    def mesh_of(self, level: str, lattice_Bohr: NDArray) -> Any:
        """The points on which `level` integrates in this cell; None where it needs none."""
        from pyscf.pbc.tools.pbc import cutoff_to_mesh

        if level == "dft":
            return self.mesh_dft or cutoff_to_mesh(lattice_Bohr, self.cutoff_dft_Ha)
        return (self.mesh or cutoff_to_mesh(lattice_Bohr, self.cutoff_Ha)) if self.density_fitting == "fft" else None

    def pseudo_of(self, level: str) -> str:
        """The name of the pseudopotential of `level`."""
        if level != "dft":
            return self.pseudo
        return self.pseudo_dft or _FUNCTIONALS[self.functional][1]
