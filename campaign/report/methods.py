"""How models were trained and phonons computed, from the tasks of the plan, with versions from the records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from campaign.planning.plan import Work
from campaign.report.crystal import Crystal
from campaign.report.engines import labels_text
from campaign.report.harvest import Harvest, SeedGroup, title_of
from flows.phonons.settings import NacSettings, PhononTask
from flows.records import Matrix3, PhononFacts, Vibrations
from flows.training.settings import TrainingSettings, TrainingTask

TERMS = {"gonze": "Gonze and Lee", "wang": "Wang et al."}


def training_methods(harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
    """Who labelled, and how models were trained."""
    for system in dict.fromkeys(work.system for work in works):
        yield from labels_text(harvest.campaign.spec.systems[system], harvest.labelled(system))
    yield from trainings_text(harvest, works)


def trainings_text(harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
    """A sentence for every training behind `works` (one seed of each), like ones together, and the versions."""
    trainings = parts(harvest, works)
    texts: dict[str, list[str]] = {}
    for work in trainings:
        assert isinstance(work.task, TrainingTask)
        texts.setdefault(_settings(work.task.settings), []).append(
            f"{title_of(work.model)} {_counts(work.task)}"
        )
    for text, titles in texts.items():
        yield f"Trained with MACE, {text}: {', '.join(titles)}."
    places = {(work.system, work.model, work.size) for work in trainings}
    used = [
        one.record.versions
        for one in harvest.campaign.trainings()
        if (one.work.system, one.work.model, one.work.size) in places
    ]
    yield _versions("Training", used)


def phonon_methods(crystal: Crystal, harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
    """A sentence on finite displacements and meshes, and the versions."""
    tasks = [work.task for work in works if isinstance(work.task, PhononTask)]
    for settings in {task.settings.model_dump_json(): task.settings for task in tasks}.values():
        mesh = "×".join(map(str, settings.mesh))
        yield (
            f"Phonons by finite displacements of {settings.displacement_A:g} Å in a {crystal.phonon_cell}, at the "
            f"lattice constants of the labels; densities of states on a Γ-centred {mesh} mesh (tetrahedron method, "
            f"pitch {settings.dos_pitch_cm1:g} cm^-1)."
        )
    if crystal.cells.nac is not None:
        yield _term(crystal.cells.nac, crystal.cells.primitive.symbols)
    places = {(work.system, work.model, work.size) for work in works}
    used = [
        one.record.versions
        for one in harvest.campaign.phonons()
        if (one.work.system, one.work.model, one.work.size) in places
    ]
    yield _versions("Phonons", used)


def hessian_methods(crystal: Crystal, groups: Sequence[SeedGroup[PhononFacts]]) -> Iterator[str]:
    """A sentence on the force constants of the cell of the MD, and the versions."""
    tasks = [group.works[0].task for group in groups]
    for settings in {task.settings.model_dump_json(): task.settings for task in tasks if isinstance(task, PhononTask)}.values():
        yield (
            f"HA by finite displacements of {settings.displacement_A:g} Å in the {crystal.md_cell} of the MD; on a Γ-centred "
            f"{'×'.join(map(str, settings.mesh))} mesh by the tetrahedron method, pitch {settings.dos_pitch_cm1:g} cm^-1."
        )
    yield _versions("HA", [one.record.versions for group in groups for one in group.results])


def md_methods(crystal: Crystal, groups: Sequence[SeedGroup[Vibrations]]) -> Iterator[str]:
    """How the MD ran, what its timestep did, how wide lines are, and the versions."""
    every = [one.record for group in groups for one in group.results]
    asked: dict[str, list[Vibrations]] = {}
    for record in every:
        asked.setdefault(json.dumps(record.settings, sort_keys=True), []).append(record)
    for records in asked.values():
        yield _md(crystal, records)
        yield _lines(records[0])
    yield _versions("MD", [one.versions for one in every])


def _md(crystal: Crystal, records: Sequence[Vibrations]) -> str:
    one = records[0]
    starts = [start for record in records for start in record.starts]
    seen = [start.temperature_K for start in starts]
    drift = max(abs(start.drift_meV_atom) for start in starts)
    worst = max(records, key=lambda record: record.verlet_shift_cm1)
    return (
        f"MD in a {crystal.md_cell} at the lattice constants of the labels: {one.equilibration_steps} steps of Langevin "
        f"equilibration at {one.temperature_K:g} K, then {one.steps} steps of {one.timestep_fs:g} fs at constant energy, "
        f"{len(one.starts)} independent start{'' if len(one.starts) == 1 else 's'} for each seed. Mean temperatures of the starts: {min(seen):.3g} to "
        f"{max(seen):.3g} K; drift of the total energy at most {drift:.2g} meV/atom; the timestep raises a mode at "
        f"{worst.edge_cm1:.0f} cm^-1, below which 99 % of the states lie, by {worst.verlet_shift_cm1:.2g} cm^-1 (not corrected)."
    )


def _lines(one: Vibrations) -> str:
    weights = (
        "mass-weighted" if one.definition == "mass-weighted" else "as py-VACF defines it, not mass-weighted"
    )
    window = f"{one.window} lag window" if one.window != "none" else "no lag window but a cut"
    return f"VACF: {weights}, {window}, lines {one.resolution_cm1:.3g} cm^-1 wide at half maximum."


def _term(nac: NacSettings, symbols: Sequence[str]) -> str:
    charges = dict.fromkeys(f"{s} {_tensor(z)}" for s, z in zip(symbols, nac.born_charges, strict=True))
    return (
        f"LO-TO splitting by the non-analytical term as {TERMS[nac.method]} have it: Born charges {', '.join(charges)} e, "
        f"dielectric constant {_tensor(nac.dielectric)}, the same for models and references; Γ is the limit along each line."
    )


def _tensor(tensor: Matrix3) -> str:
    """`1.05`, where it is the same in all directions."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = tensor
    if not any((xy, xz, yx, yz, zx, zy)) and max(xx, yy, zz) - min(xx, yy, zz) < 1e-6:
        return f"{xx:.4g}"
    return str([[round(x, 4) for x in row] for row in tensor])


def parts(harvest: Harvest, works: Iterable[Work]) -> list[Work]:
    """The trainings that phonons or sums are made of, or that the works are; each model once."""
    planned = harvest.campaign.plan.work
    found: dict[str, Work] = {}
    for work in works:
        trained = [work] if work.stage == "train" else [planned[key] for key in work.needs if key in planned]
        for one in trained:
            if isinstance(one.task, TrainingTask):
                found.setdefault(f"{one.model} {one.size}", one)
    return list(found.values())


def _settings(settings: TrainingSettings) -> str:
    several = "" if settings.num_interactions == 1 else "s"
    return (
        f"{settings.hidden_irreps}, r_max {settings.r_max:g} Å, {settings.num_interactions} interaction{several}, "
        f"correlation {settings.correlation}, {settings.max_epochs} epochs, {settings.dtype}"
    )


def _counts(task: TrainingTask) -> str:
    return f"on {len(task.train)} structures ({len(task.valid)} more validate, {len(task.test)} test)"


def _versions(what: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Every version that any record names: `mace-torch 0.3.16`; several of one package are all named."""
    merged: dict[str, set[str]] = {}
    for versions in found:
        for package, version in versions.items():
            merged.setdefault(package, set()).add(str(version))
    text = ", ".join(f"{package} {' and '.join(sorted(merged[package]))}" for package in sorted(merged))
    return f"{what}: {text}." if text else ""
