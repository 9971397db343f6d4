"""Makers whose jobs do what is asked of them: importable, as campaigns and child processes name them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from jobflow import Flow, Maker, Response, job
from pymatgen.core import Structure


def emt(structure: Structure) -> dict[str, Any]:
    """Energy and forces by ASE."""
    from ase.calculators.emt import EMT
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(structure)
    atoms.calc = EMT()
    return {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces().tolist(), "structure": structure}


@job
def document(structure: Structure, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """A task document, some parts of which are others; those that are None are not there."""
    output = {**emt(structure), **(changes or {}).get("output", {})}
    found = {"state": "successful", **(changes or {}), "output": output}
    return {name: value for name, value in found.items() if value is not None}


@job
def sorted_and_wrapped(structure: Structure) -> dict[str, Any]:
    other = structure.get_sorted_structure(reverse=True)
    for index in range(len(other)):
        other.translate_sites([index], [0.0, 0.0, 0.0], to_unit_cell=True)
    return {"output": emt(other), "state": "successful"}


@job
def moved(structure: Structure, by_A: float) -> dict[str, Any]:
    other = structure.copy()
    other.translate_sites([0], [by_A, 0, 0], frac_coords=False)
    return {"output": emt(other)}


@job
def doubled(structure: Structure) -> dict[str, Any]:
    return {"output": emt(structure * (2, 1, 1))}


@job
def rough_guess(structure: Structure) -> dict[str, Any]:
    return {"output": {"energy": 1.0, "forces": [[0.0] * 3] * len(structure), "structure": structure}}


@job
def refined(structure: Structure, guess: float) -> Response:
    """Not good enough: another job takes its place."""
    assert guess == 1.0
    return Response(replace=document(structure), detour=rough_guess(structure))


@job
def refuses() -> None:
    raise RuntimeError("first line\nno such orbital")


@job
def warns(structure: Structure) -> dict[str, Any]:
    warnings.warn("There is at least one unconverged SCF cycle in the provided CP2K calculation", stacklevel=1)
    return {"output": emt(structure), "state": "successful"}


@job
def stops() -> Response:
    return Response(output=1.0, stop_children=True)


@dataclass
class ToyMaker(Maker):
    name: str = "toy"
    does: str = "document"
    changes: dict[str, Any] = field(default_factory=dict)
    inner: Any = None

    def make(self, structure: Structure) -> Any:
        return getattr(self, f"_{self.does}")(structure)

    def _document(self, structure):
        return document(structure, self.changes)

    def _sorted(self, structure):
        return sorted_and_wrapped(structure)

    def _moved(self, structure):
        return moved(structure, 0.01)

    def _doubled(self, structure):
        return doubled(structure)

    def _two(self, structure):
        first = rough_guess(structure)
        return Flow([first, refined(structure, first.output["output"]["energy"])])

    def _two_with_output(self, structure):
        """The last job is not that whose output counts."""
        first, last = document(structure), rough_guess(structure)
        return Flow([first, last], output=first.output)

    def _raises(self, structure):
        first = rough_guess(structure)
        return Flow([first, refuses()])

    def _warns(self, structure):
        return warns(structure)

    def _stops(self, structure):
        first = stops()
        return Flow([first, refined(structure, first.output)])


class WithoutMake:
    def __init__(self, number: int = 1) -> None:
        self.number = number


class NeedsMore(Maker):
    name = "more"

    def make(self, structure: Structure, prev_dir: str) -> Any:  # noqa: ARG002
        return document(structure)
