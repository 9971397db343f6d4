"""How models were trained and phonons computed, from the tasks of the plan, with versions from the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from campaign.plan import Work
from campaign.report.place import Crystal
from campaign.report.seeds import Harvest, title_of
from flows.phonons.settings import PhononTask
from flows.training.settings import TrainingSettings, TrainingTask


def training_methods(harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
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
    places = {(work.system, work.model, work.size) for work in works}
    used = [
        one.record.versions
        for one in harvest.campaign.phonons()
        if (one.work.system, one.work.model, one.work.size) in places
    ]
    yield _versions("Phonons", used)


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
    return (
        f"{settings.hidden_irreps}, r_max {settings.r_max:g} Å, {settings.num_interactions} interactions, "
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
