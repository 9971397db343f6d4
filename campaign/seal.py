"""From a piece of work to the sealed envelope that the launchers carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.plan import Work
from flows.keys import job_uuid
from launchers.envelopes import Envelope

if TYPE_CHECKING:
    from jobflow import Job

CATEGORIES = {"train": "train", "sum": "analyse", "phonons": "analyse", "vibrations": "analyse"}
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
    )


def job(work: Work) -> Job:
    """The jobflow job that delivers the record of `work`."""
    from jobflow import OutputReference

    from flows.dynamics.jobs import vibrations
    from flows.phonons.jobs import phonons
    from flows.training.jobs import add, train

    inputs = [OutputReference(job_uuid(key)) for key in work.needs]
    match work.stage:
        case "train":
            made = train(work.task)
        case "sum":
            made = add(work.task, *inputs)
        case "phonons":
            made = phonons(work.task, inputs)
        case _:
            made = vibrations(work.task, inputs)
    made.name = work.title
    made.set_uuid(job_uuid(work.key))
    return made
