"""The jobs of engines: a chunk of labels, and Born charges."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from flows.delivery import delivers
from flows.failure import CalculationFailed
from flows.labelling.chunk import label_chunk
from flows.labelling.engines.guarded import warm
from flows.labelling.engines.protocol import BORN, STAGE
from flows.labelling.engines.task import BornTask, LabelTask
from flows.labelling.journal import Journal
from flows.leftovers import sweep_delivered
from flows.phonons.nac import missed_e, nac_settings
from flows.records import BornCharges, Failure, LabelledChunk


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


@delivers(BornCharges)
def born(task: BornTask) -> BornCharges:
    """Born charges and the dielectric tensor of a crystal, for its non-analytical term.

    Raises:
        CalculationFailed: what the engine failed by; `bad-charges`: they miss the acoustic sum rule, or the symmetry of the
            crystal, by more than is mended.
    """
    sweep_delivered()
    started, atoms = perf_counter(), task.primitive.atoms()
    with warm(task.engine) as engine:
        found = engine.compute(atoms, {BORN: False})[BORN]
    if isinstance(found, Failure):
        raise CalculationFailed(found)
    charges, dielectric = np.array(found.born_charges), np.array(found.dielectric)
    try:
        term = nac_settings(atoms, charges, dielectric, sum_rule_e=task.sum_rule_e)
    except ValueError as error:
        advice = "more k-points, and a higher cutoff; nac.sum_rule_e says how much is mended"
        raise CalculationFailed.of(STAGE, "bad-charges", str(error), advice, BORN) from error
    return BornCharges(
        key=task.key,
        system=task.system,
        born_charges=term.born_charges,
        dielectric=term.dielectric,
        missed_e=missed_e(charges),
        diagnostics=dict(found.diagnostics),
        versions={**task.engine.versions(), **found.versions},
        wall_time_s=perf_counter() - started,
    )
