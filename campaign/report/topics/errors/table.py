"""The table of trainings: errors of every model and size, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from campaign.report.page_table import PageTable, Row, grouped, interval
from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.seeds import reasons_by_seed

HEAD = (
    *("system", "model", "size", "seeds", "train/valid/test"),
    *("E train", "E valid", "E test", "F train", "F valid", "F test", "line", "|ΔF|", "verdict"),
)
NOTES = (
    "line: what a straight line in the energy of the lower level reaches that was fitted to the structures that train, on "
    "test structures, else on those that validate, which also chose the epoch; |ΔF|: the RMS force that a difference adds, meV/Å; seeds: done of those asked for, none of force constants.",
)
SPREAD: tuple[tuple[str, int], ...] = (
    *((f"{split}_energy_meV_atom", 2) for split in ("train", "valid", "test")),
    *((f"{split}_force_meV_A", 1) for split in ("train", "valid", "test")),
    ("line_meV_atom", 2),
    ("rms_delta_force_meV_A", 1),
)


def training_table(campaign: Campaign) -> PageTable:
    """Every model and size in a row: errors as intervals over the seeds, and the verdict."""
    found = grouped(records(campaign.table("training")), ("system", "title", "size"))
    works = campaign.layout.work.values()
    asked = Counter((work.system, work.model, work.size) for work in works if work.stage in ("train", "sum"))
    lost = {number: _lost(rows) for number, rows in enumerate(found) if _lost(rows)}
    return PageTable(
        "training",
        "Errors of models and sums, from the smallest to the largest over the seeds: energies E in meV/atom, forces F in meV/Å",
        HEAD,
        tuple(_row(rows, asked) for rows in found),
        lost=frozenset(lost),
        numbers=frozenset(range(3, 13)),
        empty="Nothing is trained yet.",
        notes=(*_verdicts([found[number] for number in lost]), *NOTES),
    )


def _row(rows: Sequence[Row], asked: Counter[tuple[str, str, str]]) -> tuple[str, ...]:
    first, lost = rows[0], _lost(rows)
    counts = [str(first[f"{split}_count"] or 0) for split in ("train", "valid", "test")]
    return (
        *(str(first[name]) for name in ("system", "title", "size")),
        "none" if first["seed"] is None else f"{len(rows)}/{asked[first['system'], first['model'], first['size']]}",
        "/".join(counts),
        *(interval([row[name] for row in rows], digits) for name, digits in SPREAD),
        f"not learned ({len(lost)} of {len(rows)} seeds)" if lost else "learned",
    )


def _lost(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row["learned"]]


def _verdicts(grouped: Sequence[Sequence[Row]]) -> Iterator[str]:
    """Why models have not learned: each seed with its own reason."""
    for rows in grouped:
        reasons = reasons_by_seed({row["seed"]: row["verdict"] or "see its parts" for row in _lost(rows)})
        yield f"Not learned: {rows[0]['title']} of {rows[0]['system']}, {rows[0]['size']}, {reasons}"
