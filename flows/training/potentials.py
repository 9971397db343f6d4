"""Potentials as an algebra: `base + delta` is an ASE calculator with one neighbour list for all its parts.

Only what is asked for is computed: an energy needs no gradient, forces need no stress.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from flows.records import TrainedModel
from flows.training.architecture import best_device
from flows.training.force_constants.model import ForceConstants
from flows.training.plain_model import ARCHITECTURE, PlainModel
from flows.training.terms import Evaluation, Foreign, Lattice, Neighbours, Network, Scaled, Term


class Potential(Calculator):
    """An ASE calculator that can be added to any other."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012  as ASE declares it

    @property
    def terms(self) -> tuple[Term, ...]:
        raise NotImplementedError

    def __add__(self, other: Calculator) -> Sum:
        return Sum([*self.terms, *terms_of(other)])

    def __radd__(self, other: Calculator) -> Sum:
        return Sum([*terms_of(other), *self.terms])

    def evaluate(self, atoms: Atoms, forces: bool = True, stress: bool = False) -> Evaluation:
        """Of `atoms`, with one neighbour list at the largest cutoff."""
        cutoff = max((term.cutoff for term in self.terms), default=0.0)
        neighbours = Neighbours.of(atoms, cutoff) if cutoff > 0 else None
        parts = [term.evaluate(atoms, neighbours, forces, stress) for term in self.terms]
        return sum(parts[1:], start=parts[0])

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, list(properties), list(system_changes))
        assert self.atoms is not None
        stress = "stress" in properties  # the gradient that gives it gives the forces too
        found = self.evaluate(self.atoms, stress or "forces" in properties, stress)
        self.results = {"energy": found.energy, "free_energy": found.energy}
        if found.forces is not None:
            self.results["forces"] = found.forces
        if found.stress is not None:
            self.results["stress"] = found.stress


class Sum(Potential):
    """The sum of terms."""

    def __init__(self, terms: Iterable[Term]) -> None:
        super().__init__()
        self._terms = tuple(terms)

    @property
    def terms(self) -> tuple[Term, ...]:
        return self._terms


class MacePotential(Sum):
    """One MACE model, from the content of its `.model` file or as plain numbers, evaluated in `dtype` on `device` (the best)."""

    def __init__(self, content: bytes | PlainModel, dtype: str = "float64", device: str | None = None) -> None:
        super().__init__([Network(content, dtype, device or best_device())])


def total(records: Sequence[TrainedModel], dtype: str = "float64", device: str | None = None) -> Sum | MacePotential:
    """The sum of trained models (read with their blobs), the base first, as one ASE calculator; of one, its potential.

    Force constants of a difference come with a multiple of all that is before them: that is scaled, not evaluated again.

    Raises:
        ValueError: there are none, force constants without a base, or stored bytes are damaged.
    """
    if not records:
        raise ValueError("no trained model to move atoms with")
    return _joined([_part(one, dtype, device) for one in records])


def _part(record: TrainedModel, dtype: str, device: str | None) -> MacePotential | ForceConstants:
    if record.force_constants is not None:
        return ForceConstants.of_file(record.blob.content())
    return potential(record, dtype, device)


def of_files(paths: Iterable[Path | str], dtype: str = "float64", device: str | None = None) -> Sum | MacePotential:
    """The sum of exported models as one ASE calculator: of MACE `.model` files, or `.architecture.json` with the weights
    beside them; of force constants `.npz`, which multiply the models that are named before them.

    Raises:
        ValueError: no MACE model is among them, or a file is not what its name says.
    """
    parts: list[MacePotential | ForceConstants] = []
    for path in map(Path, paths):
        if path.suffix == ".npz":
            parts.append(ForceConstants.of_file(path.read_bytes()))
        else:
            content = PlainModel.read(path) if path.name.endswith(ARCHITECTURE) else path.read_bytes()
            parts.append(MacePotential(content, dtype, device))
    return _joined(parts)


def _joined(parts: Sequence[MacePotential | ForceConstants]) -> Sum | MacePotential:
    """One after another; force constants that come first wait for their base."""
    base = next((one for one in parts if not isinstance(one, ForceConstants)), None)
    if base is None:
        raise ValueError("force constants of a difference move no atoms without a MACE model (.model): their base")
    found: Sum | MacePotential = base
    for one in (each for each in parts if each is not base):
        found = with_force_constants(found, [one]) if isinstance(one, ForceConstants) else found + one
    return found


def with_force_constants(base: Calculator, lattices: Iterable[ForceConstants]) -> Sum:
    """(1 + Σ slopes) times `base`, any ASE calculator, and what the force constants add."""
    lattices = list(lattices)
    factor = 1.0 + sum(one.slope for one in lattices)
    return Sum([*(Scaled(term, factor) for term in terms_of(base)), *(Lattice(one) for one in lattices)])


def potential(record: TrainedModel, dtype: str = "float64", device: str | None = None) -> MacePotential:
    """The potential of a trained MACE model (read with its blob).

    Raises:
        ValueError: the stored bytes are damaged.
    """
    return MacePotential(record.blob.content(), dtype, device)


def terms_of(calculator: Calculator) -> tuple[Term, ...]:
    return calculator.terms if isinstance(calculator, Potential) else (Foreign(calculator),)
