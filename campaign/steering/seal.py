"""From a piece of work to the sealed envelope that the launchers carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.planning.stages import find_stage, guess_s
from campaign.planning.work import Work
from campaign.spec.demands import Demands
from campaign.steering.enclosures import BRING, enclosed
from flows.keys import job_uuid
from flows.labelling.engines.task import BornTask, LabelTask
from flows.labelling.sampling.settings import SweepTask
from flows.resources import Resources
from launchers.envelopes import Envelope
from launchers.queue.resources import Needs
from launchers.queue.walltime import Expectation

if TYPE_CHECKING:
    from jobflow import Job

ADVANCE = "campaign.submit:advance"


def envelope(work: Work, dependents: int, demands: Demands) -> Envelope:
    """`work` as the queue takes it; where other work waits for it, its workflow ends in an `advance`.

    What most others wait for goes first. What its engine says that it needs goes before the `demands` of the campaign.
    """
    return Envelope(
        key=work.key,
        uuid=job_uuid(work.key),
        name=work.title,
        category=find_stage(work.stage).category,
        metadata={
            "stage": work.stage,
            "system": work.system,
            "model": work.model,
            "seed": work.seed,
            "size": work.size,
        },
        seal=lambda: job(work),
        then=ADVANCE if dependents else None,
        parts=work.parts,
        first=BRING,
        enclosed=enclosed(work),
        priority=dependents,
        device=find_stage(work.stage).device,
        expects=Expectation(f"{work.stage}, {work.model} of {work.system}", guess_s(work), find_stage(work.stage).resumes),
        needs=needs(work, demands),
        retry=demands.retry.calculation,
    )


def needs(work: Work, demands: Demands) -> Needs:
    """What `work` asks of the slot that runs it."""
    engine = work.task.engine if isinstance(work.task, LabelTask | SweepTask | BornTask) else None
    own = engine.resources if engine is not None and engine.resources is not None else Resources()
    said = own.over(demands.resources.get(work.stage, Resources()))  # type: ignore[call-overload]
    return Needs(said.cores or 0, said.memory_GB, said.allocation or "")


def job(work: Work) -> Job:
    """The jobflow job that delivers the record of `work`.

    Raises:
        ValueError: it is of no known stage.
    """
    from jobflow import OutputReference

    inputs = [OutputReference(job_uuid(key)) for key in work.needs]
    made = find_stage(work.stage).job(work.task, inputs)
    made.name = work.title
    made.set_uuid(job_uuid(work.key))
    return made
