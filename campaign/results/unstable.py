"""Unstable modes in words: a share of the mesh, and where the lowest is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from flows.records import PhononFacts, Vector

NOISE_CM1 = -1.0  # acoustic modes at Γ are not exactly zero


def lowest_cm1(record: PhononFacts) -> float:
    """The lowest frequency that was found; of a record of before version 0.2 that of the path, or of what it lists."""
    if record.unstable is not None:
        return record.unstable.lowest_cm1
    if record.imaginary:
        return record.imaginary[0].frequency_cm1
    along = (value for block in record.bands.frequencies_cm1 for row in block for value in row)
    return min(chain(along, *record.points_cm1.values()), default=0.0)


def worst(records: Iterable[PhononFacts]) -> PhononFacts:
    """The one with the lowest frequency."""
    return min(records, key=lowest_cm1)


def is_unstable(record: PhononFacts) -> bool:
    """Whether modes on the mesh are imaginary: what lies off it, or above the threshold, may be of the interpolation."""
    return record.unstable.count > 0 if record.unstable is not None else lowest_cm1(record) < NOISE_CM1


def facts(record: PhononFacts) -> dict[str, Any]:
    """Columns of a table. A record of before version 0.2 has counted q-points of the path too: no number is given."""
    found = record.unstable
    counted = {"imaginary_count": found.count, "mode_count": found.total} if found is not None else {}
    return {**counted, "lowest_cm1": lowest_cm1(record), "imaginary": short(record)}


def short(record: PhononFacts) -> str:
    """`none`, `0.3 %` of the modes on the mesh (`0 %`: the lowest is off it, or above the threshold), `yes` where they
    were not counted."""
    found = record.unstable
    if found is None:
        return "yes" if lowest_cm1(record) < NOISE_CM1 else "none"
    if found.count:
        return f"{max(100 * found.count / found.total, 0.01):.2g} %"
    return "none" if found.lowest_cm1 >= NOISE_CM1 else "0 %"


def text(record: PhononFacts) -> str:
    """In a caption; empty where there is none."""
    found = record.unstable
    if lowest_cm1(record) >= NOISE_CM1:
        return ""
    if found is None:
        return f"imaginary modes, the lowest {lowest_cm1(record):.0f} cm^-1"
    share = f"{found.count} of {found.total} modes on the mesh are imaginary"
    return f"{share}, the lowest {found.lowest_cm1:.0f} cm^-1 at {found.label or _fractions(found.qpoint)}"


def _fractions(qpoint: Vector) -> str:
    return f"({', '.join(f'{x:.3g}' for x in qpoint)})"
