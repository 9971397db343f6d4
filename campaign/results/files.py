"""Blobs out of the database: models as `.model` files and ASE calculators, phonons as phonopy YAML."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from campaign.planning.work import Coordinates, Work
from campaign.results.errors import UnknownResult
from flows.keys import job_uuid
from flows.records import Phonons, Record, TrainedModel
from flows.training.names import ModelName

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from campaign.results.outcomes import Outcomes

R = TypeVar("R", bound=Record)


def write_model(campaign: Outcomes, model: Work | str, directory: Path) -> Path:
    """See `Campaign.model_file`."""
    work = _work(campaign, model, "train")
    content = _record(campaign, work, TrainedModel).blob.content()
    kind = "npz" if ModelName.parse(work.model).method == "fc" else "model"
    return write_whole(directory / f"{file_stem(work)}.{kind}", content)


def write_phonopy(campaign: Outcomes, phonons: Work | str, directory: Path) -> Path:
    """See `Campaign.phonopy_file`."""
    work = _work(campaign, phonons, "phonons")
    content = _record(campaign, work, Phonons).blob.content()
    return write_whole(directory / f"{file_stem(work)}.phonopy.yaml", content)


def calculator(campaign: Outcomes, coordinates: Coordinates, device: str) -> Calculator:
    """See `Campaign.potential`; `coordinates` say which."""
    from flows.training.potentials import total

    models, facts = [], {one.work.key: one.record for one in campaign.trainings()}
    for work in parts(campaign, coordinates):
        model = _record(campaign, work, TrainedModel)
        models.append(model)
        judged = facts[work.key]
        if not judged.learned:
            warnings.warn(f"{work.model} has not learned ({work.title}): {judged.verdict}", stacklevel=3)
    return total(models, device=device)


def parts(campaign: Outcomes, coordinates: Coordinates) -> list[Work]:
    """The trainings that make a model: one, or base and difference of a sum."""
    system, model, seed, size = coordinates
    if ModelName.parse(model).kind != "sum":
        return [campaign.find("train", system, model, seed, size)]
    return [campaign.plan.work[key] for key in campaign.find("sum", system, model, seed, size).needs]


def file_stem(work: Work) -> str:
    """A file name that no shell has to quote: `diamond_ccsdt-dft_full_861`."""
    named = (work.system, work.model, work.size, "" if work.seed is None else str(work.seed))
    return re.sub(r"[^\w.-]", "", "_".join(filter(None, named)))


def _work(campaign: Outcomes, asked: Work | str, stage: str) -> Work:
    work = campaign.plan.work.get(asked) if isinstance(asked, str) else asked
    if work is None:
        raise UnknownResult(f"{campaign.name}: no work has the key {asked}")
    if work.stage != stage:
        raise UnknownResult(f"{campaign.name}: {work.title} is no {stage}, and has no such file")
    return work


def _record(campaign: Outcomes, work: Work, record: type[R]) -> R:
    uuid = job_uuid(work.key)
    stored = campaign.farm.records([uuid], blobs=True).get(uuid)
    if stored is None:
        raise UnknownResult(
            f"{campaign.name}: {work.title}: not done yet; see latticefarm status {campaign.name}"
        )
    return record.model_validate(stored)


def write_whole(path: Path, content: bytes) -> Path:
    """A file that is there is whole: a kill leaves the old one, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    return unfinished.replace(path)
