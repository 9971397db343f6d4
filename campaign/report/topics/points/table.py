"""The table of phonons at named points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaign.planning.work import is_model
from campaign.report.crystal import Crystal
from campaign.report.page_table import MISSING, PageTable, Row, grouped, interval
from campaign.report.qpoints import DAGGER, DOUBLE_DAGGER
from campaign.report.straight_line import NOTE, line_cell
from campaign.report.titles import phonons_title
from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.tables.phonons import GAMMA

SHOWN_POINTS = (GAMMA, "X", "L")


def points_table(campaign: Campaign, crystals: Mapping[str, Crystal]) -> PageTable:
    """Frequencies at Γ, X and L (at all named points of a lattice without them), with their seed spread."""
    rows = [
        row for row in records(campaign.table("phonons")) if _is_shown(row["point"], crystals[row["system"]])
    ]
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    rows.sort(key=lambda row: _order(row, list(campaign.spec.systems), sizes))
    found = grouped(rows, ("system", "size", "point", "title"))
    return PageTable(
        "points",
        "Frequencies in cm^-1, from the smallest to the largest over the seeds; ×n: n-fold",
        ("system", "size", "q", "model", "seeds", "modes", "line", "imaginary"),
        tuple(_row(modes, crystals[modes[0]["system"]]) for modes in found),
        empty="No phonons yet.",
        lost=frozenset(i for i, modes in enumerate(found) if not modes[0]["learned"]),
        notes=(
            f"{DAGGER}: the training cell does not hold the point; {DOUBLE_DAGGER}: the supercell of the phonons does not. Not learned: the width of the spread says nothing "
            "about the error. Imaginary: of the modes on the mesh, of the worst seed; 0 %: the lowest is between its points.",
            *([NOTE] if any(row["line_min_cm1"] is not None for row in rows) else []),
        ),
    )


def _row(modes: Sequence[Row], crystal: Crystal) -> tuple[str, ...]:
    first = modes[0]
    return (
        first["system"],
        first["size"],
        first["point"] + crystal.marks.get(first["point"], ""),
        _whose(first),
        f"{first['seed_count']}/{first['planned_seed_count']}" if is_model(first["model"]) else MISSING,
        ", ".join(interval([mode["min_cm1"], mode["max_cm1"]], 0) + _fold(mode) for mode in modes),
        ", ".join(line_cell(mode, 0) + _fold(mode) for mode in modes if mode["line_min_cm1"] is not None) or MISSING,
        first["imaginary"],
    )


def _whose(row: Row) -> str:
    title = phonons_title(row["model"])
    return title if row["learned"] else f"{title}, not learned"


def _fold(mode: Row) -> str:
    return f" ×{mode['degeneracy']}" if mode["degeneracy"] > 1 else ""


def _is_shown(point: str, crystal: Crystal) -> bool:
    return point in SHOWN_POINTS or not set(SHOWN_POINTS) <= crystal.path.points.keys()


def _order(row: Row, systems: list[str], sizes: list[str]) -> tuple[int, int, int]:
    """Systems and sizes of the plan, then point by point, so that models stand below each other."""
    points = SHOWN_POINTS.index(row["point"]) if row["point"] in SHOWN_POINTS else len(SHOWN_POINTS)
    return systems.index(row["system"]), sizes.index(row["size"]), points
