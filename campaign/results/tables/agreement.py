"""Two methods for one difference: frequencies of the sum with MACE beside those of the sum with force constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.planning.work import shown
from campaign.results.columns import Column, Table
from campaign.results.result import Result
from campaign.results.tables.places import SIZE, SYSTEM
from flows.records import PhononFacts
from flows.training.names import ModelName

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

    Phonons = Mapping[int, Result[PhononFacts]]  # by seed

WITHIN = 2.0
"""Standard errors within which two methods agree."""

_AT_REST_CM1 = 1.0  # translations


def levels_of_both(models: Iterable[str]) -> set[str]:
    """The levels whose difference is asked for by MACE and by force constants."""
    names = [name for name in map(ModelName.parse, models) if name.base is not None]
    mace, fc = ({name.level for name in names if name.method == method} for method in ("mace", "fc"))
    return mace & fc


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    """One for each system, level and size that both methods have phonons of, with the same seeds of the base."""
    found: dict[tuple[str, str, str], dict[str, dict[int, Result[PhononFacts]]]] = {}
    for one in campaign.frequencies():
        if one.work.seed is None or (name := ModelName.parse(one.work.model)).kind != "sum":
            continue
        methods = found.setdefault((one.work.system, name.level, one.work.size), {})
        methods.setdefault(name.method, {})[one.work.seed] = one
    for (system, level, size), methods in found.items():
        seeds = sorted(methods.get("mace", {}).keys() & methods.get("fc", {}).keys())
        if seeds:
            place = {"system": system, "level": level, "size": size, "seed_count": len(seeds)}
            yield place | _compared({seed: methods["mace"][seed] for seed in seeds}, {seed: methods["fc"][seed] for seed in seeds})


def _compared(networks: Phonons, lattices: Phonons) -> dict[str, Any]:
    """Of the same base, so that its own error is in none of it."""
    first = next(iter(lattices.values()))
    points = first.record.points_cm1
    names = [(point, band) for point, values in points.items() for band in range(len(values))]
    seen = {
        method: np.array([[one.record.points_cm1[point][band] for point, band in names] for one in some.values()])
        for method, some in (("mace", networks), ("fc", lattices))
    }
    moving = np.abs(seen["fc"]).min(axis=0) > _AT_REST_CM1
    apart = (seen["mace"] - seen["fc"])[:, moving]
    said = np.array([first.record.point_errors_cm1[point][band] for point, band in names])[moving]
    mean, spread = apart.mean(axis=0), np.ptp(apart, axis=0)
    worst = int(np.abs(mean).argmax())
    allowed = WITHIN * np.hypot(said, spread / 2)
    learned = all(one.record.learned for some in (networks, lattices) for one in some.values())
    point, band = [name for name, moves in zip(names, moving, strict=True) if moves][worst]
    return {
        "network": shown(next(iter(networks.values())).work.model),
        "lattice": shown(first.work.model),
        "rms_cm1": float(np.sqrt((apart**2).mean())),
        "largest_cm1": float(mean[worst]),
        "largest_at": point,
        "largest_band": band + 1,
        "error_cm1": float(np.sqrt((said**2).mean())),
        "spread_cm1": float(spread.mean()) if len(networks) > 1 else None,
        "within": float((np.abs(mean) <= allowed).mean()) if len(networks) > 1 else None,
        "learned": learned,
        "verdict": _verdict(learned, float(np.abs(mean).max()), float((np.abs(mean) <= allowed).mean()), len(networks)),
    }


def _verdict(learned: bool, largest_cm1: float, within: float, seeds: int) -> str:
    if not learned:
        return "cannot be said: not both have learned"
    if seeds < 2:
        return f"differ by up to {largest_cm1:.0f} cm^-1; by one seed it cannot be said what of that is error"
    if within >= 0.9:
        return f"agree within their errors (up to {largest_cm1:.0f} cm^-1 apart)"
    return f"do not agree: {1 - within:.0%} of the modes are farther apart than their errors, by up to {largest_cm1:.0f} cm^-1"


def _notes(frame: Any) -> list[str]:
    said = (f"{row.network} and {row.lattice} of {row.system}, {row.size}: {row.verdict}" for row in frame.itertuples())
    return [
        "ΔML less ΔFC on the same base, over all modes at the named points; error: RMS of what force constants say of theirs; "
        "spread: of the distance over the seeds; within: modes that are no farther apart than twice both together",
        *said,
    ]


_PLACE = (
    SYSTEM,
    Column("level", header="level"),
    SIZE,
    Column("network", header="MACE"),
    Column("lattice", header="force\nconstants"),
    Column("seed_count", "int", "seeds"),
)
_NUMBERS = (
    Column("rms_cm1", "float", "RMS\ncm^-1", 1),
    Column("largest_cm1", "float", "largest\ncm^-1", 1),
    Column("largest_at", header="at"),
)
_ERRORS = (
    Column("error_cm1", "float", "error\ncm^-1", 1),
    Column("spread_cm1", "float", "spread\ncm^-1", 1),
    Column("within", "float", "within", 2),
)

AGREEMENT = Table(
    "agreement",
    "two methods for one difference: sums with MACE beside sums with force constants",
    (*_PLACE, *_NUMBERS, Column("largest_band", "int"), *_ERRORS, Column("learned", "bool"), Column("verdict")),
    _rows,
    view_columns=(*_PLACE, *_NUMBERS, *_ERRORS),
    notes=_notes,
)
