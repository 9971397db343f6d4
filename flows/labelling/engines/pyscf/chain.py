"""The chain of one structure in PySCF: DFT with forces; Hartree-Fock, and MP2, CCSD and (T) on top of it.

Bohr and Hartree are those of `ase.units`, lengths too: PySCF is given Bohr.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.failure import CalculationFailed
from flows.labelling.engines.protocol import STAGE, Computed
from flows.labelling.engines.pyscf.fitness import functional_trouble
from flows.labelling.engines.pyscf.levels import COUPLED_CLUSTER, LEVELS
from flows.labelling.engines.pyscf.memory import Size, needed_GB
from flows.labelling.engines.pyscf.method import PySCFMethod
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms


_failed = partial(CalculationFailed.of, STAGE)


class Chain:
    """Computes each step once, when the first level asks for it; a step that failed fails all that need it."""

    def __init__(self, settings: PySCFMethod, atoms: Atoms) -> None:
        self._settings = settings
        self._atoms = atoms
        self._done: dict[str, Any] = {}

    def results(self, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        """Each level of `wanted`, cheapest first."""
        order = list(LEVELS)
        for level in sorted(wanted, key=lambda name: order.index(name) if name in order else len(order)):
            yield level, self._result(level, wanted[level])

    def _result(self, level: str, forces: bool) -> Computed | Failure:
        started = time.perf_counter()
        try:
            found = self._computed(level, forces)
        except CalculationFailed as error:
            return error.failure.model_copy(update={"level": level})
        except MemoryError:
            return _failed("memory", f"no memory was left for {level}", _MORE_MEMORY, level=level).failure
        except Exception as error:
            message = f"PySCF ended with {type(error).__name__}: {error}"
            return _failed("crashed", message, "see PySCF's message", level=level).failure
        return found(wall_time_s=time.perf_counter() - started)

    def _computed(self, level: str, forces: bool) -> Callable[..., Computed]:
        if level not in LEVELS or (forces and not LEVELS[level]):
            asked = f"forces of {level}" if level in LEVELS else f"level {level!r}"
            raise _failed("bad-input", f"PySCF has no {asked} at Γ", f"it has {LEVELS} (with forces or not)")
        memory = self._enough_memory(level)
        if level == "dft":
            return self._dft(forces, memory)
        parts, diagnostics = self._wavefunction(level)
        energies = {name: _eV(value) for name, value in parts.items()}

        def computed(wall_time_s: float) -> Computed:
            return Computed(
                energy_eV=sum(energies.values()),
                components_eV=energies,
                diagnostics={**diagnostics, "memory_GB": memory},
                wall_time_s=wall_time_s,
            )

        return computed

    def _wavefunction(self, level: str) -> tuple[dict[str, float], dict[str, float]]:
        """Parts of the energy (Hartree), and diagnostics."""
        mean_field = self._once("hf", self._hf)
        parts, diagnostics = {"hf": float(mean_field.e_tot)}, _of_mean_field(mean_field)
        if level == "mp2":
            parts["mp2"] = self._once("mp2", self._mp2)
        if level in COUPLED_CLUSTER:
            coupled, _ = self._once("ccsd", self._ccsd)
            parts["ccsd"] = float(coupled.e_corr)
            diagnostics |= {"t1": float(coupled.get_t1_diagnostic()), "cc_cycles": float(coupled.cycles)}
        if level == "ccsd(t)":
            parts["(t)"] = self._once("(t)", self._triples)
        return parts, diagnostics

    def _once(self, name: str, step: Callable[[], Any]) -> Any:
        if name not in self._done:
            try:
                self._done[name] = step()
            except Exception as error:
                self._done[name] = error
        if isinstance(self._done[name], Exception):
            raise self._done[name]
        return self._done[name]

    def _dft(self, forces: bool, memory: float) -> Callable[..., Computed]:
        from pyscf.pbc import dft

        mean_field = dft.RKS(self._cell("dft"), xc=self._functional()).multigrid_numint()
        self._converge(mean_field, "DFT")
        diagnostics = {**_of_mean_field(mean_field), "memory_GB": memory}
        found = self._forces_eV_A(mean_field) if forces else None
        if found is not None:
            diagnostics["force_sum_eV_A"] = self._force_sum(found)

        def computed(wall_time_s: float) -> Computed:
            return Computed(_eV(mean_field.e_tot), found, {}, diagnostics, wall_time_s)

        return computed

    def _functional(self) -> str:
        name = self._settings.libxc_name()
        if trouble := functional_trouble(name):
            raise _failed("bad-input", *trouble)
        return name

    def _forces_eV_A(self, mean_field: Any) -> np.ndarray:
        from ase.units import Bohr, Hartree

        return -np.asarray(mean_field.Gradients().kernel()) * (Hartree / Bohr)

    def _force_sum(self, forces: np.ndarray) -> float:
        total, bound = float(np.abs(forces.sum(axis=0)).max()), self._settings.max_force_sum_eV_A
        if total > bound:
            raise _failed(
                "forces-do-not-sum",
                f"the forces sum to {total:.3g} eV/Å, more than {bound:.3g}",
                "raise cutoff_dft_Ha, or give a finer mesh_dft",
            )
        return total

    def _hf(self) -> Any:
        from pyscf.pbc import scf

        mean_field = scf.RHF(self._cell("hf"), exxdiv="ewald")
        if self._settings.density_fitting == "gdf":
            mean_field = mean_field.density_fit()
        elif self._settings.density_fitting == "mdf":
            mean_field = mean_field.mix_density_fit()
        self._converge(mean_field, "Hartree-Fock")
        if mean_field._eri is not None:
            # else PySCF computes the same integrals again for MP2, and again for CCSD
            mean_field.with_df.ao2mo = partial(_transformed, mean_field._eri)
        return mean_field

    def _converge(self, mean_field: Any, name: str) -> Any:
        settings = self._settings
        mean_field.conv_tol, mean_field.max_cycle = settings.scf_tolerance_Ha, settings.max_scf_cycles
        mean_field.chkfile = None
        # computed once: coupled cluster asks for it again
        core = mean_field.get_hcore()
        mean_field.get_hcore = lambda *_: core
        mean_field.kernel()
        if not mean_field.converged:
            raise _failed(
                "unconverged",
                f"{name} did not converge in {settings.max_scf_cycles} cycles",
                "raise max_scf_cycles; a structure with close contacts or without a gap may never converge",
            )
        gap = _of_mean_field(mean_field).get("gap_eV")
        if gap is not None and gap < settings.min_gap_eV:
            raise _failed(
                "no-gap",
                f"the gap of {name} is {gap:.3g} eV, less than {settings.min_gap_eV:.3g}",
                "no closed-shell insulator: leave the structure out, or lower min_gap_eV",
            )
        return mean_field

    def _mp2(self) -> float:
        from pyscf.pbc import mp

        return float(mp.RMP2(self._once("hf", self._hf)).kernel(with_t2=False)[0])

    def _ccsd(self) -> tuple[Any, Any]:
        """Γ-point CCSD, and its integrals.

        As PySCF has it: neither the Fock matrix nor the integrals hold the exchange correction of the Ewald probe
        charge. A constant c in the Coulomb interaction adds c N(N-1)/2 to the Hamiltonian of N electrons: shifting
        both changes no correlation energy, shifting the Fock matrix alone loses a third of it.
        """
        from pyscf.pbc import cc

        settings, mean_field = self._settings, self._once("hf", self._hf)
        coupled = cc.RCCSD(mean_field)
        coupled.conv_tol, coupled.conv_tol_normt = settings.cc_tolerance_Ha, settings.cc_amplitude_tolerance
        coupled.max_cycle = settings.max_cc_cycles
        integrals = coupled.ao2mo(mean_field.mo_coeff)
        coupled.kernel(eris=integrals)
        self._check_amplitudes(coupled)
        return coupled, integrals

    def _check_amplitudes(self, coupled: Any) -> None:
        settings = self._settings
        if not coupled.converged:
            message = f"CCSD did not converge in {settings.max_cc_cycles} cycles"
            raise _failed("unconverged", message, "raise max_cc_cycles, or look at the gap of the structure")
        t1 = coupled.get_t1_diagnostic()
        if t1 > settings.max_t1:
            raise _failed(
                "multi-reference",
                f"T1 is {t1:.3g}, more than {settings.max_t1:.3g}: one determinant is no good start",
                "leave the structure out, or raise max_t1",
            )

    def _triples(self) -> float:
        coupled, integrals = self._once("ccsd", self._ccsd)
        return float(coupled.ccsd_t(eris=integrals))

    def _cell(self, level: str) -> Any:
        kind = "dft" if level == "dft" else "hf"
        return self._once(f"cell of {kind}", lambda: built_cell(self._settings, self._atoms, kind))

    def _enough_memory(self, level: str) -> float:
        cell, settings = self._cell(level), self._settings
        on_mesh = level == "dft" or settings.density_fitting == "fft"
        size = Size(int(cell.nao), cell.nelectron // 2, int(np.prod(cell.mesh)) if on_mesh else 0)
        if level not in ("dft", "hf") and not size.empty:
            message = f"{level} needs empty orbitals, and {settings.basis} has none for this structure"
            raise _failed("bad-input", message, "take a larger basis")
        needed = needed_GB(level, size)
        if needed > settings.max_memory_GB:
            raise _failed(
                "memory",
                f"{level} of {size.functions} functions, {size.occupied} orbitals occupied, {size.points} mesh"
                f" points needs {needed:.3g} GB; max_memory_GB is {settings.max_memory_GB:.3g}",
                _MORE_MEMORY,
            )
        return needed


_MORE_MEMORY = "raise max_memory_GB where the machine has it; else a smaller cell, basis or mesh"


def built_cell(settings: PySCFMethod, atoms: Atoms, level: str) -> Any:
    """PySCF's cell of `atoms` with the basis, pseudopotential and mesh of `level`.

    Raises:
        CalculationFailed: `bad-input` (no three lattice vectors; a basis or pseudopotential that has not all
            elements) or `open-shell`.
    """
    from ase.units import Bohr
    from pyscf import lib
    from pyscf.pbc import gto

    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-6:
        raise _failed("bad-input", "the structure is not periodic in three directions", "give it a cell")
    lattice = atoms.cell.array / Bohr
    # PySCF counts what the process holds already, as that of a worker's imports
    held_MB = lib.current_memory()[0]
    cell = gto.Cell(verbose=0, unit="B", a=lattice, spin=None, max_memory=held_MB + 1e3 * settings.max_memory_GB)
    cell.atom = list(zip(atoms.symbols, atoms.get_positions(wrap=True) / Bohr, strict=True))
    cell.basis, cell.pseudo = settings.basis, settings.pseudo_of(level)
    if (mesh := settings.mesh_of(level, lattice)) is not None:
        cell.mesh = mesh
    try:
        cell.build()
    except (RuntimeError, KeyError, ValueError) as error:
        message = f"PySCF cannot build the cell with {cell.basis} and {cell.pseudo}: {error}"
        raise _failed(
            "bad-input", message, "name a basis and a pseudopotential that have all elements"
        ) from error
    if cell.nelectron % 2 or atoms.get_initial_magnetic_moments().any():
        message = f"{cell.nelectron} valence electrons, or a magnetic moment: no closed shell"
        raise _failed("open-shell", message, "only closed shells are computed; take another cell")
    return cell


@contextmanager
def scratch() -> Iterator[None]:
    """A directory for PySCF's files, gone afterwards; not the working directory."""
    from pyscf.lib import param

    before = param.TMPDIR
    with tempfile.TemporaryDirectory(prefix="pyscf-") as directory:
        param.TMPDIR = directory
        try:
            yield
        finally:
            param.TMPDIR = before
            # PySCF's objects hold one another, and remove their files when they go
            gc.collect()


def _of_mean_field(mean_field: Any) -> dict[str, float]:
    energies, occupied = mean_field.mo_energy, mean_field.mo_occ > 0
    found = {"cycles": float(mean_field.cycles)}
    if not occupied.all():
        found["gap_eV"] = _eV(energies[~occupied].min() - energies[occupied].max())
    return found


def _transformed(integrals: np.ndarray, orbitals: Any, kpt: Any = None, compact: bool = True) -> np.ndarray:
    """Integrals over orbitals from those over basis functions, at Γ: (pq|rs), pairs by pairs."""
    from pyscf import ao2mo

    assert kpt is None or not np.any(kpt)
    four = (orbitals,) * 4 if isinstance(orbitals, np.ndarray) and orbitals.ndim == 2 else orbitals
    return ao2mo.incore.general(integrals, four, compact=compact)


def _eV(hartree: float) -> float:
    from ase.units import Hartree

    return float(hartree) * Hartree
