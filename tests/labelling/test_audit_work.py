"""Energies held against forces, in sets that mix small displacements and large ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from flows.labelling.work import out_of_work
from flows.records import Label, Structure


def labels_of(widths_A: Sequence[float]) -> dict[str, Label]:
    """Copper by EMT, whose forces are the slopes of its energies, rattled by each of `widths_A`."""
    rest, labels = bulk("Cu", cubic=True).repeat(2), {}
    for number, width in enumerate(widths_A):
        atoms = rest.copy()
        atoms.rattle(width, seed=number)
        atoms.calc = EMT()
        key = str(number)
        labels[key] = Label(
            key=key,
            structure_key=key,
            structure=Structure.from_atoms(atoms),
            level="dft",
            energy_eV=atoms.get_potential_energy(),
            forces_eV_A=atoms.get_forces(),
            engine="emt",
        )
    return labels


@pytest.mark.parametrize(
    "widths_A",
    [[0.05] * 20, [0.03] * 20 + [0.1] * 7, [0.02, 0.04, 0.06] * 7 + [0.15] * 5, [0.01] * 30 + [0.15]],
)
def test_right_energies_belong_to_their_forces_however_structures_are_mixed(widths_A: list[float]) -> None:
    assert out_of_work(labels_of(widths_A)) == []


def test_a_wrong_energy_is_found_among_small_displacements_and_large_ones() -> None:
    labels = labels_of([0.02, 0.04, 0.06] * 7 + [0.15] * 5)
    wrong = labels["3"].model_copy(update={"energy_eV": labels["3"].energy_eV + 0.5})
    assert out_of_work(labels | {"3": wrong}) == ["3"]


def test_too_few_structures_say_nothing() -> None:
    assert out_of_work(labels_of([0.05] * 5)) == []
