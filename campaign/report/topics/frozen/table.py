"""The table of frozen phonons: models beside the level that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.report.page_table import MISSING, PageTable, Row, interval
from campaign.report.straight_line import NOTE, line_cell
from campaign.report.titles import title_of
from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.unstable import NOISE_CM1

HEAD = (
    *("system", "level", "frozen phonon", "model", "size", "seeds", "models", "off by cm^-1", "off by %"),
    *("line", "line off by %", "imaginary"),
)


def frozen_table(campaign: Campaign, checked: Sequence[str]) -> PageTable:
    """Models beside the frozen phonon of the level that they stand for; `checked` are the systems that ask for it."""
    rows = records(campaign.table("frozen"))
    return PageTable(
        "frozen",
        "The optical mode at Γ in cm^-1: frozen phonons of the levels, and the models that stand for them, from the "
        "smallest to the largest over the seeds",
        HEAD,
        tuple(_row(row) for row in rows),
        empty=f"Not there yet: not all displaced structures of {', '.join(checked)} are labelled.",
        lost=frozenset(i for i, row in enumerate(rows) if row["seed_count"] and not row["learned"]),
        numbers=frozenset({2, *range(5, len(HEAD) - 1)}),
        notes=tuple(_notes(rows)),
    )


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield "off by: model less frozen phonon, of the worst seed."
    if any(row["line_min_cm1"] is not None for row in rows):
        yield NOTE


def _row(row: Row) -> tuple[str, ...]:
    off, percent, line = (row[name] for name in ("worst_off_cm1", "worst_off_percent", "line_worst_off_percent"))
    lost = row["seed_count"] and not row["learned"]
    return (
        row["system"],
        title_of(row["level"]),
        f"{row['frozen_cm1']:.1f}",
        f"{row['title']}, not learned" if lost else row["title"],
        row.get("size") or MISSING,
        str(row["seed_count"] or MISSING),
        interval([row.get("min_cm1"), row.get("max_cm1")], 1),
        MISSING if off is None else f"{off:+.1f}",
        MISSING if percent is None else f"{percent:+.1f}",
        line_cell(row, 1),
        MISSING if line is None else f"{line:+.1f}",
        _imaginary(row),
    )


def _imaginary(row: Row) -> str:
    """The share of the modes on the mesh, and the lowest."""
    if row["lowest_cm1"] is None or row["lowest_cm1"] >= NOISE_CM1:
        return row["imaginary"] or MISSING
    return f"{row['imaginary']}, lowest {row['lowest_cm1']:.0f} cm^-1"
