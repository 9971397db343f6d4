"""The modes beside an MD against the whole Hessian of its cell, by a second method: no symmetry, no q-points, no phonopy.

    python benchmarks/hessian.py CAMPAIGN

Only the atoms of one primitive cell are displaced, both ways along x, y and z; lattice translations make the rest of
the matrix. Prints, for every `hessian` of the campaign that is done, the lowest and highest mode, and the RMS and the largest difference in cm^-1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

Forces = Callable[["Atoms"], Any]  # atoms -> (N, 3) in eV/Å
NEAR_A = 1e-3


def whole_hessian(cell: Atoms, primitive: NDArray, forces: Forces, displacement_A: float = 0.01) -> NDArray[np.float64]:
    """(3N, 3N) in eV/Å² of all atoms of `cell`, made of whole cells with the lattice vectors `primitive` (rows, Å)."""
    count = len(cell)
    matrix = np.zeros((count, 3, count, 3))
    for members in _sublattices(cell, primitive):
        block = _columns(cell, members[0], forces, displacement_A)
        for atom in members:
            moved = _translated(cell, cell.positions[atom] - cell.positions[members[0]])
            matrix[moved, :, atom, :] = block
    square = matrix.reshape(3 * count, 3 * count)
    return (square + square.T) / 2


def whole_modes_cm1(cell: Atoms, hessian: NDArray) -> NDArray[np.float64]:
    """(3N,) ascending, unstable ones below zero."""
    from ase import units

    masses = np.repeat(cell.get_masses(), 3)
    squares = np.linalg.eigvalsh(hessian / np.sqrt(np.outer(masses, masses)))
    to_cm1 = units.second * units._hbar * units.J / units.invcm
    return np.sign(squares) * np.sqrt(np.abs(squares)) * to_cm1


def commensurate_modes_cm1(phonopy_yaml: bytes, supercell: NDArray) -> NDArray[np.float64]:
    """(3N,) ascending: those of stored force constants on the q-points of `supercell`, as the report has them."""
    from flows.phonons.harmonic import cm1_per_THz, load_phonopy
    from flows.phonons.qpoints import commensurate

    phonopy = load_phonopy(phonopy_yaml)
    phonopy.nac_params = None
    found: Any = phonopy.run_qpoints(commensurate(supercell))
    return np.sort(np.asarray(found.frequencies), axis=None) * cm1_per_THz()


def _sublattices(cell: Atoms, primitive: NDArray) -> list[list[int]]:
    """Atoms that primitive translations carry into each other, by their positions alone."""
    found: list[list[int]] = []
    inverse = np.linalg.inv(primitive)
    for atom, position in enumerate(cell.positions):
        for members in found:
            steps = (position - cell.positions[members[0]]) @ inverse
            if np.linalg.norm((steps - np.rint(steps)) @ primitive) < NEAR_A:
                members.append(atom)
                break
        else:
            found.append([atom])
    if len(found) * len(found[0]) != len(cell) or len({len(members) for members in found}) != 1:
        raise ValueError("the cell is not made of whole primitive cells")
    return found


def _columns(cell: Atoms, atom: int, forces: Forces, displacement_A: float) -> NDArray[np.float64]:
    """(N, 3, 3): the negative change of all forces with the position of one atom."""
    block = np.zeros((len(cell), 3, 3))
    for axis in range(3):
        for sign in (1, -1):
            moved = cell.copy()
            moved.positions[atom, axis] += sign * displacement_A
            block[:, :, axis] -= sign * np.asarray(forces(moved)) / (2 * displacement_A)
    return block


def _translated(cell: Atoms, step: NDArray) -> NDArray[np.int64]:
    """(N,): onto which atom each is carried by `step` (Å)."""
    inverse = np.linalg.inv(cell.cell.array)
    apart = (cell.positions[:, None] + step - cell.positions) @ inverse
    distances = np.linalg.norm((apart - np.rint(apart)) @ cell.cell.array, axis=2)
    if distances.min(axis=1).max() > NEAR_A:
        raise ValueError("a lattice translation carries an atom onto none")
    return np.asarray(distances.argmin(axis=1))


def main(name: str) -> None:
    from campaign.results import open_campaign
    from flows.keys import job_uuid
    from flows.phonons.harmonic import calculator_forces
    from flows.records import Phonons
    from launchers.database import ladder
    from launchers.farm import Farm

    place = ladder.find()
    if place is None:
        raise SystemExit("no database is running")
    campaign = open_campaign(Farm.open(place), name)
    for one in campaign.hessians():
        work, uuid = one.work, job_uuid(one.work.key)
        cells = campaign.spec.systems[work.system]
        stored = Phonons.model_validate(campaign.farm.records([uuid], blobs=True)[uuid])
        forces = calculator_forces(campaign.potential(work.system, work.model, work.seed or 0, work.size))
        big = cells.big.atoms()
        expected = whole_modes_cm1(big, whole_hessian(big, cells.primitive.atoms().cell.array, forces))
        off = commensurate_modes_cm1(stored.blob.content(), np.array(work.task.supercell)) - expected  # type: ignore[attr-defined]
        sys.stdout.write(
            f"{work.title}: {len(big)} atoms, modes {expected.min():.1f} to {expected.max():.1f} cm^-1, "
            f"RMS difference {np.sqrt(np.mean(off**2)):.2g}, largest {np.abs(off).max():.2g} cm^-1\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
