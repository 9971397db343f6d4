"""Heat capacity, entropy, free energy and zero-point energy by temperature: the interval over the seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.results import unstable
from campaign.results.columns import Column, Table
from campaign.results.seeds import SharedVerdict, by_seeds
from campaign.results.tables.places import LEARNED, MODEL, SIZE, SYSTEM, TITLE, VERDICT, place
from campaign.results.thermal import ThermalResult, one_volume, thermal_results
from flows.phonons.thermal import ThermalProperties

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

_OF_TEMPERATURE = ("heat_capacity_J_K_mol", "entropy_J_K_mol", "free_energy_kJ_mol")
QUANTITIES = (*_OF_TEMPERATURE, "zero_point_kJ_mol")


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    found = {one.work.key: one for one in thermal_results(campaign)}
    for group in by_seeds(one.phonons for one in found.values()):
        yield from _of_model(campaign, [found[one.work.key] for one in group])


def _of_model(campaign: Outcomes, group: list[ThermalResult]) -> Iterator[dict[str, Any]]:
    """A row for each temperature; one without numbers where no seed has any."""
    system = group[0].work.system
    common = _common(group) | {"atoms": len(campaign.spec.systems[system].primitive.symbols), "one_volume": one_volume(campaign, system)}
    known = [one.properties for one in group if one.properties is not None]
    if not known:
        yield common
        return
    for number, temperature in enumerate(known[0].temperatures_K):
        yield common | {"temperature_K": temperature} | _intervals(known, number)


def _common(group: list[ThermalResult]) -> dict[str, Any]:
    records = [one.phonons.record for one in group]
    facts, shared = place(group[0].work), SharedVerdict.of(records)
    return {name: facts[name] for name in ("system", "model", "title", "size")} | {
        "seed_count": sum(one.properties is not None for one in group),
        "learned": shared.learned,
        "verdict": shared.verdict,
        "why": "; ".join(dict.fromkeys(one.why for one in group if one.why)) or None,
        "stable": all(one.properties is not None and one.properties.imaginary == 0 for one in group),
        "imaginary_part": max((one.properties.imaginary for one in group if one.properties is not None), default=None),
        "lowest_cm1": unstable.lowest_cm1(unstable.worst(records)),
    }


def _intervals(known: list[ThermalProperties], number: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in QUANTITIES:
        values = [one.zero_point_kJ_mol if name == "zero_point_kJ_mol" else getattr(one, name)[number] for one in known]
        found |= {_column("min", name): min(values), _column("max", name): max(values)}
    return found


def _column(end: str, quantity: str) -> str:
    return f"{end}_{quantity}"


def _as_intervals(frame: Any) -> Any:
    """For a terminal: from the smallest to the largest in one column."""
    shown = frame.copy()
    for name in QUANTITIES:
        pairs = zip(frame[_column("min", name)], frame[_column("max", name)], strict=True)
        shown[name] = [_interval(low, high) for low, high in pairs]
    return shown


def _interval(low: float, high: float) -> str | None:
    if low != low:  # not a number
        return None
    least, most = f"{low:z.2f}", f"{high:z.2f}"
    return least if least == most else f"{least}…{most}"


def _notes(frame: Any) -> Iterator[str]:
    yield (
        "at constant volume, harmonic, by all modes of the mesh; per mol of primitive cells; smallest…largest over the seeds. C: heat "
        "capacity, S: entropy, F: Helmholtz free energy with the zero-point energy ZPE, above the energy of the crystal at rest"
    )
    yield from dict.fromkeys(frame["one_volume"])
    models = frame.drop_duplicates(["system", "model", "size"])
    for row in models.itertuples():
        what = f"{row.title} of {row.system}, {row.size}" if row.size else f"{row.title} of {row.system}"
        if row.why:
            yield f"not there: {what}: {row.why}"
        elif not row.stable:
            yield (
                f"not judged good: {what}: {100 * row.imaginary_part:.2g} % of the modes of its worst seed are imaginary (lowest "
                f"{row.lowest_cm1:.0f} cm^-1) and left out; a crystal that is unstable has no harmonic free energy"
            )
        if not row.learned:
            yield f"not learned: {what}: {row.verdict}; its spread says nothing about its error"


_TEMPERATURE = Column("temperature_K", "float", "T\nK", 0)
_SEEDS = Column("seed_count", "int", "seeds")

THERMAL = Table(
    "thermal",
    "heat capacity, entropy, free energy and zero-point energy by temperature, per mol of primitive cells",
    (
        *(SYSTEM, SIZE, MODEL, TITLE, LEARNED, VERDICT, _SEEDS),
        Column("atoms", "int"),
        Column("stable", "bool"),
        Column("imaginary_part", "float"),
        Column("lowest_cm1", "float"),
        _TEMPERATURE,
        *(Column(_column(end, name), "float") for name in QUANTITIES for end in ("min", "max")),
        Column("why"),
        Column("one_volume"),
    ),
    _rows,
    view=_as_intervals,
    view_columns=(
        *(SYSTEM, SIZE, TITLE, _SEEDS, _TEMPERATURE),
        Column("heat_capacity_J_K_mol", header="C\nJ/K/mol"),
        Column("entropy_J_K_mol", header="S\nJ/K/mol"),
        Column("free_energy_kJ_mol", header="F\nkJ/mol"),
        Column("zero_point_kJ_mol", header="ZPE\nkJ/mol"),
        Column("stable", "bool", "stable"),
    ),
    notes=lambda frame: list(_notes(frame)) if len(frame) else [],
)
