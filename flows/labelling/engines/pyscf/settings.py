"""PySCF: every level at Γ, with Gaussian orbitals and GTH pseudopotentials, on a laptop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.chain import Chain, scratch
from flows.labelling.engines.pyscf.fitness import troubles
from flows.labelling.engines.pyscf.levels import COUPLED_CLUSTER, LEVELS
from flows.labelling.engines.pyscf.method import PySCFMethod
from flows.labelling.engines.values import Mesh
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms


SPELT = {"pbesol": "PBEsol"}


class PySCFSettings(PySCFMethod):
    """One structure at Γ: DFT with forces, and one Hartree-Fock that MP2, CCSD and CCSD(T) share."""

    kind: Literal["pyscf"] = "pyscf"

    def text(self, level: str) -> str:
        """`PySCF, basis gth-szv, PBE, pseudopotentials gth-pbe, Γ point alone`."""
        method = SPELT.get(self.functional, self.functional.upper()) if level == "dft" else ""
        parts = ["PySCF", f"basis {self.basis}", method, f"pseudopotentials {self.pseudo_of(level)}"]
        return ", ".join(filter(None, [*parts, "Γ point alone"]))

    def levels(self) -> dict[str, bool]:
        return dict(LEVELS)

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        with scratch():
            yield from Chain(self, atoms).results(wanted)

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        return troubles(self, atoms, levels)

    def versions(self) -> dict[str, str]:
        return {"pyscf": version("pyscf")}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """Functional and mesh of DFT for `dft` alone, tolerances of coupled cluster for its levels alone."""
        found = {
            "kind": self.kind,
            "level": level,
            "forces": forces,
            "basis": self.basis,
            "pseudo": self.pseudo_of(level),
            "scf_tolerance_Ha": self.scf_tolerance_Ha,
        }
        if level == "dft":
            return {**found, "functional": self.libxc_name(), **_grid(self.mesh_dft, self.cutoff_dft_Ha)}
        found["density_fitting"] = self.density_fitting
        if self.density_fitting == "fft":
            found |= _grid(self.mesh, self.cutoff_Ha)
        if level in COUPLED_CLUSTER:
            found["cc_tolerance_Ha"] = self.cc_tolerance_Ha
            found["cc_amplitude_tolerance"] = self.cc_amplitude_tolerance
        return found


def _grid(mesh: Mesh | None, cutoff_Ha: float) -> dict[str, Any]:
    return {"mesh": list(mesh)} if mesh else {"cutoff_Ha": cutoff_Ha}
