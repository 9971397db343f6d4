"""A sum of models as a Python file beside their files: an ASE calculator for anybody who has these, and no database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from campaign.planning.work import Work, shown
from campaign.results.files import file_stem, write_whole

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes
    from flows.records import Structure

_OF_MACE = """\
from ase.calculators.mixing import SumCalculator
from mace.calculators import MACECalculator

calculator = SumCalculator([MACECalculator(model_paths=str(here / name), device="cpu", default_dtype="float64") for name in parts])
"""
_WITH_FORCE_CONSTANTS = """\
from flows.training.potentials import of_files  # of the package latticefarm: a multiple of the base, and force constants

calculator = of_files([here / name for name in parts], device="cpu")
"""
_TEXT = '''\
"""{title}: {names}, as an ASE calculator. Run as a program, it says what it gives for the crystal at rest."""

from pathlib import Path

here = Path(__file__).resolve().parent
parts = {parts}

{calculator}
if __name__ == "__main__":
    from ase import Atoms

    atoms = Atoms(
        {symbols!r},
        cell={cell},
        positions=[
{positions}
        ],
        pbc=True,
    )
    atoms.calc = calculator
    forces = atoms.get_forces()
    print(f"energy {{atoms.get_potential_energy():.9f}} eV, largest force {{abs(forces).max():.2e}} eV/A")
'''


def write_snippets(campaign: Outcomes, files: Mapping[str, str], directory: Path) -> dict[str, list[Path]]:
    """One file for each sum both of whose parts (`files`: the name of the file by key) were written, by the keys of its parts."""
    found: dict[str, list[Path]] = {}
    for work in campaign.plan.of_stage("sum"):
        if files.keys() >= set(work.needs):
            cells = campaign.spec.systems[work.system]
            text = snippet(work, [files[need] for need in work.needs], cells.training)
            path = write_whole(directory / f"{file_stem(work)}.py", text.encode())
            for need in work.needs:
                found.setdefault(need, []).append(path)
    return found


def snippet(work: Work, parts: list[str], cell: Structure) -> str:
    """The text of a sum whose `parts` lie beside it; `cell` is what it is tried on."""
    with_force_constants = any(one.endswith(".npz") for one in parts)
    return _TEXT.format(
        title=f"{shown(work.model)} of {work.system}, size {work.size}{'' if work.seed is None else f', seed {work.seed}'}",
        names=" + ".join(parts),
        parts=parts,
        calculator=_WITH_FORCE_CONSTANTS if with_force_constants else _OF_MACE,
        symbols="".join(cell.symbols),
        cell=[list(vector) for vector in cell.cell],
        positions="\n".join(f"            {list(at)}," for at in cell.positions),
    )
