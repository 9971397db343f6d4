"""The files that VASP reads, by atomate2's input sets: every tag that decides a number is written, none is left to a default of theirs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.labelling.engines.protocol import BORN
from flows.labelling.engines.vasp.method import HARTREE_FOCK, SMEARINGS, VaspMethod
from flows.labelling.engines.vasp.potentials import Potcar

if TYPE_CHECKING:
    from ase import Atoms
    from atomate2.vasp.sets.base import VaspInputGenerator
    from numpy.typing import NDArray

INCAR, KPOINTS, POSCAR, POTCAR = "INCAR", "KPOINTS", "POSCAR", "POTCAR"
START, DFT, HF = "start", "dft", "hf"


@dataclass(frozen=True)
class Step:
    """One run of VASP for a structure; `level` is that whose numbers it gives (None: it only finds orbitals for the next)."""

    name: str
    level: str | None
    tags: Mapping[str, Any]
    goes_on: bool  # from the orbitals of the step before


def steps_of(method: VaspMethod, levels: Sequence[str]) -> Iterator[Step]:
    """What is run for `levels` (`dft`, `hf`): first the functional without exact exchange, then each level that has some. `BORN` is one
    run by itself, and by linear response, which no more than k-points may be spread over."""
    if BORN in levels:
        yield Step(BORN, BORN, {**method.asked.tags, "LEPSILON": True, "NCORE": None, "NPAR": None}, False)
        return
    hybrid = bool(method.asked.exchange)
    yield Step(START if hybrid or DFT not in levels else DFT, None if hybrid or DFT not in levels else DFT, method.asked.tags, False)
    if DFT in levels and hybrid:
        yield Step(DFT, DFT, {**method.asked.tags, **method.asked.exchange}, True)
    if HF in levels:
        yield Step(HF, HF, HARTREE_FOCK, True)


def incar_of(method: VaspMethod, step: Step, goes_on: bool) -> dict[str, Any]:
    """Every tag of a step; `goes_on`: there is a WAVECAR to begin with."""
    road = {"ALGO": "All", "TIME": 0.4} if step.goes_on else {"ALGO": "Normal"}
    return {
        **road,
        **method.incar,
        **method.parallel,
        **step.tags,
        "PREC": method.prec,
        "ENCUT": method.encut_eV,
        "EDIFF": method.ediff_eV,
        "ISMEAR": SMEARINGS[method.smearing],
        "SIGMA": method.sigma_eV,
        "ISPIN": 1,
        "ISYM": 0,
        "LASPH": True,
        "LREAL": False,
        "NSW": 0,
        "IBRION": -1,
        "NELM": method.max_scf_cycles,
        "ISTART": int(goes_on),
        "LWAVE": True,
        "LCHARG": False,
    }


def files_of(method: VaspMethod, step: Step, atoms: Atoms, goes_on: bool) -> dict[str, str]:
    """INCAR, KPOINTS and POSCAR of a static calculation; atoms stand element by element (`order_of`)."""
    from atomate2.vasp.sets.core import StaticSetGenerator

    tags = {"LORBIT": None, **incar_of(method, step, goes_on)}  # which it would add
    return texts_of(StaticSetGenerator, method, tags, atoms)


def texts_of(
    generator: Callable[..., VaspInputGenerator], method: VaspMethod, tags: Mapping[str, Any], atoms: Atoms, velocities_A_fs: NDArray[np.float64] | None = None
) -> dict[str, str]:
    """INCAR, KPOINTS and POSCAR by one of atomate2's input sets, with all of the `tags`."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.vasp.inputs import Kpoints

    order = order_of(atoms)
    structure = AseAtomsAdaptor.get_structure(_bare(atoms[order]))
    if velocities_A_fs is not None:
        structure.add_site_property("velocities", velocities_A_fs[order].tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice about settings that are asked for
        made = generator(
            config_dict={"INCAR": {}, "KPOINTS": {}, "POTCAR": {}, "POTCAR_FUNCTIONAL": "PBE"},
            user_incar_settings=dict(tags),
            user_kpoints_settings=Kpoints.gamma_automatic(method.mesh_of(atoms)),
            user_potcar_settings={symbol: method.potential(symbol).symbol for symbol in dict.fromkeys(atoms.symbols)},
            sort_structure=False,
        )
        found = made.get_input_set(structure, potcar_spec=True)
    return {name: str(found[name]) for name in (INCAR, KPOINTS, POSCAR)}


def _bare(atoms: Atoms) -> Atoms:
    """Positions and cell alone: momenta, as ASE has them, are none that VASP reads."""
    from ase import Atoms

    return Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)


def order_of(atoms: Atoms) -> NDArray[np.int_]:
    """Indices of the atoms, element by element in the order in which these come first: as POTCARs are joined."""
    elements = list(dict.fromkeys(atoms.symbols))
    return np.argsort([elements.index(symbol) for symbol in atoms.symbols], kind="stable")


def write(directory: Path, files: Mapping[str, str], potcars: Mapping[str, Potcar]) -> None:
    """Into an empty `directory`, the potentials joined in the order of `potcars`."""
    for name, text in files.items():
        (directory / name).write_text(text)
    (directory / POTCAR).write_bytes(b"".join(one.content for one in potcars.values()))
