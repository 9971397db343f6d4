"""The numbers of thermal properties: the spread over the seeds, model by model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from campaign.report.crystal import Crystal
from campaign.report.document import Absent
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.titles import title_of
from campaign.report.topics.thermal.caption import thermal_alt, thermal_caption
from campaign.report.topics.thermal.payload import Curve, ThermalFigure, ThermalModel
from campaign.results.thermal import ThermalResult
from flows.phonons.thermal import ThermalProperties, gas_constant_J_K_mol
from flows.records import PhononFacts


def thermal_figure(harvest: Harvest, crystal: Crystal, size: str) -> ThermalFigure | None:
    """All models of a size; None where none of them can be drawn."""
    groups = [group for group in harvest.phonons(crystal.name, size).values() if group.results]
    found = {group.model: [harvest.thermal[one.work.key] for one in group.results] for group in groups}
    reasons = {group.model: why_not(found[group.model]) for group in groups}
    drawn = {group.model: [one.properties for one in found[group.model] if one.properties] for group in groups if not reasons[group.model]}
    if not drawn:
        return None
    base = _mean(next(iter(drawn.values())))
    draft = ThermalFigure(
        name=f"thermal_{crystal.name}_{size}",
        system=crystal.name,
        heading=f"Thermal properties: {crystal.name}, {size}",
        alt="",
        caption="",
        size=size,
        temperatures_K=next(iter(drawn.values()))[0].temperatures_K,
        limit_J_K_mol=3 * len(crystal.cells.primitive.symbols) * gas_constant_J_K_mol(),
        models=tuple(_model(group, drawn[group.model], base) for group in groups if group.model in drawn),
        absent=tuple(Absent(title=title_of(model), why=why) for model, why in reasons.items() if why),
    )
    return draft.worded(thermal_caption(draft, harvest, crystal), thermal_alt(draft))


def why_not(seeds: Sequence[ThermalResult]) -> str:
    """Why a model is not judged; empty: it is."""
    unread = [one.why for one in seeds if one.why]
    if unread:
        return unread[0]
    worst = max(one.properties.imaginary for one in seeds if one.properties is not None)
    return f"{100 * worst:.2g} % of the modes of its worst seed are imaginary" if worst else ""


def _model(group: SeedGroup[PhononFacts], seeds: Sequence[ThermalProperties], base: Curve) -> ThermalModel:
    capacities = [one.heat_capacity_J_K_mol for one in seeds]
    off = [tuple(round(value - zero, 9) for value, zero in zip(one.free_energy_kJ_mol, base, strict=True)) for one in seeds]
    return ThermalModel(
        **group.facts(),
        low_heat_capacity_J_K_mol=_each(min, capacities),
        high_heat_capacity_J_K_mol=_each(max, capacities),
        low_off_kJ_mol=_each(min, off),
        high_off_kJ_mol=_each(max, off),
    )


def _mean(seeds: Sequence[ThermalProperties]) -> Curve:
    return tuple(sum(values) / len(seeds) for values in zip(*(one.free_energy_kJ_mol for one in seeds), strict=True))


def _each(choose: Callable[[Curve], float], curves: Sequence[Curve]) -> Curve:
    return tuple(choose(values) for values in zip(*curves, strict=True))
