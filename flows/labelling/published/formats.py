"""The formats of files with labels, found by what a file holds: a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flows.labelling.header import FrameError
from flows.labelling.published import cc4s, cp2k, database, espresso, outcar, trajectory, vasprun, xdatcar
from flows.labelling.published.beside import Beside, Companion
from flows.labelling.published.packing import NOT_UNPACKED, unpacked
from flows.labelling.published.step import Step

EXTENDED_XYZ = "extxyz"


@dataclass(frozen=True)
class Format:
    """`name` is in the keys of label sets and in the YAML: it is never changed. `energy` is what a plan says of the energy
    that is taken, where that needs a word. `companions` are the files that belong to one of it. `by_level`: its energies have
    the names of levels, and the level's own is meant."""

    name: str
    title: str
    is_of: Callable[[bytes], bool]
    steps: Callable[[bytes, Beside], Iterator[Step | FrameError]]
    energy: str = ""
    companions: tuple[Companion, ...] = ()
    by_level: bool = False


def _alone(steps: Callable[[bytes], Iterator[Step | FrameError]]) -> Callable[[bytes, Beside], Iterator[Step | FrameError]]:
    return lambda content, _: steps(content)


_VASP = "e_fr_energy, the free energy (TOTEN), whose derivative the forces are; for energy(sigma->0) say energy_key: e_0_energy"

_CC4S = (
    "that of the level: Hartree-Fock by the vasprun.xml or OUTCAR beside it, correlation, and of MP2 the second order, of CCSD and "
    "CCSD(T) all corrections that it has (basis set, finite size)"
)

_ALL = (
    Format("vasprun", "vasprun.xml", vasprun.is_vasprun, _alone(vasprun.steps), _VASP),
    Format("outcar", "OUTCAR", outcar.is_outcar, _alone(outcar.steps), _VASP),
    Format("xdatcar", "XDATCAR", xdatcar.is_xdatcar, xdatcar.steps, f"F of OSZICAR: {_VASP}", xdatcar.COMPANIONS),
    Format("traj", "ASE trajectory", trajectory.is_trajectory, _alone(trajectory.steps)),
    Format("db", "ASE database", database.is_database, _alone(database.steps)),
    Format("espresso", "output of pw.x", espresso.is_pw_output, _alone(espresso.steps), "total_energy, the line with !"),
    Format("cp2k", "output of CP2K", cp2k.is_cp2k_output, _alone(cp2k.steps), "total_energy, that of FORCE_EVAL"),
    Format("cc4s", "cc4s.out.yaml", cc4s.is_cc4s_output, cc4s.steps, _CC4S, (cc4s.HARTREE_FOCK,), by_level=True),
)
FORMATS = {one.name: one for one in _ALL}
NAMES = (EXTENDED_XYZ, *FORMATS)

# what is known and holds no labels: how it is told, and what to give instead
_WITHOUT_LABELS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda content: b"<qes:espresso" in content[:2000], "this is the XML of Quantum ESPRESSO: give what pw.x printed, its .out"),
    (lambda content: content.startswith(b"- of UlmGPAW"), "this is a restart file of GPAW: write it as .traj, or give extended XYZ"),
    (lambda content: content.startswith(b"PickleTrajectory"), "this is a trajectory of an old ASE: convert it, `python -m ase.io.trajectory FILE`"),
    (lambda content: b"unique_id" in content[:5000] and content.lstrip()[:1] == b"{", "this is a database of ASE in JSON: convert it, `ase db FILE.json --insert-into FILE.db`"),
)


def format_of(content: bytes) -> str:
    """The name of the format of a file, packed or not; extended XYZ where it is no other.

    Raises:
        ValueError: it is known to hold no labels; the message says what to give instead.
    """
    try:
        plain = unpacked(content)
    except NOT_UNPACKED:
        return EXTENDED_XYZ  # whose reader says that it cannot be unpacked
    for is_of, why in _WITHOUT_LABELS:
        if is_of(plain):
            raise ValueError(why)
    return next((one.name for one in FORMATS.values() if one.is_of(plain)), EXTENDED_XYZ)
