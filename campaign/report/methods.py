"""How models were trained and phonons computed, from the tasks of the plan, with versions from the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from campaign.planning.plan import Work
from campaign.report.crystal import Crystal
from campaign.report.engines import labels_text, levels_text
from campaign.report.harvest import Harvest
from campaign.report.titles import energies_title, title_of
from campaign.spec.campaign import ResolvedSystem
from flows.phonons.settings import NacSettings, PhononTask
from flows.records import Matrix3
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.settings import TrainingSettings, TrainingTask

TERMS = {"gonze": "Gonze and Lee", "wang": "Wang et al."}


def training_methods(harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
    """Who labelled, and how models were trained."""
    for system in dict.fromkeys(work.system for work in works):
        cells = harvest.campaign.spec.systems[system]
        yield from labels_text(cells, harvest.labelled(system))
        for model in dict.fromkeys(work.model for work in works if work.system == system):
            yield sum_text(harvest, cells, model)
    yield from trainings_text(harvest, works)


def sum_text(harvest: Harvest, cells: ResolvedSystem, model: str) -> str:
    """What was added to what, where it is more than a difference to the level below it; empty where it is not."""
    difference = harvest.difference(model)
    if difference is None:
        return ""
    parts, levels = harvest.campaign.spec.chains.parts(difference), harvest.stands_for(model)
    if len(parts) == 2 and len(levels) == 1:
        return ""
    text = f"{title_of(model)} = {' + '.join(map(title_of, parts))}"
    if len(levels) == 1:
        return f"{text}."
    upper, lower, *under = levels
    above, below = (levels_text(cells, one) for one in ((upper, lower), under))
    made = f": {energies_title((upper, lower))} ({above or 'from files'}) added to {energies_title(under)} ({below or 'from files'})"
    return f"{text}{made}; it stands for {energies_title(levels)}, structure by structure, and is judged by that."


def trainings_text(harvest: Harvest, works: Sequence[Work]) -> Iterator[str]:
    """A sentence for every training behind `works` (one seed of each), like ones together, and the versions."""
    trainings = parts(harvest, works)
    texts: dict[str, list[str]] = {}
    for work in trainings:
        assert isinstance(work.task, TrainingTask | ForceConstantTask)
        texts.setdefault(_how(work.task), []).append(f"{title_of(work.model)} {_counts(work.task)}")
    for text, titles in texts.items():
        yield f"{text}: {', '.join(titles)}."
    places = {(work.system, work.model, work.size) for work in trainings}
    used = [
        one.record.versions
        for one in harvest.campaign.trainings()
        if (one.work.system, one.work.model, one.work.size) in places
    ]
    yield package_versions("Training", used)


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
    yield package_versions("Phonons", used)


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
            if isinstance(one.task, TrainingTask | ForceConstantTask):
                found.setdefault(f"{one.model} {one.size}", one)
    return list(found.values())


def _how(task: TrainingTask | ForceConstantTask) -> str:
    if isinstance(task, TrainingTask):
        return f"Trained with MACE, {_settings(task.settings)}"
    multiple = "a multiple of the base and " if task.settings.base else ""
    return (
        f"Fitted by {multiple}symmetry-adapted force constants (symfc), cutoffs chosen by what predicts left-out structures "
        "best, noise and priors by the evidence"
    )


def _settings(settings: TrainingSettings) -> str:
    several = "" if settings.num_interactions == 1 else "s"
    return (
        f"{settings.hidden_irreps}, r_max {settings.r_max:g} Å, {settings.num_interactions} interaction{several}, "
        f"correlation {settings.correlation}, {settings.max_epochs} epochs, {settings.dtype}"
    )


def _counts(task: TrainingTask | ForceConstantTask) -> str:
    if isinstance(task, ForceConstantTask):
        return f"on {len(task.train)} structures ({len(task.test)} test)"
    return f"on {len(task.train)} structures ({len(task.valid)} more validate, {len(task.test)} test)"


def package_versions(what: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Every version that any record names: `mace-torch 0.3.16`; several of one package are all named."""
    merged: dict[str, set[str]] = {}
    for versions in found:
        for package, version in versions.items():
            merged.setdefault(package, set()).add(str(version))
    text = ", ".join(f"{package} {' and '.join(sorted(merged[package]))}" for package in sorted(merged))
    return f"{what}: {text}." if text else ""
