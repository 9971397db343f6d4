"""The chain of one structure: Hartree-Fock on k-points, then at Γ from DFT over natural orbitals to Cc4s.

Each step is done once and marked. A process that comes later, after a kill or a failure, goes on with the first that is not.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flows.failure import CalculationFailed
from flows.labelling.engines.cc4s import steps
from flows.labelling.engines.cc4s.cc4s_input import INPUT, cc4s_input, tensors
from flows.labelling.engines.cc4s.cc4s_output import OUTPUT, Correlation
from flows.labelling.engines.cc4s.coupled import CRASH, Incomplete, correlation_of, judge_cc4s, seconds_after
from flows.labelling.engines.cc4s.folders import Asked, Folders, Taken
from flows.labelling.engines.cc4s.judges import CORRECTIONS, judge_vasp
from flows.labelling.engines.cc4s.marks import Mark
from flows.labelling.engines.cc4s.method import GAMMA, LEVELS, Cc4sMethod, without_road
from flows.labelling.engines.cc4s.runs import once, under_custody
from flows.labelling.engines.cc4s.steps import (
    CC4S,
    HF,
    MESH_HF,
    MP2,
    PAIRS,
    REFERENCE,
    START,
    VERTEX,
    Sizes,
    VaspStep,
)
from flows.labelling.engines.cc4s.totals import parts_eV
from flows.labelling.engines.protocol import STAGE, Computed
from flows.labelling.engines.vasp.potentials import told
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.vasp.potentials import Potcar

_failed = partial(CalculationFailed.of, STAGE)
_SAME_CCSD = 100  # times its tolerance


class Coupled(NamedTuple):
    """What Cc4s found; why it did not find the rest; how (T) crashed, where it is of the reference implementation."""

    found: Correlation
    broken: CalculationFailed | None = None
    crash: str = ""


class Chain:
    """Of `atoms` in `directory`, up to `level`, with the potentials of its elements in the order in which they come first."""

    def __init__(self, settings: Cc4sMethod, atoms: Atoms, directory: Path, level: str, potcars: Mapping[str, Potcar]) -> None:
        self._settings, self._level, self._potcars = settings, level, potcars
        self._poscar = steps.poscar_text(atoms)
        self._folders = Folders(directory)
        self._steps = {one.name: one for one in steps.all_steps(settings, level)}
        self._done: dict[str, Any] = {}
        self._counted_s = 0.0

    def results(self, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        """Each level of `wanted`, cheapest first."""
        with self._folders.held():
            for level in sorted(wanted, key=list(LEVELS).index):
                try:
                    yield level, self._computed(level)
                except CalculationFailed as error:
                    place = {"level": level, "run_directory": str(self._folders.directory)}
                    yield level, error.failure.model_copy(update=place)

    def _computed(self, level: str) -> Computed:
        hf = self._once("hf", self._hartree_fock)
        coupled = None if level == "hf" else self._converged(level)
        found = None if coupled is None else coupled.found
        try:
            parts = parts_eV(self._settings, level, hf["energy_eV"], found)
        except ValueError as error:
            broken = None if coupled is None else coupled.broken
            raise broken or _failed("partial-output", str(error), "retry") from error
        corrections = self._corrections(level)
        return Computed(
            energy_eV=sum(parts.values()),
            components_eV=parts,
            diagnostics={**self._diagnostics(hf, coupled), "corrections": float(len(corrections))},
            wall_time_s=self._seconds(level, found),
            versions={"vasp": hf["version"]} | ({} if found is None else {"cc4s": found.version}),
            files=told(self._potcars),
            remarks=(*corrections, *_remarks(level, coupled)),
        )

    def _converged(self, level: str) -> Coupled:
        coupled: Coupled = self._once("cc4s", self._coupled)
        if coupled.broken is not None and level != "mp2" and not coupled.found.converged:
            raise coupled.broken
        return coupled

    def _once(self, name: str, step: Callable[[], Any]) -> Any:
        """What failed once fails all levels that need it."""
        if name not in self._done:
            try:
                self._done[name] = step()
            except CalculationFailed as error:
                self._done[name] = error
        if isinstance(self._done[name], CalculationFailed):
            raise self._done[name]
        return self._done[name]

    def _hartree_fock(self) -> Mapping[str, Any]:
        return self._made(HF if self._settings.hf_kpoints == GAMMA else MESH_HF).found

    def _coupled(self) -> Coupled:
        asked = self._cc4s()
        done = self._folders.done(asked)
        if done is None:
            self._make_taken(asked.takes)
            try:
                done = self._folders.do(asked)
            except Incomplete as error:
                return Coupled(error.found, error)
        self._lighten()
        found = correlation_of(done.found)
        return Coupled(found) if CRASH not in done.found else self._by_reference(found, done.found[CRASH])

    def _by_reference(self, found: Correlation, crash: str) -> Coupled:
        """With (T) by its other implementation. Source: https://manuals.cc4s.org/user-manual/algorithms/PerturbativeTriples.html"""
        if not self._settings.triples_fallback:
            return Coupled(found, _failed("triples-crashed", f"(T) crashed: {crash}", "allow triples_fallback and retry"))
        asked = self._cc4s(reference=True)
        done = self._folders.done(asked)
        try:
            if done is None:
                self._make_taken(asked.takes)
                done = self._folders.do(asked)
            again = correlation_of(done.found)
            if abs(again.ccsd_eV - found.ccsd_eV) > _SAME_CCSD * self._settings.cc_tolerance_eV:
                raise _failed("garbage", f"CCSD is {found.ccsd_eV:.6f} eV and, run again, {again.ccsd_eV:.6f} eV", "look at that Cc4s")
        except CalculationFailed as error:
            why = f"(T) crashed ({crash}), and by PerturbativeTriplesReference: {error.failure.message}"
            return Coupled(found, _failed(error.failure.kind, why, error.failure.advice))
        self._lighten()
        seconds = {**found.seconds, "PerturbativeTriples": done.seconds}
        return Coupled(replace(found, triples_eV=again.triples_eV, seconds=seconds), crash=crash)

    def _made(self, name: str, files: Collection[str] = ()) -> Mark:
        """A step of VASP, with its `files`, done by now."""
        asked = self._vasp(self._steps[name])
        done = self._folders.done(asked, files)
        if done is None:
            self._make_taken(asked.takes)
            done = self._folders.do(asked)
            self._lighten()
        return done

    def _make_taken(self, takes: Taken) -> None:
        """In the order of the steps."""
        for name in self._steps:
            if files := [there for step, there in takes.values() if step == name]:
                self._made(name, files)

    def _lighten(self) -> None:
        takes = {name: step.takes for name, step in self._steps.items()}
        if self._level != "hf":
            takes[CC4S] = self._cc4s_takes()
            if CRASH in self._folders.found(CC4S):
                takes[REFERENCE] = takes[CC4S]
        self._folders.lighten(takes)

    def _vasp(self, step: VaspStep) -> Asked:
        settings = self._settings
        sizes = None if step.converges else self._sizes()
        tags = steps.incar(settings, step.name, sizes)
        command = settings.gamma_command if step.mesh == GAMMA else settings.command
        return Asked(
            name=step.name,
            command=shlex.split(command),
            texts={"INCAR": steps.incar_text(tags), "KPOINTS": steps.kpoints_text(step.mesh), "POSCAR": self._poscar},
            secret={"POTCAR": b"".join(one.content for one in self._potcars.values())},
            deciding={"incar": without_road(tags), "kpoints": list(step.mesh), "poscar": self._poscar},
            takes=step.takes,
            linked=False,
            leaves=step.leaves,
            judge=partial(judge_vasp, settings, step, sizes),
            run=partial(under_custody, settings.max_corrections) if step.converges else once,
        )

    def _cc4s(self, reference: bool = False) -> Asked:
        settings, text = self._settings, cc4s_input(self._settings, self._level, reference)
        lasting = settings.model_copy(update={"max_cc_cycles": 2, "integrals_slice": 100, "diis": 5})
        return Asked(
            name=REFERENCE if reference else CC4S,
            command=[*shlex.split(settings.cc4s_command), "-i", INPUT],
            texts={INPUT: text},
            secret={},
            deciding={"input": cc4s_input(lasting, self._level, reference)},
            takes=self._cc4s_takes(),
            linked=True,
            leaves=(OUTPUT,),
            judge=partial(judge_cc4s, settings, self._level, reference),
            run=once,
        )

    def _cc4s_takes(self) -> Taken:
        source = {name: MP2 if name == PAIRS else VERTEX for name in tensors(self._settings, self._level)}
        return {file: (source[name], file) for name in source for file in steps.tensor_files(name)}

    def _sizes(self) -> Sizes:
        hf = self._made(HF).found
        return Sizes.of(self._settings, hf["all_bands"], hf["occupied"])

    def _corrections(self, level: str) -> list[str]:
        """By custodian, in the steps of VASP for `level`."""
        made = (self._folders.found(step.name).get(CORRECTIONS, ()) for step in steps.all_steps(self._settings, level))
        return [one for of_step in made for one in of_step]

    def _diagnostics(self, hf: Mapping[str, Any], coupled: Coupled | None) -> dict[str, float]:
        """Numbers of the run that are no part of this level's energy too."""
        if coupled is None:
            return {"occupied": float(hf["occupied"])}
        gamma, found = self._made(HF).found, coupled.found
        sizes = self._sizes()
        energies = {name: value for name, value in vars(found).items() if name.endswith("_eV") and value is not None}
        counts = {"occupied": gamma["occupied"], "all_bands": sizes.all_bands, "bands": sizes.kept_bands}
        return {
            **{name: float(value) for name, value in counts.items()},
            "hf_gamma_eV": gamma["energy_eV"],
            **energies,
            "triples_reference": float(bool(coupled.crash)),
        }

    def _seconds(self, level: str, found: Correlation | None) -> float:
        """What `level` cost on top of those before it, in all processes."""
        spent = sum(self._folders.seconds(name) for name in (steps.MESH_START, MESH_HF))
        if found is None:
            spent += 0.0 if self._settings.hf_kpoints != GAMMA else sum(self._folders.seconds(name) for name in (START, HF))
        else:
            spent = sum(self._folders.seconds(name) for name in (*self._steps, CC4S, REFERENCE)) - seconds_after(level, found)
        seconds, self._counted_s = max(0.0, spent - self._counted_s), max(spent, self._counted_s)
        return seconds


def _remarks(level: str, coupled: Coupled | None) -> tuple[str, ...]:
    if level != "ccsd(t)" or coupled is None or not coupled.crash:
        return ()
    return (f"(T) is by PerturbativeTriplesReference, as PerturbativeTriples crashed: {coupled.crash}",)
