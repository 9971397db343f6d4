"""A second opinion on every level of the PySCF engine: other integrals, other codes, exact diagonalization.

None of them shares the engine's way through the exchange correction of the Ewald probe charge.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import Hartree

from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.chain import built_cell
from flows.labelling.engines.pyscf.settings import PySCFSettings

LEVELS = {"hf": False, "mp2": False, "ccsd": False, "ccsd(t)": False}
CONVERGED = {"density_fitting": "gdf", "cc_tolerance_Ha": 1e-11, "cc_amplitude_tolerance": 1e-9, "max_cc_cycles": 300}
CRYSTALS = ["H2", *(pytest.param(name, marks=pytest.mark.slow) for name in ("LiH", "C2"))]
BASIS = {"H2": "gth-dzv", "LiH": "gth-szv", "C2": "gth-szv", "Li4H4": "gth-szv"}


@cache
def crystal(name: str) -> Atoms:
    """Two, four, eight and sixteen electrons a cell."""
    if name == "H2":
        return Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.80]], cell=[3.5, 3.5, 3.5], pbc=True)
    if name == "LiH":
        moved = [[0, 0, 0], [2.0085, 2.0085, 2.05]]
        return Atoms("LiH", positions=moved, cell=bulk("LiH", "rocksalt", a=4.017).cell, pbc=True)
    if name == "C2":
        moved = [[0, 0, 0], [0.89, 0.89, 0.93]]
        return Atoms("C2", positions=moved, cell=bulk("C", "diamond", a=3.561).cell, pbc=True)
    cubic = bulk("LiH", "rocksalt", a=4.017, cubic=True)
    cubic.rattle(0.03, seed=0)
    return cubic


def settings(name: str, **asked: Any) -> PySCFSettings:
    return PySCFSettings.model_validate({"basis": BASIS[name], **CONVERGED, **asked})


@cache
def correlation_Ha(name: str) -> dict[str, float]:
    """`mp2`, `ccsd` and `(t)` of the engine; also checks that parts sum to energies."""
    found = dict(settings(name).compute(crystal(name), LEVELS))
    for one in found.values():
        assert isinstance(one, Computed), one
        assert one.energy_eV == pytest.approx(sum(one.components_eV.values()), abs=1e-9)
        assert one.components_eV["hf"] == found["hf"].energy_eV
    parts = found["mp2"].components_eV | found["ccsd(t)"].components_eV
    return {part: parts[part] / Hartree for part in ("mp2", "ccsd", "(t)")}


@cache
def mean_field(name: str) -> Any:
    """Hartree-Fock of PySCF itself, by Gaussian density fitting."""
    from pyscf.pbc import scf

    cell = built_cell(settings(name), crystal(name), "hf")
    field = scf.RHF(cell, exxdiv="ewald").density_fit()
    field.conv_tol = 1e-11
    field.kernel()
    return field


@cache
def k_point_mean_field(name: str) -> Any:
    """The same by the code for k-points, of which there is one: Γ."""
    from pyscf.pbc import scf

    cell = built_cell(settings(name), crystal(name), "hf")
    field = scf.KRHF(cell, kpts=cell.make_kpts([1, 1, 1]), exxdiv="ewald").density_fit()
    field.conv_tol = 1e-11
    field.kernel()
    return field


def integrals(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(orbitals, orbitals) of one electron and (pq|rs) of two, bare, over the orbitals of Hartree-Fock."""
    field = mean_field(name)
    orbitals = field.mo_coeff
    count = orbitals.shape[1]
    repulsion = field.with_df.ao2mo(orbitals, compact=False).reshape([count] * 4)
    return orbitals.T @ field.get_hcore() @ orbitals, repulsion


def coupled_cluster_Ha(name: str, in_integrals: float, in_fock: float) -> float:
    """CCSD by PySCF's molecular code on the integrals of a crystal, the interaction raised by a constant (Hartree).

    A constant c in the interaction is c δ_pq δ_rs in (pq|rs) and c (N δ_pq - n_p/2 δ_pq) in the Fock matrix, n_p the
    occupation; `in_fock` lowers the occupied diagonal of the Fock matrix alone.
    """
    from pyscf import ao2mo, cc, gto, scf

    core, repulsion = integrals(name)
    count = len(core)
    same = np.eye(count)
    shifted = repulsion + in_integrals * np.einsum("pq,rs->pqrs", same, same)
    molecule = gto.M(verbose=0)
    molecule.nelectron = mean_field(name).cell.nelectron
    molecule.incore_anyway = True
    field = scf.RHF(molecule)
    field.get_hcore, field.get_ovlp = lambda *_: core, lambda *_: same
    field._eri = ao2mo.restore(8, shifted, count)
    field.mo_coeff, field.mo_occ = same, mean_field(name).mo_occ
    field.mo_energy, field.converged = mean_field(name).mo_energy, True
    field.e_tot = 0.0
    coupled = cc.RCCSD(field)
    coupled.conv_tol, coupled.conv_tol_normt, coupled.max_cycle = 1e-11, 1e-9, 300
    found = coupled.ao2mo()
    occupied = np.arange(coupled.nocc)
    found.fock[occupied, occupied] -= in_fock
    found.mo_energy = found.fock.diagonal()
    coupled.kernel(eris=found)
    assert coupled.converged
    return float(coupled.e_corr)


def madelung_Ha(name: str) -> float:
    from pyscf.pbc import tools

    return float(tools.madelung(mean_field(name).cell, np.zeros(3)))


def test_coupled_cluster_of_two_electrons_is_exact():
    """Full diagonalization of the bare Hamiltonian: no shift is in it anywhere."""
    from pyscf import fci

    core, repulsion = integrals("H2")
    one_determinant = 2 * core[0, 0] + repulsion[0, 0, 0, 0]
    exact = fci.direct_spin0.kernel(core, repulsion, len(core), 2, conv_tol=1e-13)[0] - one_determinant
    found = correlation_Ha("H2")
    assert found["ccsd"] == pytest.approx(exact, abs=1e-8)
    assert found["(t)"] == pytest.approx(0, abs=1e-12)
    assert found["ccsd"] < found["mp2"] < 0


@pytest.mark.parametrize("name", CRYSTALS)
def test_coupled_cluster_is_that_of_the_k_point_code(name):
    from pyscf.pbc import cc

    coupled = cc.KRCCSD(k_point_mean_field(name))
    coupled.conv_tol, coupled.conv_tol_normt, coupled.max_cycle = 1e-11, 1e-9, 300
    assert correlation_Ha(name)["ccsd"] == pytest.approx(coupled.kernel()[0].real, abs=1e-8)


@pytest.mark.parametrize("name", CRYSTALS)
def test_a_constant_in_the_interaction_changes_no_correlation_energy(name):
    """In the integrals and the Fock matrix; in the latter alone a third of the energy is lost, or more."""
    bare, c = coupled_cluster_Ha(name, 0.0, 0.0), madelung_Ha(name)
    assert c > 0.1
    assert coupled_cluster_Ha(name, c, 0.0) == pytest.approx(bare, abs=1e-8)
    assert correlation_Ha(name)["ccsd"] == pytest.approx(bare, abs=1e-8)
    assert abs(coupled_cluster_Ha(name, 0.0, c)) < 0.7 * abs(bare)


@pytest.mark.parametrize("name", CRYSTALS)
def test_second_order_is_that_of_the_k_point_code(name):
    from pyscf.pbc import mp

    found = mp.KMP2(k_point_mean_field(name)).kernel(with_t2=False)[0]
    assert correlation_Ha(name)["mp2"] == pytest.approx(found.real, abs=1e-8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_triples_are_those_of_the_k_point_code_and_second_order_that_of_cc4s(tmp_path, monkeypatch):
    """LiH, 8 atoms, Γ: the (T) of PySCF's k-point code; the MP2 of Cc4s on the same integrals (Hartree per cell)."""
    monkeypatch.chdir(tmp_path)  # where the code for (T) leaves a file
    from pyscf.pbc import cc
    from pyscf.pbc.cc import kccsd_t_rhf

    coupled = cc.KRCCSD(k_point_mean_field("Li4H4"))
    coupled.stdout = sys.stdout  # PySCF writes to what that was when it was first imported
    coupled.conv_tol, coupled.conv_tol_normt, coupled.max_cycle = 1e-11, 1e-9, 300
    electrons = coupled.ao2mo()
    coupled.kernel(eris=electrons)
    found = correlation_Ha("Li4H4")
    assert found["ccsd"] == pytest.approx(coupled.e_corr.real, abs=1e-8)
    assert found["(t)"] == pytest.approx(complex(kccsd_t_rhf.kernel(coupled, electrons)).real, abs=1e-8)
    assert found["(t)"] < -1e-5
    assert found["mp2"] == pytest.approx(-0.0208608815, abs=1e-8)


@pytest.mark.parametrize(("asked", "error_eV"), [({"density_fitting": "fft", "cutoff_Ha": 300.0}, 1e-4), ({}, 1e-3)])
def test_hartree_fock_is_that_of_mixed_density_fitting(asked, error_eV):
    """Gaussians and plane waves together, which leave no fitting error; that of `gdf` alone is 0.2 meV here."""
    from pyscf.pbc import df, scf

    basis = {"basis": "gth-dzvp", **asked}
    found = dict(settings("H2", **basis).compute(crystal("H2"), {"hf": False}))["hf"]
    other = scf.RHF(built_cell(settings("H2", basis="gth-dzvp"), crystal("H2"), "hf"), exxdiv="ewald")
    other.with_df = df.MDF(other.cell)
    other.conv_tol = 1e-10
    assert found.energy_eV == pytest.approx(other.kernel() * Hartree, abs=error_eV)


def test_density_functional_theory_is_that_of_mixed_density_fitting_and_atomic_grids():
    """Multigrid on plane waves (the engine) against fitted integrals and the grids of Becke around the atoms."""
    from pyscf.pbc import df, dft

    found = dict(settings("H2", basis="gth-dzvp").compute(crystal("H2"), {"dft": False}))["dft"]
    cell = built_cell(settings("H2", basis="gth-dzvp"), crystal("H2"), "hf")
    cell.pseudo = "gth-pbe"
    cell.build()
    other = dft.RKS(cell, xc="pbe,pbe")
    other.with_df, other.grids = df.MDF(cell), dft.gen_grid.BeckeGrids(cell)
    other.grids.level = 5
    other.conv_tol = 1e-10
    assert found.energy_eV == pytest.approx(other.kernel() * Hartree, abs=1e-3)


# per cell in Hartree; computed with PySCF by its own scripts, without latticefarm
RECALCULATED = {
    "H2": {"ccsd": -0.0215662735},
    "LiH": {"mp2": -0.0047690362, "ccsd": -0.0075421938},
    "C2": {"mp2": -0.1093322539, "ccsd": -0.1928014239},
    "Li4H4": {"mp2": -0.0208608815},
}


@pytest.mark.parametrize("name", [*CRYSTALS, pytest.param("Li4H4", marks=pytest.mark.slow)])
def test_energies_are_those_of_an_independent_recalculation(name):
    found = correlation_Ha(name)
    for part, value in RECALCULATED[name].items():
        assert found[part] == pytest.approx(value, abs=1e-8), part
    if name == "Li4H4":
        assert found["ccsd"] == pytest.approx(-0.0301539, abs=1e-7)  # of which there are no more digits


@pytest.mark.slow
def test_frozen_phonons_of_the_demo_are_those_of_an_independent_recalculation():
    """Diamond, 8 atoms, gth-szv, Γ: the optical mode of every level, to 0.5 cm^-1."""
    from campaign.spec import load_spec
    from flows.phonons.frozen import frozen_phonon, frozen_structures

    cells = load_spec("diamond-demo").resolved.systems["diamond"]
    moves = (0.0, *cells.frozen_phonon.displacements_A)
    energies: dict[str, list[float]] = {}
    for structure in frozen_structures(cells.primitive, cells.training, cells.frozen_phonon.displacements_A):
        for level, one in cells.engines["pyscf"].compute(structure.atoms(), {"dft": True, **LEVELS}):
            energies.setdefault(level, []).append(one.energy_eV / 4)
    masses = cells.primitive.atoms().get_masses()
    expected = {"dft": 1792.9, "ccsd(t)": 1822.7, "ccsd": 1830.1, "mp2": 1878.7, "hf": 1950.1}
    for level, frequency in expected.items():
        assert frozen_phonon(moves, energies[level], masses).frequency_cm1 == pytest.approx(frequency, abs=0.5)
