"""One step's energy and forces of ΔML, against ASE's sum of the same two models' MACE calculators.

    OMP_NUM_THREADS=1 python benchmarks/md_step.py [--preset small] [--quick]

Prints two Markdown tables; the second has the base alone and the base with force constants (pairs within 4.1 Å, orders 3 and
4 among nearest neighbours) in their place. Both get the same positions, moved a little at each step as in an MD, so that nothing is
taken from the step before; turn about, in one process, so that a machine that is busy slows both. Times are medians
in ms, with the quartiles of the steps; the ratio is the median of the ratios of the steps, with theirs. Energies and
forces are compared at each step. The models are untrained networks of a preset with r_max 3 Å.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from diamonds import diamond, labelled, load_mace, model_file, network, settings, spread

from flows.phonons.cells import primitive
from flows.training.force_constants.basis import symmetry_basis
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.sites import Sites
from flows.training.potentials import MacePotential, with_force_constants

MODELS = {"dft_ef": 861, "ccsd(t)-dft": 5735}
MOVE_A = 0.003  # atoms stay on their sites
WITHIN = {"float64": 1e-10, "float32": 1e-4}  # eV per atom, eV/Å


def main() -> None:
    asked = arguments()
    load_mace(asked.threads)
    repeat, steps = ((2, 2, 2), 3) if asked.quick else ((4, 4, 4), asked.steps)
    atoms = diamond(repeat)
    print(f"{len(atoms)} atoms, preset {asked.preset}, r_max 3 Å, {steps} steps, {asked.threads} thread(s)\n")
    print("| dtype | latticefarm, ms | SumCalculator of MACE, ms | ratio | largest difference, eV/Å |")
    print("|---|---|---|---|---|")
    contents = [model_file(network(labelled(name, 4), settings(asked.preset), seed)) for name, seed in MODELS.items()]
    for dtype in ("float64", "float32"):
        print(row(dtype, contents, atoms, steps), flush=True)
    print("\n| dtype | base alone, ms | with force constants, ms | ratio |\n|---|---|---|---|")
    for dtype in ("float64", "float32"):
        print(lattice_row(dtype, contents[0], atoms, steps), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=("small", "paper"), default="small")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="64 atoms, 3 steps")
    return parser.parse_args()


def row(dtype: str, contents: list[bytes], atoms: Atoms, steps: int) -> str:
    ours, theirs = ours_of(contents, dtype), theirs_of(contents, dtype)
    times, apart = [], 0.0
    for number, moved in enumerate(moving(atoms, steps + 2)):
        order = (ours, theirs) if number % 2 else (theirs, ours)
        done = {id(calculator): step(calculator, moved) for calculator in order}
        (mine_s, *mine), (other_s, *other) = done[id(ours)], done[id(theirs)]
        apart = max(apart, difference(mine, other, len(atoms), dtype))
        times.append((1e3 * mine_s, 1e3 * other_s))
    mine_ms, other_ms = np.array(times[2:]).T  # TorchScript compiles in the first two
    return f"| {dtype} | {spread(mine_ms)} | {spread(other_ms)} | {spread(other_ms / mine_ms)} | {apart:.1g} |"


def lattice_row(dtype: str, content: bytes, atoms: Atoms, steps: int) -> str:
    base, both = MacePotential(content, dtype, "cpu"), with_force_constants(MacePotential(content, dtype, "cpu"), [lattice()])
    times = []
    for number, moved in enumerate(moving(atoms, steps + 2)):
        done = {id(one): step(one, moved)[0] for one in ((base, both) if number % 2 else (both, base))}
        times.append((1e3 * done[id(base)], 1e3 * done[id(both)]))
    base_ms, both_ms = np.array(times[2:]).T
    return f"| {dtype} | {spread(base_ms)} | {spread(both_ms)} | {spread(both_ms / base_ms)} |"


def lattice() -> ForceConstants:
    """Of the size that the paper's labels determine; what they are does not change the time."""
    crystal = primitive(diamond((1, 1, 1)))
    cell = Sites.of_matrix(crystal, 2 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
    basis = symmetry_basis(cell, {2: 4.1, 3: 1.6, 4: 1.6})
    return ForceConstants(crystal, 0.0, 0.07, tuple(one.weighted(np.ones(one.count)) for one in basis.orders), ())


def ours_of(contents: list[bytes], dtype: str) -> Calculator:
    base, delta = (MacePotential(content, dtype, "cpu") for content in contents)
    return base + delta


def theirs_of(contents: list[bytes], dtype: str) -> Calculator:
    from ase.calculators.mixing import SumCalculator
    from mace.calculators import MACECalculator

    with TemporaryDirectory() as directory:
        paths = [Path(directory) / f"{number}.model" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return SumCalculator([MACECalculator(str(path), device="cpu", default_dtype=dtype) for path in paths])


def moving(atoms: Atoms, steps: int) -> Iterator[Atoms]:
    random = np.random.default_rng(1)
    for _ in range(steps):
        yield (atoms := atoms.copy())
        atoms.positions += MOVE_A * random.standard_normal(atoms.positions.shape)


def step(calculator: Calculator, atoms: Atoms) -> tuple[float, float, np.ndarray]:
    atoms = atoms.copy()
    atoms.calc = calculator
    started = time.perf_counter()
    forces = atoms.get_forces()
    energy = atoms.get_potential_energy()
    return time.perf_counter() - started, energy, forces


def difference(mine: list, other: list, atoms: int, dtype: str) -> float:
    energy, force = abs(mine[0] - other[0]) / atoms, float(np.abs(mine[1] - other[1]).max())
    assert max(energy, force) < WITHIN[dtype], f"{dtype}: energies differ by {energy} eV/atom, forces by {force} eV/Å"
    return force


if __name__ == "__main__":
    main()
