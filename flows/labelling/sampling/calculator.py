"""What moves the atoms of a sweep, as ASE calculators of energy and forces: no stress, and nothing asked for twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ase.calculators.calculator import Calculator, all_changes

from flows.failure import CalculationFailed
from flows.labelling.engines.protocol import Computed
from flows.labelling.sampling.settings import STAGE
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

Compute = Callable[["Atoms", Mapping[str, bool]], Mapping[str, Computed | Failure]]


@dataclass(frozen=True)
class Driver:
    """What moves the atoms: an ASE calculator, and in words an engine and its level, or the keys of models.

    `digests` tell its forces from those of any other driver of the same name, with `versions`.
    """

    calculator: Any
    potential: str
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: tuple[str, ...] = ()


class _EnergyAndForces(Calculator):
    """Computes both at once, whichever is asked for."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  as ASE declares it

    def found(self, atoms: Atoms) -> dict[str, Any]:
        """The results of `atoms`."""
        raise NotImplementedError

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, list(properties), list(system_changes))
        assert self.atoms is not None
        self.results = self.found(self.atoms)


class Remembering(_EnergyAndForces):
    """Energy and forces of another ASE calculator, which can be told what was found before."""

    def __init__(self, calculator: Any) -> None:
        super().__init__()
        self.calculator = calculator

    def remember(self, atoms: Atoms, energy_eV: float, forces: NDArray) -> None:
        """That `atoms` have this energy and these forces."""
        self.atoms = atoms.copy()
        self.results = {"energy": energy_eV, "forces": forces.copy()}

    def found(self, atoms: Atoms) -> dict[str, Any]:
        # forces first: most calculators then have the energy too
        forces = self.calculator.get_property("forces", atoms)
        return {"energy": float(self.calculator.get_property("energy", atoms)), "forces": forces}


class EngineCalculator(_EnergyAndForces):
    """A labelling engine at one level; `last` is all that it found for the atoms that it saw last.

    A failure of the engine raises CalculationFailed.
    """

    def __init__(self, compute: Compute, level: str) -> None:
        super().__init__()
        self.compute, self.level = compute, level
        self.last: Computed | None = None

    def found(self, atoms: Atoms) -> dict[str, Any]:
        found = self.compute(_bare(atoms), {self.level: True})[self.level]
        if isinstance(found, Failure):
            raise CalculationFailed(found.model_copy(update={"level": self.level}))
        if found.forces_eV_A is None:
            message = f"the engine gave no forces at level {self.level}, and MD needs them"
            raise CalculationFailed.of(STAGE, "bad-input", message, level=self.level)
        self.last = found
        return {"energy": found.energy_eV, "forces": found.forces_eV_A}


def _bare(atoms: Atoms) -> Atoms:
    """Positions and cell alone: an engine sees what it would see of the structure to be labelled."""
    from ase import Atoms

    return Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
