"""The first sentences of the page: what was computed of each system, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from campaign.report.crystal import Crystal
from campaign.report.engines import by_engine
from campaign.report.harvest import Harvest
from campaign.report.titles import energies_title, listed, title_of
from campaign.report.topic import Topic
from campaign.steering.progress import counting
from campaign.steering.status import State

WORDS = (
    ("ML(DFT_EF)", "a machine-learned force field (MACE) that was trained on energies E and forces F of the level DFT"),
    ("ML(DFT_E)", "the same from energies alone"),
    ("ΔML(HF)", "ML(DFT_EF) plus a model of the energy differences between HF and DFT: a force field for the level HF"),
    ("ΔFC(HF)", "the same, the differences described by force constants: a polynomial in the displacements of the atoms from the "
     "sites of the crystal, with all its symmetry, and a multiple of E_DFT"),
    ("level", "the method that energies come from: DFT, HF, MP2, CCSD, CCSD(T); a label is the energy of one structure at one level"),
    ("seed spread", "from the smallest to the largest value over models that differ in their random seed alone"),
    ("a straight line in E_DFT", "the difference between a level and DFT as constant + slope·E_DFT, fitted to the energies "
     "that a model of it trains on: as a force field it is ML(DFT_EF) with 1 + slope times its forces, and nothing else is learned"),
    ("not learned", "a model that does no better than a trivial one: its numbers, and its narrow spread, mean nothing"),
    ("Γ, X, L", "points of the Brillouin zone: wave vectors of the vibrations; at Γ all cells move alike, as Raman sees it"),
)


def opening(harvest: Harvest, crystals: Mapping[str, Crystal], topics: Sequence[Topic[Any]]) -> Iterator[str]:
    """A short paragraph for each system: what was computed, what topics say of it, and whether it is done."""
    for name, crystal in crystals.items():
        said = [topic.sentence(harvest, crystal) for topic in topics]
        parts = [_computed(harvest, crystal), *said, _state(harvest, name)]
        yield " ".join(part for part in parts if part)


def _computed(harvest: Harvest, crystal: Crystal) -> str:
    """Whose phonons, from which labels."""
    count = len(harvest.campaign.spec.training.seeds)
    labels = harvest.campaign.label_sets().get(crystal.name)
    levels: dict[str, list[str]] = {}
    for level, one in crystal.cells.levels.items():
        if one.files or one.engine is not None:
            made = len(labels.labels.get(level, ())) if labels is not None else 0
            origin = f"{by_engine(crystal.cells, level) or 'from files'} ({made} structures)"
            levels.setdefault(origin, []).append(title_of(level))
    texts = (f"{listed(titles)} {origin}" for origin, titles in levels.items())
    composites = (
        f" {title_of(model)} stands for {energies_title(terms)}: it adds {energies_title(terms[:2])} to {energies_title(terms[2:])}."
        for model in dict.fromkeys(work.model for work in harvest.campaign.plan.of_stage("sum") if work.system == crystal.name)
        if len(terms := harvest.stands_for(model)) > 1
    )
    return (
        f"Phonons of {crystal.name} from machine-learned force fields, each trained with {count} random "
        f"seed{'' if count == 1 else 's'} on labels of a {crystal.training_cell}: {'; '.join(texts) or 'none'}."
        f"{''.join(composites)}"
    )


def _state(harvest: Harvest, system: str) -> str:
    works = harvest.campaign.plan.work
    states = [state for key, state in harvest.states.items() if works[key].system == system]
    done, failed = _count(states, State.DONE), _count(states, State.FAILED)
    if not states or done == len(states):
        return ""
    return f"Not all is done: {done} of {counting(len(states), 'job')}{f', {failed} failed' if failed else ''}."


def _count(states: Iterable[str], state: State) -> int:
    return sum(one == state for one in states)
