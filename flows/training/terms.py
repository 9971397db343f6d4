"""The parts of a potential: trained networks, force constants, any ASE calculator, all of one neighbour list."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError

from flows.training.architecture import default_dtype
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.supercell import Supercell
from flows.training.plain_model import PlainModel


@dataclass(frozen=True)
class Neighbours:
    """Directed edges: `index` (2, M), `shifts` (M, 3) in lattice vectors, `lengths` (M,) in Å.

    The second half are those of the first turned around, in the same order.
    """

    index: np.ndarray
    shifts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, atoms: Atoms, cutoff: float) -> Neighbours:
        from matscipy.neighbours import neighbour_list

        i, j, shifts, lengths = neighbour_list("ijSd", atoms, cutoff)
        x, y, z = shifts.T
        itself = (i == j) & ((x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0)))))
        half = (i < j) | itself
        there, back = np.stack([i, j])[:, half], np.stack([j, i])[:, half]
        return cls(
            np.concatenate([there, back], axis=1),
            np.concatenate([shifts[half], -shifts[half]]),
            np.tile(lengths[half], 2),
        )

    def within(self, cutoff: float) -> Neighbours:
        near = self.lengths < cutoff
        if near.all():
            return self
        return Neighbours(self.index[:, near], self.shifts[near], self.lengths[near])


@dataclass(frozen=True)
class Evaluation:
    """Energy in eV, forces (N, 3) in eV/Å, stress (6,) in eV/Å³ in Voigt order; the last two if asked for."""

    energy: float
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None

    def __add__(self, other: Evaluation) -> Evaluation:
        return Evaluation(
            self.energy + other.energy, _added(self.forces, other.forces), _added(self.stress, other.stress)
        )

    def __mul__(self, factor: float) -> Evaluation:
        return Evaluation(
            self.energy * factor,
            None if self.forces is None else self.forces * factor,
            None if self.stress is None else self.stress * factor,
        )


class Term:
    """One part of a potential. `cutoff` in Å is the range of neighbours that it wants, 0 for none."""

    cutoff = 0.0

    def evaluate(self, atoms: Atoms, neighbours: Neighbours | None, forces: bool, stress: bool) -> Evaluation:
        raise NotImplementedError


class Scaled(Term):
    """A multiple of a term."""

    def __init__(self, term: Term, factor: float) -> None:
        self.term, self.factor = term, factor
        self.cutoff = term.cutoff

    def evaluate(self, atoms: Atoms, neighbours: Neighbours | None, forces: bool, stress: bool) -> Evaluation:
        return self.term.evaluate(atoms, neighbours, forces, stress) * self.factor


class Foreign(Term):
    """Any ASE calculator as a term."""

    def __init__(self, calculator: Calculator) -> None:
        self.calculator = calculator

    def evaluate(
        self,
        atoms: Atoms,
        neighbours: Neighbours | None,  # noqa: ARG002
        forces: bool,
        stress: bool,
    ) -> Evaluation:
        ask = self.calculator.get_property
        return Evaluation(
            float(ask("energy", atoms)),
            np.array(ask("forces", atoms)) if forces else None,
            np.array(ask("stress", atoms)) if stress else None,
        )


class Lattice(Term):
    """Force constants of a difference: of atoms in any supercell of their crystal, near its sites.

    Sites are assigned at the first call, and kept as long as cell and atoms are the same.
    """

    def __init__(self, model: ForceConstants) -> None:
        self.model = model
        self._last: Supercell | None = None

    def evaluate(
        self,
        atoms: Atoms,
        neighbours: Neighbours | None,  # noqa: ARG002
        forces: bool,
        stress: bool,
    ) -> Evaluation:
        """Energy and forces.

        Raises:
            PropertyNotImplementedError: stress is asked for.
            NoSites: the atoms are not those of the crystal, near its sites.
            ValueError: the cell is no supercell of the crystal.
        """
        if stress:
            raise PropertyNotImplementedError("force constants are those of one cell: they give no stress")
        if self._last is None or not self._last.is_of(atoms):
            self._last = Supercell.of(self.model, atoms)
        energy, found = self._last.evaluate(atoms)
        return Evaluation(energy, found if forces else None)


class Network(Term):
    """A MACE model as a term, without gradients of its weights."""

    def __init__(self, content: bytes | PlainModel, dtype: str, device: str) -> None:
        import mace.modules  # noqa: F401  first: unpickling needs it, and it must come before e3nn
        import torch

        if isinstance(content, PlainModel):
            model = content.module()
        else:
            model = torch.load(io.BytesIO(content), map_location=device, weights_only=False)
        self.dtype, self.device = getattr(torch, dtype), device
        self.model = model.to(device=device, dtype=self.dtype).requires_grad_(False).eval()
        if device == "cpu":
            from flows.training.convolution import fuse

            fuse(self.model)
        self.cutoff = float(model.r_max)
        self.numbers = np.array([int(z) for z in model.atomic_numbers])

    def evaluate(self, atoms: Atoms, neighbours: Neighbours | None, forces: bool, stress: bool) -> Evaluation:
        import torch

        assert neighbours is not None
        gradients = forces or stress
        with default_dtype(str(self.dtype).removeprefix("torch.")), torch.set_grad_enabled(gradients):
            out = self.model(
                self._graph(atoms, neighbours.within(self.cutoff)),
                training=False,
                compute_force=gradients,
                compute_stress=stress,
            )
        return Evaluation(
            float(out["energy"].detach()[0]),
            _array(out["forces"]) if forces else None,
            _voigt(_array(out["stress"])[0]) if stress else None,
        )

    def _graph(self, atoms: Atoms, neighbours: Neighbours) -> dict[str, Any]:
        import torch

        def real(values: Any) -> Any:
            return torch.tensor(np.asarray(values), dtype=self.dtype, device=self.device)

        def whole(values: Any) -> Any:
            return torch.tensor(np.asarray(values), dtype=torch.long, device=self.device)

        cell, count = np.array(atoms.cell), len(atoms)
        return {
            "positions": real(atoms.get_positions()),
            "node_attrs": real(self._one_hot(atoms)),
            "cell": real(cell),
            "edge_index": whole(neighbours.index),
            "shifts": real(neighbours.shifts @ cell),
            "unit_shifts": real(neighbours.shifts),
            "batch": whole(np.zeros(count)),
            "ptr": whole([0, count]),
            "head": whole([0]),
        }

    def _one_hot(self, atoms: Atoms) -> np.ndarray:
        hot = atoms.numbers[:, None] == self.numbers[None, :]
        unknown = set(atoms.numbers[~hot.any(axis=1)].tolist())
        if unknown:
            raise ValueError(
                f"the model knows the atomic numbers {self.numbers.tolist()}, not {sorted(unknown)}"
            )
        return hot


def _added(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return None if one is None or other is None else one + other


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(float)


def _voigt(stress: np.ndarray) -> np.ndarray:
    from ase.stress import full_3x3_to_voigt_6_stress

    return full_3x3_to_voigt_6_stress(stress)
