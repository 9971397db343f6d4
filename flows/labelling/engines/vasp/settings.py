"""VASP as an engine: DFT with forces, hybrid functionals, Hartree-Fock; the orbitals of one structure begin the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from flows.failure import CalculationFailed
from flows.keys import digest
from flows.labelling.engines import program
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import BORN, STAGE, Computed
from flows.labelling.engines.vasp import fitness, inputs, motion
from flows.labelling.engines.vasp.inputs import DFT, HF, Step
from flows.labelling.engines.vasp.method import ROAD, VaspMethod
from flows.labelling.engines.vasp.potentials import Potcar, told
from flows.labelling.engines.vasp.program import NAME
from flows.labelling.engines.vasp.run import ORBITALS, Ran, no_program, run, run_md
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

T = TypeVar("T")

_failed = partial(CalculationFailed.of, STAGE)
_OF_WAVECAR = ("unconverged", "crashed", "garbage", "changed-settings")


class VaspSettings(VaspMethod):
    """Statics by VASP at `dft` (the functional) and `hf` (Hartree-Fock with the same potentials), each with forces.

    What has exact exchange begins from the orbitals of the functional without it, in a run of its own. Born charges are those of
    linear response (LEPSILON).
    """

    kind: Literal["vasp"] = "vasp"

    def text(self, level: str) -> str:
        """`VASP, PBE, 400 eV, Γ, C`."""
        names = sorted(one for one in self.potentials.values())
        mesh = f"k-points {' × '.join(map(str, self.kpoints))}" if self.kpoints else f"k-points every {self.kspacing_per_A:g}/Å"
        functional = "Hartree-Fock" if level == HF else self.asked.said
        return ", ".join(["VASP", functional, f"{self.encut_eV:g} eV", *names, mesh])

    def levels(self) -> dict[str, bool]:
        return {DFT: True, HF: True}

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        left = dict.fromkeys(wanted)
        try:
            potcars = self._prepared(atoms, left)
            for level, ran, seconds in self._ran(atoms, list(left), potcars):
                del left[level]
                yield level, ran if isinstance(ran, Failure) else _computed(ran, atoms, potcars, seconds)
        except CalculationFailed as error:
            for level in left:
                yield level, error.failure.model_copy(update={"level": level})

    def finds_born(self) -> bool:
        return True

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        return (*fitness.troubles(self, atoms), *(fitness.troubles_of_response(self) if BORN in levels else ()))

    def lacking(self, levels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        return tuple(fitness.lacking(self))

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("atomate2", "custodian", "pymatgen")}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """Of potentials what they hold, where it is known; nothing of the road to the numbers, nor what is not asked for."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "level": level,
            "forces": forces,
            "potentials": self.identities(),
            "encut_eV": self.encut_eV,
            "ediff_eV": self.ediff_eV,
            "prec": self.prec,
            "smearing": self.smearing,
            "sigma_eV": self.sigma_eV,
        }
        if level != HF:
            found["functional"] = self.functional
        found |= {"kspacing_per_A": self.kspacing_per_A} if self.kpoints is None else {"kpoints": list(self.kpoints)}
        if tags := {tag: value for tag, value in self.incar.items() if tag not in ROAD}:
            found["incar"] = tags
        return found

    def input_files(self, atoms: Atoms, levels: Collection[str], stretch: Stretch | None = None) -> dict[str, str]:
        written: dict[str, str] = {}
        for step in inputs.steps_of(self, list(levels)):
            files = inputs.files_of(self, step, atoms, step.goes_on) if stretch is None else motion.files_of(self, step, atoms, stretch, False)
            named = [self.potential(symbol).text() for symbol in dict.fromkeys(atoms.symbols)]
            files[inputs.POTCAR] = "\n".join(named) + "\n"
            written |= {f"{step.name}/{name}": text for name, text in files.items()}
        return written

    def moves(self, level: str) -> bool:
        return level == DFT and not self.asked.exchange

    def move(self, atoms: Atoms, stretch: Stretch) -> Moved | Failure:
        try:
            potcars = self._prepared(atoms, [stretch.level])
            (step,) = inputs.steps_of(self, [stretch.level])
            moved = self._from_orbitals(
                atoms,
                lambda place: run_md(self, step, atoms, potcars, stretch, place),
                lambda found, said: replace(found, remarks=(f"{step.name}: {said}", *found.remarks)),
            )
        except CalculationFailed as error:
            return error.failure.model_copy(update={"level": stretch.level})
        return replace(moved, files=told(potcars))

    def _prepared(self, atoms: Atoms, levels: Collection[str]) -> dict[str, Potcar]:
        """The potential of each element.

        Raises: CalculationFailed: `bad-input`, `no-program`, `no-pseudopotential`, `wrong-pseudopotential`.
        """
        if strangers := [level for level in levels if level not in (*self.levels(), BORN)]:
            raise _failed("bad-input", f"VASP has no {', '.join(strangers)} here", "it has dft and hf, with forces")
        if missing := program.missing(self.words(self.mesh_of(atoms)), NAME):
            raise no_program(missing, "is not where labels are computed")
        return self.fetched(atoms)

    def _ran(self, atoms: Atoms, levels: list[str], potcars: Mapping[str, Potcar]) -> Iterator[tuple[str, Ran | Failure, float]]:
        """Each level with what it gave and the seconds that it took beyond those before; raises what concerns all that are left."""
        started = time.perf_counter()
        for step in inputs.steps_of(self, levels):
            try:
                ran = self._step(step, atoms, potcars)
            except CalculationFailed as error:
                if not step.goes_on:
                    raise
                assert step.level is not None
                yield step.level, error.failure.model_copy(update={"level": step.level}), 0.0
                continue
            if step.level is not None:
                yield step.level, ran, time.perf_counter() - started
                started = time.perf_counter()

    def _step(self, step: Step, atoms: Atoms, potcars: Mapping[str, Potcar]) -> Ran:
        if step.goes_on:
            with ORBITALS.working(self.scratch) as directory:
                return run(self, step, atoms, potcars, (directory, ORBITALS.copy_to(directory)))
        return self._from_orbitals(atoms, lambda place: run(self, step, atoms, potcars, place), lambda ran, said: ran.after(f"{step.name}: {said}"))

    def _from_orbitals(self, atoms: Atoms, ran: Callable[[tuple[Path, bool]], T], after: Callable[[T, str], T]) -> T:
        """With the orbitals of what ran before in this cell, which are kept for what comes; where they may be at fault, once more without."""
        cell, said = self._cell_of(atoms), ""
        while True:
            with ORBITALS.working(self.scratch) as directory:
                given = ORBITALS.give(cell, directory)
                try:
                    found = ran((directory, given))
                except CalculationFailed as error:
                    if not given or error.failure.kind not in _OF_WAVECAR:
                        raise
                    said = f"with the orbitals of the structure before: {error.failure.kind}"
                    continue
                ORBITALS.keep(cell, directory, self.scratch)
                return after(found, said) if said else found

    def _cell_of(self, atoms: Atoms) -> str:
        """Orbitals fit where cell, atoms, potentials and all settings are the same."""
        about = {"settings": self.model_dump(mode="json"), "symbols": list(atoms.symbols)}
        return digest("wavecar", 1, cell=atoms.cell.array.round(6).tolist(), **about)


def _computed(ran: Ran, atoms: Atoms, potcars: Mapping[str, Potcar], seconds: float) -> Computed:
    found = ran.found
    charges, dielectric = ran.response or (None, None)
    forces = np.empty_like(found.forces_eV_A)
    forces[inputs.order_of(atoms)] = found.forces_eV_A
    return Computed(
        energy_eV=found.energy_eV,
        forces_eV_A=forces,
        diagnostics={
            "cycles": float(found.cycles),
            "entropy_eV": found.entropy_eV,
            "force_sum_eV_A": float(np.abs(forces.sum(axis=0)).max()),
            "corrections": float(ran.corrections),
        },
        wall_time_s=seconds,
        versions={"vasp": found.version},
        files=told(potcars),
        remarks=ran.remarks,
        born_charges=charges,
        dielectric=dielectric,
    )
