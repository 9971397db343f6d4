"""The first sentences of the page: what was computed of each system, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaign.report.crystal import Crystal
from campaign.report.engines import by_engine, listed, minimal_bases
from campaign.report.harvest import Harvest, SeedGroup, title_of
from campaign.report.topics.frozen.sentence import check, line_in
from campaign.results.tables.frozen import optical_cm1
from campaign.results.tables.phonons import GAMMA, interval, lines_of
from campaign.steering.status import State
from flows.records import PhononFacts

WORDS = (
    ("ML(DFT_EF)", "a machine-learned force field (MACE) that was trained on energies E and forces F of the level DFT"),
    ("ML(DFT_E)", "the same from energies alone"),
    ("ΔML(HF)", "ML(DFT_EF) plus a model of the energy differences between HF and DFT: a force field for the level HF"),
    ("level", "the method that energies come from: DFT, HF, MP2, CCSD, CCSD(T); a label is the energy of one structure at one level"),
    ("seed spread", "from the smallest to the largest value over models that differ in their random seed alone"),
    ("a straight line in E_DFT", "the difference between a level and DFT as constant + slope·E_DFT, fitted to the energies "
     "that a model of it trains on: as a force field it is ML(DFT_EF) with 1 + slope times its forces, and nothing else is learned"),
    ("not learned", "a model that does no better than a trivial one: its numbers, and its narrow spread, mean nothing"),
    ("Γ, X, L", "points of the Brillouin zone: wave vectors of the vibrations; at Γ all cells move alike, as Raman sees it"),
)


def lead(harvest: Harvest, crystals: dict[str, Crystal]) -> Iterator[str]:
    """A short paragraph for each system."""
    for name, crystal in crystals.items():
        parts = [_computed(harvest, crystal), _found(harvest, crystal), check(harvest, name), _state(harvest, name)]
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
    models = [_model(harvest, group, optical) for group in groups]
    if not models:
        return ""
    of = "The optical mode at Γ" if optical else "The highest frequency at a named point"
    several = f", models of size {size}" if len(harvest.sizes(crystal.name)) > 1 else ""
    measured = [_measured(one.value_cm1, crystal) for one in crystal.markers if one.label == GAMMA and optical]
    return f"{of} (cm^-1, from the smallest to the largest over the seeds{several}): {'; '.join([*models, *measured])}."


def _model(harvest: Harvest, group: SeedGroup[PhononFacts], optical: bool) -> str:
    remarks = [] if all(one.record.learned for one in group.results) else ["not learned"]
    if lines := lines_of(harvest.campaign, group.results):
        remarks.append(f"{line_in(lines[0].base)}: {_span(_frequency(line.points_cm1, optical) for line in lines)}")
    values = _span(_frequency(one.record.points_cm1, optical) for one in group.results)
    return f"{title_of(group.model)} {values}" + (f" ({'; '.join(remarks)})" if remarks else "")


def _measured(value_cm1: float, crystal: Crystal) -> str:
    """With what keeps it from being compared: experiment is not harmonic, and a minimal basis is no level of theory."""
    basis = minimal_bases(crystal.cells)
    far = f"; the labels' minimal basis, {basis}, at Γ alone is tens of per cent away from it" if basis else ""
    return f"experiment {value_cm1:g} (as measured, the others harmonic{far})"


def _span(values: Iterable[float]) -> str:
    known = list(values)
    return interval(min(known), max(known))


def _frequency(points_cm1: Mapping[str, Sequence[float]], optical: bool) -> float:
    if optical and GAMMA in points_cm1:
        return optical_cm1(points_cm1)
    return max(value for values in points_cm1.values() for value in values)


def _state(harvest: Harvest, system: str) -> str:
    works = harvest.campaign.plan.work
    states = [state for key, state in harvest.states.items() if works[key].system == system]
    done, failed = _count(states, State.DONE), _count(states, State.FAILED)
    if not states or done == len(states):
        return ""
    return f"Not all is done: {done} of {len(states)} pieces of work{f', {failed} failed' if failed else ''}."


def _count(states: Iterable[str], state: State) -> int:
    return sum(one == state for one in states)
