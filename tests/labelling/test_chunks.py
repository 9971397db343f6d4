"""A chunk of labels: each is kept when it is there, each failure is named, and nothing is computed twice."""

from __future__ import annotations

import pytest
from ase import Atoms
from engine_toys import ToyEngine

from flows.failure import CalculationFailed
from flows.labelling.chunk import label_chunk
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.guarded import Guarded, warm
from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.records import Failure, Label, Structure

WANTED = {"dft": True, "mp2": False}


class Kept:
    """A journal in memory."""

    def __init__(self) -> None:
        self.labels: dict[str, Label] = {}

    def keep(self, label: Label) -> None:
        self.labels[label.key] = label

    def stored(self, keys) -> set[str]:
        return set(keys) & self.labels.keys()


def structure(symbol: str) -> Structure:
    return Structure.from_atoms(Atoms([symbol, "Xe"], positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True))


def task(engine: ToyEngine, *symbols: str) -> LabelTask:
    items = tuple(LabelItem(structure=structure(symbol), levels=WANTED) for symbol in symbols)
    # a toy is no engine that a campaign may name
    return LabelTask.model_construct(key="chunk", system="toys", engine=engine, items=items)


def test_a_crash_a_hang_and_nonsense_cost_one_label_each():
    engine, kept = ToyEngine(time_limit_s=3.0), Kept()
    symbols = ["Ar", "B", "He", "H", "C", "Kr"]
    with Guarded(engine) as guarded, pytest.raises(CalculationFailed) as error:
        label_chunk(task(engine, *symbols), guarded.compute, kept)
    assert [(part.structure_key, part.level, part.kind) for part in error.value.parts] == [
        (structure(symbol).key(), "mp2", kind)
        for symbol, kind in (("B", "unconverged"), ("He", "crashed"), ("H", "time-limit"), ("C", "garbage"))
    ]
    assert error.value.failure.message.startswith("4 of 12 labels failed; the first, mp2: of its own")
    assert len(kept.labels) == 8
    assert {part.label_key for part in error.value.parts}.isdisjoint(kept.labels)


def test_run_again_only_what_is_missing_is_computed():
    engine, kept, asked = ToyEngine(), Kept(), []

    def compute(atoms, wanted):
        asked.append((str(atoms.symbols[0]), tuple(wanted)))
        broken = Failure(stage="label", kind="unconverged", message="not yet")
        return {level: broken if level == "mp2" and len(asked) == 1 else Computed(1.0, [[0, 0, 0]] * 2) for level in wanted}

    with pytest.raises(CalculationFailed):
        label_chunk(task(engine, "Ar", "Kr"), compute, kept)
    done = label_chunk(task(engine, "Ar", "Kr"), compute, kept)
    assert asked == [("Ar", ("dft", "mp2")), ("Kr", ("dft", "mp2")), ("Ar", ("mp2",))]
    assert set(done.labels) == kept.labels.keys()


def test_a_kill_costs_the_structure_in_hand():
    engine, kept, begun = ToyEngine(), Kept(), []

    def compute(atoms, wanted):
        begun.append(str(atoms.symbols[0]))
        if begun == ["Ar", "Kr"]:
            raise KeyboardInterrupt
        return {level: Computed(1.0, [[0, 0, 0]] * 2) for level in wanted}

    with pytest.raises(KeyboardInterrupt):
        label_chunk(task(engine, "Ar", "Kr", "Xe"), compute, kept)
    label_chunk(task(engine, "Ar", "Kr", "Xe"), compute, kept)
    assert begun == ["Ar", "Kr", "Kr", "Xe"]


def test_a_label_says_what_was_computed():
    engine, kept = ToyEngine(), Kept()
    with Guarded(engine) as guarded:
        label_chunk(task(engine, "Ar"), guarded.compute, kept)
    label = kept.labels[computed_label_key(structure("Ar").key(), "dft", engine, True)]
    assert (label.level, label.engine, label.structure) == ("dft", "toy", structure("Ar"))
    assert label.forces_eV_A == ((0, 0, 0), (0, 0, 0))
    upper = kept.labels[computed_label_key(structure("Ar").key(), "mp2", engine, False)]
    assert upper.forces_eV_A is None


def test_a_warm_engine_serves_one_job_after_another_and_another_engine_replaces_it():
    def process(engine: ToyEngine) -> float:
        with warm(engine) as guarded:
            found = guarded.compute(structure("Ar").atoms(), {"dft": True})["dft"]
        assert isinstance(found, Computed)
        return found.energy_eV

    first, second = ToyEngine(), ToyEngine(time_limit_s=60.0)
    assert process(first) == process(first)
    assert process(second) != process(first)


def test_after_a_drain_no_child_is_left_to_the_next_job():
    engine = ToyEngine()

    def process() -> float:
        with warm(engine) as guarded:
            return guarded.compute(structure("Ar").atoms(), {"dft": True})["dft"].energy_eV

    before = process()
    with pytest.raises(KeyboardInterrupt), warm(engine):
        raise KeyboardInterrupt
    assert process() != before
