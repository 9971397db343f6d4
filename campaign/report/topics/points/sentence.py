"""The optical mode at Γ in a sentence, model by model, and what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaign.report.crystal import Crystal
from campaign.report.engines import minimal_bases
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.straight_line import line_in
from campaign.report.titles import title_of
from campaign.results import unstable
from campaign.results.tables.frozen import optical_cm1
from campaign.results.tables.phonons import GAMMA, interval, lines_of
from flows.records import PhononFacts


def points_sentence(harvest: Harvest, crystal: Crystal) -> str:
    """The optical mode at Γ by model, or the highest frequency of a crystal that has none, and what was measured."""
    optical = len(crystal.cells.primitive.symbols) > 1
    size = next(iter(harvest.sizes(crystal.name)), "")
    groups = [group for group in harvest.phonons(crystal.name, size).values() if group.results]
    models = [_model(harvest, group, optical) for group in groups]
    if not models:
        return ""
    of = "The optical mode at Γ" if optical else "The highest frequency at a named point"
    itself = [f"{title_of(level)} itself is unstable: {text}" for level, text in _unstable_levels(harvest, crystal.name)]
    several = f", models of size {size}" if len(harvest.sizes(crystal.name)) > 1 else ""
    measured = [_measured(one.value_cm1, crystal) for one in crystal.markers if one.label == GAMMA and optical]
    return f"{of} (cm^-1, from the smallest to the largest over the seeds{several}): {'; '.join([*models, *itself, *measured])}."


def _unstable_levels(harvest: Harvest, system: str) -> Iterator[tuple[str, str]]:
    """Of the levels whose own phonons are there."""
    found = harvest.direct(system).items()
    return ((level, unstable.text(record)) for level, record in found if unstable.is_unstable(record))


def _model(harvest: Harvest, group: SeedGroup[PhononFacts], optical: bool) -> str:
    remarks = [] if all(one.record.learned for one in group.results) else ["not learned"]
    if any(unstable.is_unstable(one.record) for one in group.results):
        remarks.append(f"unstable: {unstable.text(unstable.worst(one.record for one in group.results))}")
    if lines := lines_of(harvest.campaign.lines(), group.results):
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
