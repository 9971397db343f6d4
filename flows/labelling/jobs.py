"""The job of this stage: a chunk of labels by an engine."""

from __future__ import annotations

from flows.delivery import delivers
from flows.labelling.chunk import label_chunk
from flows.labelling.engines.guarded import warm
from flows.labelling.engines.task import LabelTask
from flows.labelling.journal import Journal
from flows.leftovers import sweep_delivered
from flows.records import LabelledChunk


@delivers(LabelledChunk)
def label(task: LabelTask) -> LabelledChunk:
    """The labels of a chunk, each stored as a record of its own when it is there.

    Killed anywhere, it loses at most the structure in hand.

    Raises:
        CalculationFailed: labels failed; each is named, and the others are stored.
        MachineTrouble: the journal cannot be kept.
    """
    sweep_delivered()
    with warm(task.engine) as engine:
        return label_chunk(task, engine.compute, Journal.of(task.key))
