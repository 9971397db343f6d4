"""From a piece of work to the sealed envelope that the launchers carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.planning.plan import Work
from flows.keys import job_uuid
from launchers.envelopes import Envelope

if TYPE_CHECKING:
    from jobflow import Job

CATEGORIES = {"sample": "label", "label": "label", "train": "train", "sum": "analyse", "phonons": "analyse", "hessian": "analyse", "vibrations": "analyse"}
ADVANCE = "campaign.submit:advance"


def envelope(work: Work, awaited: bool) -> Envelope:
    """`work` as the queue takes it; where other work waits for it, its workflow ends in an `advance`."""
    return Envelope(
        key=work.key,
        uuid=job_uuid(work.key),
        name=work.title,
        category=CATEGORIES[work.stage],
        metadata={
            "stage": work.stage,
            "system": work.system,
            "model": work.model,
            "seed": work.seed,
            "size": work.size,
        },
        seal=lambda: job(work),
        then=ADVANCE if awaited else None,
        parts=work.parts,
    )


def job(work: Work) -> Job:
    """The jobflow job that delivers the record of `work`."""
    from jobflow import OutputReference

    from flows.dynamics.jobs import vibrations
    from flows.labelling.jobs import label
    from flows.labelling.sampling.jobs import sweep
    from flows.phonons.jobs import direct_phonons, phonons
    from flows.phonons.settings import DirectPhononTask
    from flows.training.jobs import add, train

    inputs = [OutputReference(job_uuid(key)) for key in work.needs]
    match work.stage:
        case "sample":
            made = sweep(work.task, inputs)
        case "label":
            made = label(work.task)
        case "train":
            made = train(work.task)
        case "sum":
            made = add(work.task, *inputs)
        case "phonons" if isinstance(work.task, DirectPhononTask):
            made = direct_phonons(work.task)
        case "phonons" | "hessian":
            made = phonons(work.task, inputs)
        case _:
            made = vibrations(work.task, inputs)
    made.name = work.title
    made.set_uuid(job_uuid(work.key))
    return made
