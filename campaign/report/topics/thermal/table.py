"""Thermal properties at a few temperatures, a row for each model."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.harvest import PAGE_TEMPERATURES_K, Harvest, SeedGroup
from campaign.report.page_table import MISSING, PageTable, interval
from campaign.report.titles import title_of
from campaign.report.topics.thermal.gather import why_not
from campaign.results.seeds import SharedVerdict
from flows.phonons.thermal import ThermalProperties
from flows.records import PhononFacts

SHOWN_K = (300.0, 1000.0)
_HEAD = ("system", "size", "model", "seeds", "ZPE", *(f"{name}, {one:.0f} K" for one in SHOWN_K for name in "CSF"))


def thermal_table(harvest: Harvest) -> PageTable:
    """All models that have phonons; those that are not judged without numbers, and why below."""
    rows, lost, notes = [], set(), []
    for system, size, group in _groups(harvest):
        seeds = [harvest.thermal[one.work.key] for one in group.results]
        why = why_not(seeds)
        place = (system, size, title_of(group.model), str(len(seeds)))
        rows.append((*place, *_numbers([] if why else [one.properties for one in seeds if one.properties is not None])))
        if not SharedVerdict.of([one.record for one in group.results]).learned:
            lost.add(len(rows) - 1)
        if why:
            notes.append(f"Not judged good: {title_of(group.model)} of {system}, {size}: {why}.")
    return PageTable(
        "thermal",
        "Per mol of primitive cells, at constant volume; smallest…largest over the seeds. ZPE: zero-point energy, F: free energy, in kJ/mol; C: "
        f"heat capacity, S: entropy, in J/K/mol. At other temperatures: latticefarm results {harvest.campaign.name} thermal",
        _HEAD,
        tuple(rows),
        lost=frozenset(lost),
        numbers=frozenset(range(3, len(_HEAD))),
        notes=tuple(notes),
        empty="No phonons yet.",
    )


def _groups(harvest: Harvest) -> Iterator[tuple[str, str, SeedGroup[PhononFacts]]]:
    for system in harvest.campaign.spec.systems:
        for size in harvest.sizes(system):
            yield from ((system, size, group) for group in harvest.phonons(system, size).values() if group.results)


def _numbers(seeds: list[ThermalProperties]) -> Iterator[str]:
    if not seeds:
        yield from [MISSING] * (len(_HEAD) - 4)
        return
    yield interval([one.zero_point_kJ_mol for one in seeds], 2)
    for number in map(PAGE_TEMPERATURES_K.index, SHOWN_K):
        yield interval([one.heat_capacity_J_K_mol[number] for one in seeds], 2)
        yield interval([one.entropy_J_K_mol[number] for one in seeds], 2)
        yield interval([one.free_energy_kJ_mol[number] for one in seeds], 2)
