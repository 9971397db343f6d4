"""LiH on springs with hand-made MD: what a harmonic crystal shows, its frequencies 2 % lower.

MD of two seeds is asked for. MD of ΔML(HF) of seed 5192 failed, and its seed 861 has no force constants of the MD's cell; ΔML(CCSD) has not
learned; no MD of ML(DFT_E) is done; there are no labels for ΔML(MP2).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import report_world
from ase.build import bulk

from campaign.planning.plan import Work
from campaign.results import Campaign, open_campaign
from flows.dynamics.harmonic import harmonic_spectrum
from flows.dynamics.settings import DynamicsTask
from flows.phonons.cells import supercell_matrix
from flows.phonons.harmonic import load_phonopy
from flows.records import Band, Blob, HarmonicSpectrum, MDStart, Phonons, Vibrations

world = report_world.world
MD = """\
dynamics:
  models: [dft_ef, dft_e, delta_hf, delta_mp2, delta_ccsd]
  seeds: [861, 5192]
  steps: 30000
  temperature_K: 20
  vibrations: {resolution_cm1: 20, pitch_cm1: 4, max_cm1: 1600}
"""
CELLS = "cells: {training: [2, 2, 2], phonons: [2, 2, 2], big: [2, 2, 2]}"
SYSTEMS = report_world.LIH.replace("cells: {training: [2, 2, 2], phonons: [2, 2, 2]}", CELLS).replace(
    "      mp2:\n", "      mp2:\n      ccsd: {data: lih_ccsd.xyz}\n"
)
CRYSTAL = bulk("LiH", "rocksalt", a=4.02)
MD_CELL = ((-2, 2, 2), (2, -2, 2), (2, 2, -2))  # in units of the primitive vectors
SLOWER = 0.98
STARTS = 3


def campaign(folder: Path) -> Campaign:
    """The campaign with its records, in a database in memory."""
    farm = world.farm()
    yaml = (report_world.YAML % SYSTEMS).replace(", ccsd(t)-dft", "") + MD
    report_world._write_labels(folder)
    plan = world.enter(farm, world.load(folder, yaml))
    for work in plan.work.values():
        if work.stage == "vibrations" and not _no_md(work):
            world.store(farm, md(work))
        elif work.stage == "hessian" and (work.model, work.seed) != ("delta_hf", 861):
            world.store(farm, phonons(work))
        elif work.stage == "phonons" and work.seed != 5735:
            world.store(farm, report_world.scaled(report_world.springs("lih"), stiffness(work), work))
        elif work.stage in ("train", "sum"):
            world.store(farm, report_world.record(farm, work))
    for number, work in enumerate(work for work in plan.of_stage("vibrations") if _exploded(work)):
        world.fizzle(farm, work, number + 1)
    return open_campaign(farm, "toy")


def stiffness(work: Work) -> float:
    return report_world._stiffness(work, {861: 0, 5192: 1, 5735: 2}[work.seed])


@cache
def force_constants(factor: float) -> bytes:
    """The phonopy YAML of LiH with frequencies `factor` times those of its springs."""
    phonopy, own = _springs()
    phonopy.force_constants = own * factor**2
    return str(phonopy.to_phonopy_yaml(settings={"force_constants": True})).encode()


@cache
def _springs() -> tuple[Any, Any]:
    phonopy = load_phonopy(report_world.springs("lih", MD_CELL).blob.content())
    return phonopy, phonopy.force_constants.copy()


def spectrum(factor: float, task: DynamicsTask) -> HarmonicSpectrum:
    matrix = supercell_matrix(CRYSTAL, task.big.cell)
    return harmonic_spectrum(force_constants(round(factor, 6)), matrix, task.dynamics, task.vibrations)


def phonons(work: Work) -> Phonons:
    """Those of the cell of the MD."""
    factor, own = stiffness(work), report_world.springs("lih", MD_CELL)
    found = report_world.scaled(own, factor, work, work.model != "delta_ccsd")
    known, grid = factor * np.array(own.dos.frequencies_cm1), np.array(found.dos.frequencies_cm1)
    projected = {
        name: tuple(np.interp(grid, known, np.array(curve) / factor, 0, 0))
        for name, curve in own.dos.projected.items()
    }
    dos = found.dos.model_copy(update={"projected": projected})
    return found.model_copy(update={"blob": Blob.of(force_constants(round(factor, 6))), "dos": dos})


def md(work: Work) -> Vibrations:
    """The harmonic lines at lower frequencies; starts that differ by 4 % in height."""
    task = work.task
    assert isinstance(task, DynamicsTask)
    found = spectrum(SLOWER * stiffness(work), task)
    place = {name: getattr(work, name) for name in ("key", "system", "model", "seed", "size")}
    settings = {"dynamics": task.dynamics.identity(), "vibrations": task.vibrations.identity()}
    run = {name: getattr(task.dynamics, name) for name in ("temperature_K", "steps", "equilibration_steps")}
    curves: dict[str, Any] = found.model_dump(exclude={"qpoints", "unstable", "lowest_cm1", "schema_version"})
    return Vibrations(
        **curves,
        **place,
        **run,
        bands={"total": _band(found.total)} | {name: _band(curve) for name, curve in found.projected.items()},
        starts=tuple(
            MDStart(
                temperature_K=20.0 + n, temperature_std_K=1.0, drift_meV_atom=0.001, fluctuation_meV_atom=0.01
            )
            for n in range(STARTS)
        ),
        learned=work.model != "delta_ccsd",
        verdict="" if work.model != "delta_ccsd" else "ccsd-dft: a straight line does as well",
        timestep_fs=task.dynamics.timestep_fs,
        atoms=len(task.big.symbols),
        edge_cm1=1000.0,
        verlet_shift_cm1=0.4,
        settings=settings,
        versions={"ase": "3.26.0"},
    )


def _band(curve: tuple[float, ...]) -> Band:
    middle = np.array(curve)
    low, high, error = ((factor * middle).tolist() for factor in (0.96, 1.04, 0.02))
    return Band(low=tuple(low), high=tuple(high), standard_error=tuple(error))


def _no_md(work: Work) -> bool:
    return work.model == "dft_e" or _exploded(work)


def _exploded(work: Work) -> bool:
    return (work.stage, work.model, work.seed) == ("vibrations", "delta_hf", 5192)
