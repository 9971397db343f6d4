"""Every file of the chain of one structure, as it would be written: for whoever wants to see them first."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from flows.labelling.engines.cc4s import steps
from flows.labelling.engines.cc4s.cc4s_input import INPUT, cc4s_input
from flows.labelling.engines.cc4s.fitness import estimated_sizes
from flows.labelling.engines.cc4s.method import GAMMA, Cc4sMethod
from flows.labelling.engines.cc4s.steps import CC4S, Sizes

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.vasp.potentials import Potcar

_ESTIMATED = "# NBANDS is an estimate: as many as plane waves, and so many for each occupied one, of which VASP tells in step 2\n"
_UNKNOWN = "# NBANDS is not known, as the POTCARs are not on this machine: it stands here for one occupied orbital\n"


def written_inputs(settings: Cc4sMethod, atoms: Atoms, level: str) -> dict[str, str]:
    """Texts by folder and name, for all levels up to `level`; of POTCARs what they are."""
    here: dict[str, Potcar] = {}
    broken = list(settings.unfit_potcars(atoms, here))
    known = not broken and len(here) == len(set(atoms.symbols))
    sizes = estimated_sizes(settings, atoms, here) if known else Sizes.of(settings, 1, 1)
    potcar = "".join(f"{settings.potential(symbol).text()}\n" for symbol in dict.fromkeys(atoms.symbols))
    written: dict[str, str] = {}
    for step in steps.all_steps(settings, level):
        note = "" if step.converges else _ESTIMATED if known else _UNKNOWN
        command = settings.gamma_command if step.mesh == GAMMA else settings.command
        files = {
            "INCAR": note + steps.incar_text(steps.incar(settings, step.name, None if step.converges else sizes)),
            "KPOINTS": steps.kpoints_text(step.mesh),
            "POSCAR": steps.poscar_text(atoms),
            "POTCAR": potcar,
            "command": f"{command}\n",
            **{name: f"copy of {there} of {source}\n" for name, (source, there) in step.takes.items()},
        }
        written |= {f"{step.name}/{name}": text for name, text in files.items()}
    if level != "hf":
        command = shlex.join([*shlex.split(settings.cc4s_command), "-i", INPUT])
        written |= {f"{CC4S}/{INPUT}": cc4s_input(settings, level), f"{CC4S}/command": f"{command}\n"}
    return written
