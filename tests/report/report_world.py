"""Two crystals on springs with hand-made records: diamond, nearly complete, and LiH, of which half is missing.

Of diamond, seed 3 of ML(DFT_E) has no phonons, the training of ML(MP2-DFT) of seed 2, half, failed, ΔML(CCSD) has
not learned, and ML(DFT_E) has imaginary modes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from sources import module_at

from campaign.planning.plan import Plan, Work
from campaign.results import Campaign, open_campaign
from flows.phonons.outcome import phonons_of
from flows.phonons.settings import PhononSettings, PhononTask
from flows.records import Bands, EpochRecord, Errors, Matrix3, PhononFacts, Phonons, UnstableModes
from launchers.farm import Farm

world = module_at("tests/campaign/results_world.py")

DIAMOND = """\
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [2, 2, 1], phonons: [2, 2, 2]}
    levels:
      dft: {data: diamond_dft.xyz, forces: true, functional: PBE}
      hf: {data: diamond_hf.xyz}
      mp2: {data: diamond_mp2.xyz}
      ccsd: {data: diamond_ccsd.xyz}
      ccsd(t): {data: diamond_ccsdt.xyz}
"""
LIH = """\
  lih:
    structure: {prototype: rocksalt, symbols: [Li, H], a: 4.02}
    cells: {training: [2, 2, 2], phonons: [2, 2, 2]}
    levels:
      dft: {data: lih_dft.xyz, forces: true, functional: LDA}
      hf: {data: lih_hf.xyz}
      mp2:
    sizes: {full: full}
"""
YAML = """\
campaign: toy
systems:
%s
models: [dft_ef, dft_e, hf-dft, mp2-dft, ccsd-dft, ccsd(t)-dft]
training:
  seeds: [861, 5192, 5735]
  sizes: {full: full, half: 6}
  valid_fraction: 0.2
phonons: {mesh: [8, 8, 8], points_per_segment: 15, dos_pitch_cm1: 10}
"""
FRAMES = 10
SCALES = {"dft": 1.0, "hf": 1.06, "mp2": 1.02, "ccsd": 1.04, "ccsdt": 1.03}
"""How much stiffer frequencies are than those of `dft`, by level as file names spell it."""


def campaign(folder: Path, systems: str = DIAMOND + LIH) -> Campaign:
    """The campaign with all of its records, in a database in memory."""
    farm = world.farm()
    plan = prepared(farm, folder, systems)
    for work in plan.work.values():
        if not _is_left_out(work):
            world.store(farm, record(farm, work))
    for number, work in enumerate(work for work in plan.of_stage("train") if _has_failed(work)):
        world.fizzle(farm, work, number + 1)
    return open_campaign(farm, "toy")


def prepared(farm: Farm, folder: Path, systems: str = DIAMOND + LIH) -> Plan:
    """Labels and spec, no records."""
    _write_labels(folder)
    return world.enter(farm, world.load(folder, YAML % systems))


def direct() -> dict[tuple[str, str], PhononFacts]:
    """Phonons of `dft` itself."""
    return {("diamond", "dft"): springs("diamond")}


def record(farm: Farm, work: Work) -> Any:
    """A record whose numbers follow from its place in the plan."""
    order = {861: 0, 5192: 1, 5735: 2}[work.seed]
    learned = work.model not in ("ccsd-dft", "delta_ccsd")
    match work.stage:
        case "train":
            made = world.trained(farm, work, learned=learned)
        case "sum":
            made = world.summed(work, learned=learned)
        case _:
            return scaled(springs(work.system), _stiffness(work, order), work, learned, work.model == "dft_e")
    size = {"dft_ef": 0.6, "dft_e": 11.0, "delta_hf": 2.0}.get(work.model, 1.2) * (1 + 0.2 * order)
    errors = {
        split: Errors(
            count=one.count, energy_meV_atom=size * (2 if split == "test" else 1), force_meV_A=one.force_meV_A
        )
        for split, one in made.errors.items()
    }
    return made.model_copy(
        update={"errors": errors} | (_training(work, size) if work.stage == "train" else {})
    )


def _training(work: Work, size: float) -> dict[str, Any]:
    """Errors that halve every ten epochs, down to the final one; forces of a model that is trained on any."""
    falls = [size * (1 + 2 ** (5 - epoch / 10)) for epoch in range(0, 50, 2)]
    forces = [20 * one if work.model == "dft_ef" else None for one in falls]
    curve = tuple(
        EpochRecord(epoch=2 * n, loss=one, energy_meV_atom=one, force_meV_A=force)
        for n, (one, force) in enumerate(zip(falls, forces, strict=True))
    )
    return {"versions": {"mace-torch": "0.3.16"}, "learning_curve": curve, "best_epoch": 48}


@cache
def springs(system: str, supercell: Matrix3 = ((2, 0, 0), (0, 2, 0), (0, 0, 2))) -> Phonons:
    """Phonons of a crystal with springs between neighbours."""
    crystal = bulk("C", "diamond", a=3.56) if system == "diamond" else bulk("LiH", "rocksalt", a=4.02)
    from flows.records import Structure

    task = PhononTask(
        key="springs",
        system=system,
        model="dft_ef",
        seed=0,
        size="full",
        primitive=Structure.from_atoms(crystal),
        supercell=supercell,
        settings=PhononSettings(mesh=(8, 8, 8), points_per_segment=15, dos_pitch_cm1=10.0),
    )
    reach, along, across = (1.6, 21.0, 3.5) if system == "diamond" else (2.1, 2.0, 0.4)
    return phonons_of(
        task, module_at("tests/phonons/test_phonons_harmonic.py").Springs(crystal, reach, along, across)
    )


def scaled(phonons: Phonons, factor: float, work: Work, learned: bool = True, soft: bool = False) -> Phonons:
    """Frequencies times `factor`; where `soft`, low ones are imaginary."""
    bands = phonons.bands
    blocks = tuple(
        tuple(tuple(_moved(f, factor, soft) for f in row) for row in block) for block in bands.frequencies_cm1
    )
    dos = phonons.dos
    known = np.array(dos.frequencies_cm1)
    grid = np.arange(-20.0, 1.1 * known[-1], 10.0)
    total = np.interp(grid, factor * known, np.array(dos.total) / factor)
    changed = {
        "bands": Bands(
            labels=bands.labels, qpoints=bands.qpoints, distances=bands.distances, frequencies_cm1=blocks
        ),
        "dos": dos.model_copy(
            update={"frequencies_cm1": tuple(grid.tolist()), "total": tuple(total.tolist()), "projected": {}}
        ),
        "points_cm1": {
            name: tuple(_moved(f, factor, soft) for f in values)
            for name, values in phonons.points_cm1.items()
        },
        "learned": learned,
        "verdict": "fine" if learned else "ccsd-dft: a straight line does as well",
        "unstable": UnstableModes(
            count=7 if soft else 0,
            total=3072,
            lowest_cm1=min(value for block in blocks for row in block for value in row),
            qpoint=(0.1, 0.0, 0.1),
        ),
    }
    place = {name: getattr(work, name) for name in ("key", "system", "model", "seed", "size")}
    return phonons.model_copy(update=changed | place)


def _moved(frequency: float, factor: float, soft: bool) -> float:
    return factor * frequency - (
        3.0 * frequency * float(np.exp(-((frequency / 250.0) ** 2))) if soft else 0.0
    )


def _stiffness(work: Work, order: int) -> float:
    level = work.model.removeprefix("delta_").split("_")[0].replace("(t)", "t")
    return SCALES[level] * (1 + 0.006 * order * (2 if work.size == "half" else 1))


def _is_left_out(work: Work) -> bool:
    lost = _has_failed(work) or (work.model, work.seed, work.size) == ("delta_mp2", 5192, "half")
    return lost or (work.stage, work.model, work.seed) == ("phonons", "dft_e", 5735)


def _has_failed(work: Work) -> bool:
    return (work.stage, work.model, work.seed, work.size) == ("train", "mp2-dft", 5192, "half")


def _write_labels(folder: Path) -> None:
    crystals = {
        "diamond": bulk("C", "diamond", a=3.56, cubic=True).repeat((2, 2, 1)),
        "lih": bulk("LiH", "rocksalt", a=4.02, cubic=True).repeat((2, 2, 2)),
    }
    for system, crystal in crystals.items():
        for level, scale in SCALES.items():
            random = np.random.default_rng(5)  # the same structures at every level
            images = [
                _labelled(crystal, random.normal(scale=0.05, size=(len(crystal), 3)), scale)
                for _ in range(FRAMES)
            ]
            write(folder / f"{system}_{level}.xyz", images, format="extxyz")


def _labelled(crystal: Any, moved: Any, scale: float) -> Any:
    atoms = crystal.copy()
    atoms.positions += moved
    forces = {"forces": -20 * moved} if scale == 1.0 else {}
    atoms.calc = SinglePointCalculator(atoms, energy=scale * 10 * float((moved**2).sum()), **forces)
    return atoms
