"""Energies held against forces in a cell of 250 atoms, where what the fourth order leaves adds up.

The crystal is PbTe in outline: Morse bonds between neighbours of both shells, soft and anharmonic. Its forces are the
slopes of its energies, so that whatever alarm there is, is false.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet
from ase.neighborlist import neighbor_list

from flows.labelling.work import neighbour_work, out_of_work
from flows.records import Label, Structure

REST = bulk("PbTe", "rocksalt", a=6.5).repeat(5)
SHELLS = ((0.0, 3.6, 0.45, 1.3), (4.2, 4.9, 0.15, 1.2))
"""From and up to which length (Å); depth (eV) and steepness (1/Å) of the bond."""

Frame = tuple[np.ndarray, float, np.ndarray]


class Bonds(Calculator):
    """Morse bonds between those who are neighbours at rest."""

    implemented_properties = ("energy", "forces")

    def __init__(self) -> None:
        super().__init__()
        self.shells = []
        for low, high, depth, steepness in SHELLS:
            i, j, image, length = neighbor_list("ijSd", REST, high)
            once = (length > low) & (i < j)
            self.shells.append((i[once], j[once], image[once] @ REST.cell.array, length[once], depth, steepness))

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy, forces = 0.0, np.zeros((len(atoms), 3))
        for i, j, image, rest, depth, steepness in self.shells:
            bonds = atoms.positions[j] - atoms.positions[i] + image
            lengths = np.linalg.norm(bonds, axis=1)
            decay = np.exp(-steepness * (lengths - rest))
            energy += (depth * (1 - decay) ** 2).sum()
            pull = (2 * depth * steepness * (1 - decay) * decay / lengths)[:, None] * bonds
            np.add.at(forces, i, pull)
            np.add.at(forces, j, -pull)
        self.results = {"energy": energy, "forces": forces}


@cache
def rattled(width_A: float, count: int) -> tuple[Frame, ...]:
    made = []
    for seed in range(count):
        atoms = REST.copy()
        atoms.rattle(width_A, seed=int(1e4 * width_A) + seed)
        atoms.calc = Bonds()
        made.append((atoms.positions, atoms.get_potential_energy(), atoms.get_forces()))
    return tuple(made)


@cache
def at(temperature_K: float, count: int) -> tuple[Frame, ...]:
    """Of an MD that starts at rest with twice the temperature: half of it goes into the bonds within a period."""
    atoms, made = REST.copy(), []
    atoms.calc = Bonds()
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature_K, rng=np.random.default_rng(7))
    motion = VelocityVerlet(atoms, 4 * units.fs)
    for _ in range(count):
        motion.run(60)
        made.append((atoms.get_positions(), atoms.get_potential_energy(), atoms.get_forces()))
    return tuple(made)


def labels_of(frames: tuple[Frame, ...]) -> dict[str, Label]:
    made, atoms = {}, REST.copy()
    for number, (positions, energy, forces) in enumerate(frames):
        atoms.positions = positions
        key = str(number)
        made[key] = Label(
            key=key,
            structure_key=key,
            structure=Structure.from_atoms(atoms),
            level="dft",
            energy_eV=energy,
            forces_eV_A=forces.tolist(),
            engine="bonds",
        )
    return made


SETS = {
    "small rattles, one large": lambda: rattled(0.02, 30) + rattled(0.15, 1),
    "rattles of three widths": lambda: rattled(0.02, 20) + rattled(0.1, 7) + rattled(0.15, 3),
    "rattles and a few hot": lambda: rattled(0.02, 20) + at(900, 6),
    "cold and hot": lambda: at(30, 20) + at(300, 20) + at(900, 20),
    "hot alone": lambda: at(900, 20),
}


@pytest.mark.parametrize("name", SETS)
def test_right_labels_raise_no_alarm(name: str) -> None:
    assert out_of_work(labels_of(SETS[name]())) == []


def test_between_a_cold_structure_and_a_hot_one_the_rule_is_off_by_what_was_reported() -> None:
    """Else the sets above would prove nothing: tenths of an electronvolt, of a work of ten."""
    found = neighbour_work(labels_of(rattled(0.02, 20) + rattled(0.1, 7)))
    far = np.abs(found.works) > 5
    assert far.any()
    assert np.abs(found.rises - found.works)[far].min() > 0.1


@pytest.mark.parametrize(
    ("frames", "planted", "error_eV"),
    [
        ("cold and hot", 3, 1.0),  # at 30 K: 4 meV/atom
        ("cold and hot", 27, 1.0),  # at 300 K
        ("cold and hot", 45, 4.0),  # at 900 K, where less is within the scatter
        ("rattles of three widths", 5, 0.3),
        ("rattles of three widths", 5, -0.3),
        ("small rattles, one large", 11, 0.3),
        ("rattles and a few hot", 24, 4.0),
    ],
)
def test_a_wrong_energy_is_found(frames: str, planted: int, error_eV: float) -> None:
    labels = labels_of(SETS[frames]())
    label = labels[str(planted)]
    wrong = label.model_copy(update={"energy_eV": label.energy_eV + error_eV})
    assert out_of_work(labels | {str(planted): wrong}) == [str(planted)]


@pytest.mark.parametrize(
    ("frames", "planted", "other"), [("cold and hot", 5, 27), ("cold and hot", 45, 50), ("hot alone", 4, 12)]
)
def test_forces_of_another_structure_are_found(frames: str, planted: int, other: int) -> None:
    labels = labels_of(SETS[frames]())
    wrong = labels[str(planted)].model_copy(update={"forces_eV_A": labels[str(other)].forces_eV_A})
    assert out_of_work(labels | {str(planted): wrong}) == [str(planted)]


def test_swapped_energies_are_found() -> None:
    labels = labels_of(SETS["cold and hot"]())
    one, two = labels["5"], labels["27"]
    swapped = {
        "5": one.model_copy(update={"energy_eV": two.energy_eV}),
        "27": two.model_copy(update={"energy_eV": one.energy_eV}),
    }
    assert set(out_of_work(labels | swapped)) == {"5", "27"}
