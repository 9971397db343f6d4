"""The tables of the page: text in cells, the seed spread in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import DAGGER, DOUBLE_DAGGER
from campaign.report.harvest import is_model, phonons_title, title_of
from campaign.report.user_references import given_rows
from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.tables import find_table
from campaign.results.tables.failures import SHORT_KEY
from campaign.results.tables.phonons import GAMMA

Row = dict[str, Any]
MISSING = "·"
SHOWN_POINTS = (GAMMA, "X", "L")
AT_MOST = 40
FROZEN_HEAD = (
    *("system", "level", "frozen phonon", "model", "size", "seeds", "models", "off by cm^-1", "off by %"),
    *("line", "line off by %"),
)
TRAINING_HEAD = (
    *("system", "model", "size", "seeds", "train/valid/test"),
    *("E train", "E valid", "E test", "F train", "F test", "line", "|ΔF|", "verdict"),
)
TRAINING_NOTES = (
    "line: what a straight line in the energy of the lower level reaches that was fitted to the structures that train, on "
    "test structures, else on those that validate, which also chose the epoch; |ΔF|: the RMS force that a difference adds, meV/Å; seeds: done of those asked for.",
)
LINE = (
    "Line: without a model of the difference, by a straight line ΔE = constant + slope·E in the energy E of the lower "
    "level alone, which was fitted to the structures that train: phonons of the base model of the same seed, its force "
    "constants times 1 + slope."
)
SPREAD: tuple[tuple[str, int], ...] = (
    *((f"{split}_energy_meV_atom", 2) for split in ("train", "valid", "test")),
    *((f"{split}_force_meV_A", 1) for split in ("train", "test")),
    ("line_meV_atom", 2),
    ("rms_delta_force_meV_A", 1),
)


@dataclass(frozen=True)
class PageTable:
    """Rows of cells under a head; `lost` numbers the rows of what has not learned, `numbers` the columns of numbers."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lost: frozenset[int] = frozenset()
    numbers: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def result_table(campaign: Campaign, name: str) -> PageTable:
    """A table of results with the columns that a terminal shows, and its notes."""
    table, frame = find_table(name), campaign.table(name)
    rows = records(frame)
    cells = [tuple(_cell(row[column.name], column.digits) for column in table.shown) for row in rows]
    more = (
        (f"{len(cells) - AT_MOST} more: latticefarm results {campaign.name} {name}",)
        if len(cells) > AT_MOST
        else ()
    )
    return PageTable(
        name,
        table.about,
        tuple(" ".join((column.header or "").split()) for column in table.shown),
        tuple(cells[:AT_MOST]),
        lost=frozenset(number for number, row in enumerate(rows[:AT_MOST]) if row.get("learned") is False),
        numbers=frozenset(i for i, column in enumerate(table.shown) if column.kind in ("int", "float")),
        notes=(*(table.notes(frame) if table.notes and rows else ()), *more),
    )


def training_table(campaign: Campaign) -> PageTable:
    """Every model and size in a row: errors as intervals over the seeds, and the verdict."""
    grouped = _grouped(records(campaign.table("training")), ("system", "title", "size"))
    lost = {number: _lost(rows) for number, rows in enumerate(grouped) if _lost(rows)}
    return PageTable(
        "training",
        "Errors of models and sums, from the smallest to the largest over the seeds: energies E in meV/atom, forces F in meV/Å",
        TRAINING_HEAD,
        tuple(_training_row(rows, campaign) for rows in grouped),
        lost=frozenset(lost),
        numbers=frozenset(range(3, 12)),
        notes=(*_verdicts([grouped[number] for number in lost]), *TRAINING_NOTES),
    )


def _training_row(rows: Sequence[Row], campaign: Campaign) -> tuple[str, ...]:
    first, lost = rows[0], _lost(rows)
    counts = [str(first[f"{split}_count"] or 0) for split in ("train", "valid", "test")]
    return (
        *(str(first[name]) for name in ("system", "title", "size")),
        f"{len(rows)}/{len(campaign.spec.training.seeds)}",
        "/".join(counts),
        *(interval([row[name] for row in rows], digits) for name, digits in SPREAD),
        f"not learned ({len(lost)} of {len(rows)} seeds)" if lost else "learned",
    )


def _lost(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row["learned"]]


def _verdicts(grouped: Sequence[Sequence[Row]]) -> Iterator[str]:
    """Why models have not learned: the reason of the first seed."""
    for rows in grouped:
        first, seeds = rows[0], ", ".join(str(row["seed"]) for row in _lost(rows))
        reason = _lost(rows)[0]["verdict"] or "see its parts"
        yield f"Not learned: {first['title']} of {first['system']}, {first['size']}, seed {seeds}: {reason}"


def points_table(campaign: Campaign, crystals: dict[str, Crystal]) -> PageTable:
    """Frequencies at Γ, X and L (at all named points of a lattice without them), with their seed spread."""
    rows = [
        row for row in records(campaign.table("phonons")) if _is_shown(row["point"], crystals[row["system"]])
    ]
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    rows.sort(key=lambda row: _order(row, list(campaign.spec.systems), sizes))
    grouped = _grouped(rows, ("system", "size", "point", "title"))
    return PageTable(
        "points",
        "Frequencies in cm^-1, from the smallest to the largest over the seeds; ×n: n-fold",
        ("system", "size", "q", "model", "seeds", "modes", "line", "imaginary"),
        tuple(_point_row(modes, crystals[modes[0]["system"]]) for modes in grouped),
        lost=frozenset(i for i, modes in enumerate(grouped) if not modes[0]["learned"]),
        notes=(
            f"{DAGGER}: the training cell does not hold the point; {DOUBLE_DAGGER}: the supercell of the phonons does not. Not learned: the width of the spread says nothing "
            "about the error. Imaginary: of the modes on the mesh, of the worst seed; 0 %: the lowest is between its points.",
            *([LINE] if any(row["line_min_cm1"] is not None for row in rows) else []),
        ),
    )


def _point_row(modes: Sequence[Row], crystal: Crystal) -> tuple[str, ...]:
    first = modes[0]
    return (
        first["system"],
        first["size"],
        first["point"] + crystal.marks.get(first["point"], ""),
        _whose(first),
        f"{first['seed_count']}/{first['planned_seed_count']}" if is_model(first["model"]) else MISSING,
        ", ".join(interval([mode["min_cm1"], mode["max_cm1"]], 0) + _fold(mode) for mode in modes),
        ", ".join(_line(mode, 0) + _fold(mode) for mode in modes if mode["line_min_cm1"] is not None) or MISSING,
        first["imaginary"],
    )


def _line(row: Row, digits: int) -> str:
    return interval([row["line_min_cm1"], row["line_max_cm1"]], digits)


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


def gaps_table(campaign: Campaign) -> PageTable:
    """Models, and phonons of levels, that cannot be had."""
    rows = tuple((gap.system, phonons_title(gap.model), gap.why) for gap in campaign.plan.gaps)
    return PageTable("gaps", "What the labels at hand do not allow, and why", ("system", "model", "why"), rows)


def set_aside_table(campaign: Campaign) -> PageTable:
    """Frames, levels and labels that could not be used."""
    rows = records(campaign.table("set-aside"))
    shown = [(row["system"], title_of(row["level"]), _place(row), row["reason"]) for row in rows[:AT_MOST]]
    more = (f"{len(rows) - AT_MOST} more: latticefarm results {campaign.name} set-aside",) if len(rows) > AT_MOST else ()
    return PageTable(
        "set-aside",
        "What could not be used, and why: frames of files, and structures of which an engine has no label",
        ("system", "level", "what", "reason"),
        tuple(shown),
        notes=more,
    )


def _place(row: Row) -> str:
    if row.get("file"):
        return row["file"] if row.get("frame") is None else f"{row['file']}, frame {row['frame']}"
    return f"structure {row['structure_key'][:SHORT_KEY]}" if row.get("structure_key") else "all"


def frozen_table(campaign: Campaign) -> PageTable:
    """Models beside the frozen phonon of the level that they stand for."""
    rows = records(campaign.table("frozen"))
    return PageTable(
        "frozen",
        "The optical mode at Γ in cm^-1: frozen phonons of the levels, and the models that stand for them, from the "
        "smallest to the largest over the seeds",
        FROZEN_HEAD,
        tuple(_frozen_row(row) for row in rows),
        lost=frozenset(i for i, row in enumerate(rows) if row["seed_count"] and not row["learned"]),
        numbers=frozenset({2, *range(5, len(FROZEN_HEAD))}),
        notes=tuple(_frozen_notes(rows)),
    )


def _frozen_notes(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield "off by: model less frozen phonon, of the worst seed."
    if any(row["line_min_cm1"] is not None for row in rows):
        yield LINE


def _frozen_row(row: Row) -> tuple[str, ...]:
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
        _line(row, 1),
        MISSING if line is None else f"{line:+.1f}",
    )


def reference_table(crystals: Sequence[Crystal]) -> PageTable:
    """Every value of the literature, and of the user, about one of the systems; of one point and source together."""
    rows = [
        {
            "system": crystal.name,
            "where": one.point or one.quantity,
            "what": one.quantity.removesuffix(f" at {one.point}"),
            "cm1": f"{one.value_cm1:g}",
            "kind": one.kind,
            "source": one.source,
            "certainty": str(one.certainty),
        }
        for crystal in crystals
        for one in crystal.references
    ]
    rows += [row for crystal in crystals for row in given_rows(crystal.name, crystal.given)]
    return PageTable(
        "references",
        "Values from the literature; measured frequencies at named points, and measured peaks of an element beside MD, are drawn",
        ("system", "what", "cm^-1", "kind", "source", "certainty"),
        tuple(_reference_row(group) for group in _grouped(rows, ("system", "where", "source"))),
        notes=tuple(f"Set aside: {why}" for crystal in crystals for why in crystal.given.set_aside),
    )


def _reference_row(group: Sequence[Row]) -> tuple[str, ...]:
    first = group[0]
    what = ", ".join(row["what"] for row in group)
    named = what if first["where"] == what else f"{first['where']}: {what}"
    return (
        first["system"],
        named,
        ", ".join(row["cm1"] for row in group),
        first["kind"],
        first["source"],
        first["certainty"],
    )


def interval(values: Iterable[float | None], digits: int) -> str:
    """`1.2…1.5`; one number where they do not differ as shown, a dot where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return MISSING
    low, high = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (min(known), max(known)))
    return low if low == high else f"{low}…{high}"


def _grouped(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    key: Callable[[Row], tuple[Any, ...]] = lambda row: tuple(row[name] for name in names)  # noqa: E731  # typed
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def rows_of(table: PageTable) -> Iterator[tuple[bool, tuple[tuple[str, bool], ...]]]:
    """Whether a row is of what has not learned, and its cells, each with whether it is a number."""
    for number, row in enumerate(table.rows):
        yield number in table.lost, tuple((cell, column in table.numbers) for column, cell in enumerate(row))
