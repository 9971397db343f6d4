"""The first sentences of the page: what was computed of each system, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign.report.engines import by_engine, listed
from campaign.report.place import Crystal
from campaign.report.seeds import Harvest, SeedGroup, title_of
from campaign.results.render import records
from campaign.results.tables.frozen import optical_cm1
from campaign.results.tables.phonons import GAMMA
from campaign.standing import State
from flows.records import PhononFacts

WORDS = (
    ("ML(DFT_EF)", "a machine-learned force field (MACE) that was trained on energies E and forces F of the level DFT"),
    ("ML(DFT_E)", "the same from energies alone"),
    ("ΔML(HF)", "ML(DFT_EF) plus a model of the energy differences between HF and DFT: a force field for the level HF"),
    ("level", "the method that energies come from: DFT, HF, MP2, CCSD, CCSD(T); a label is the energy of one structure at one level"),
    ("seed spread", "from the smallest to the largest value over models that differ in their random seed alone"),
    ("not learned", "a model that does no better than a trivial one: its numbers, and its narrow spread, mean nothing"),
    ("Γ, X, L", "points of the Brillouin zone: wave vectors of the vibrations; at Γ all cells move alike, as Raman sees it"),
)


def lead(harvest: Harvest, crystals: dict[str, Crystal]) -> Iterator[str]:
    """A short paragraph for each system."""
    for name, crystal in crystals.items():
        parts = [_computed(harvest, crystal), _found(harvest, crystal), _checked(harvest, name), _state(harvest, name)]
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
    return (
        f"Phonons of {crystal.name} from machine-learned force fields, each trained with {count} random "
        f"seed{'' if count == 1 else 's'} on labels of a {crystal.training_cell}: {'; '.join(texts) or 'none'}."
    )


def _found(harvest: Harvest, crystal: Crystal) -> str:
    """The optical mode at Γ by model, or the highest frequency of a crystal that has none, and what was measured."""
    optical = len(crystal.cells.primitive.symbols) > 1
    size = next(iter(harvest.sizes(crystal.name)), "")
    groups = [group for group in harvest.phonons(crystal.name, size).values() if group.results]
    models = [_model(group, optical) for group in groups]
    if not models:
        return ""
    of = "The optical mode at Γ" if optical else "The highest frequency at a named point"
    several = f", models of size {size}" if len(harvest.sizes(crystal.name)) > 1 else ""
    measured = [f"experiment {one.value_cm1:g}" for one in crystal.markers if one.label == GAMMA] if optical else []
    return f"{of} (cm^-1, from the smallest to the largest over the seeds{several}): {'; '.join([*models, *measured])}."


def _model(group: SeedGroup[PhononFacts], optical: bool) -> str:
    learned = all(one.record.learned for one in group.results)
    values = [_frequency(one.record, optical) for one in group.results]
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"{title_of(group.model)} {low if low == high else f'{low}…{high}'}{'' if learned else ' (not learned)'}"


def _frequency(record: PhononFacts, optical: bool) -> float:
    if optical and GAMMA in record.points_cm1:
        return optical_cm1(record)
    return max(value for values in record.points_cm1.values() for value in values)


def _checked(harvest: Harvest, system: str) -> str:
    """How far models are from the frozen phonons of their own levels: those that have learned, if any has."""
    rows = [row for row in records(harvest.campaign.table("frozen")) if row["system"] == system and row["seed_count"]]
    learned = [row for row in rows if row["learned"]]
    off = [abs(row["worst_off_percent"]) for row in learned or rows if row["worst_off_percent"] is not None]
    if not off:
        return ""
    whose = f"{max(off):.1f} % of the frozen phonon that the engine itself has for their level"
    return f"Models that have learned are within {whose}." if learned else f"No model has learned; all are within {whose}."


def _state(harvest: Harvest, system: str) -> str:
    works = harvest.campaign.plan.work
    states = [state for key, state in harvest.states.items() if works[key].system == system]
    done, failed = _count(states, State.DONE), _count(states, State.FAILED)
    if not states or done == len(states):
        return ""
    return f"Not all is done: {done} of {len(states)} pieces of work{f', {failed} failed' if failed else ''}."


def _count(states: Iterable[str], state: State) -> int:
    return sum(one == state for one in states)
