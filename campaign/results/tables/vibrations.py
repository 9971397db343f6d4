"""What long MD of each model showed: how it ran, and where its states lie."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING, Any

from campaign.results.columns import Column, Table
from campaign.results.tables.places import KEY, LEARNED, MODEL, SEED, SIZE, SYSTEM, TITLE, VERDICT, place
from flows.records import Vibrations

if TYPE_CHECKING:
    from pandas import DataFrame

    from campaign.results.outcomes import Outcomes

_CHANCE = 5.0  # standard deviations of the kinetic energy of 3N modes, of the mean of the starts

_RUN = (
    Column("temperature_K", "float", "T\nK", 0),
    Column("measured_temperature_K", "float", "T seen\nK", 1),
    Column("atoms", "int"),
    Column("steps", "int", "steps"),
    Column("timestep_fs", "float", "fs"),
    Column("starts", "int", "starts"),
    Column("largest_drift_meV_atom", "float", "drift\nmeV/at", 3),
    Column("mean_cm1", "float", "mean\ncm^-1", 0),
    Column("edge_cm1", "float", "edge\ncm^-1", 0),
    Column("verlet_shift_cm1", "float", "shift\ncm^-1", 2),
    Column("resolution_cm1", "float"),
    Column("window"),
    Column("definition"),
    Column("resumed", "bool"),
    Column("device"),
    Column("wall_time_s", "float", "time\ns", 0),
)


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    for result in campaign.vibrations():
        judged = {"learned": result.record.learned, "verdict": result.record.verdict or None}
        yield {**place(result.work), **judged, **_run(result.record)}


def _run(record: Vibrations) -> dict[str, Any]:
    same = [column.name for column in _RUN if column.name in Vibrations.model_fields and column.name != "starts"]
    return {name: getattr(record, name) for name in same} | {
        "measured_temperature_K": sum(one.temperature_K for one in record.starts) / len(record.starts),
        "starts": len(record.starts),
        "largest_drift_meV_atom": max((one.drift_meV_atom for one in record.starts), key=abs),
        "mean_cm1": _mean_cm1(record),
        "resumed": any(one.resumed_from_steps for one in record.starts),
    }


def _mean_cm1(record: Vibrations) -> float:
    """Of the states. The highest peak would be another one with each seed where two are alike."""
    return sum(f * states for f, states in zip(record.frequencies_cm1, record.total, strict=True)) / sum(record.total)


def _notes(frame: DataFrame) -> Iterator[str]:
    yield (
        "drift: of the total energy, the largest over starts; mean: of the states; edge: 99 % of the states lie below; shift: of a mode "
        "at the edge, by the timestep; nuclei are classical"
    )
    for row in frame.itertuples():
        chance = _CHANCE * row.temperature_K * sqrt(2 / (3 * row.atoms * row.starts))
        if abs(row.measured_temperature_K - row.temperature_K) > chance:
            yield (
                f"not at its temperature: MD of {row.title} of {row.system}, {row.size}, seed {row.seed} had "
                f"{row.measured_temperature_K:.0f} K, which by chance is within {chance:.0f} K of {row.temperature_K:.0f} K: it had "
                "not settled (equilibration_steps), or has left a crystal that is unstable"
            )


VIBRATIONS = Table(
    "vibrations",
    "long classical MD of each model and its density of states",
    (SYSTEM, TITLE, MODEL, SIZE, SEED, LEARNED, *_RUN, VERDICT, KEY),
    _rows,
    notes=lambda frame: list(_notes(frame)) if len(frame) else [],
)
