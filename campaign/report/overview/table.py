"""The table of all systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.report.overview.rows import LevelFrequencies, SystemRow
from campaign.report.page_table import MISSING, PageTable
from campaign.report.titles import listed, title_of

POINTS = 3
NOTES = (
    "Of each level the model that stands for it: one that has learned, if any has. Γ: the optical mode, of a polar crystal the "
    "transverse one; other points: the highest mode; named where they are not X and L. In parentheses: not learned. Hours: wall "
    "time of all jobs and labels, also of those that another campaign had computed.",
)


def overview_table(rows: Sequence[SystemRow]) -> PageTable:
    """A row for each system; the name of the campaign stands in it where there are several."""
    several = len({row.campaign for row in rows}) > 1
    levels = list(dict.fromkeys(level for row in rows for level in row.levels))
    places = [f"{title_of(level)} {point}" for level in levels for point in ("Γ", "X", "L")]
    first = (*(["campaign"] if several else []), "system", "formula", "size")
    head = (*first, "learned", "done", "hours", *places)
    return PageTable(
        "overview",
        "Frequencies in cm^-1, midway between the smallest and the largest over the seeds",
        head,
        tuple(tuple(_cells(row, levels, several)) for row in rows),
        lost=frozenset(n for n, row in enumerate(rows) if row.levels and not any(one.learned for one in row.levels.values())),
        numbers=frozenset(range(len(first) + 2, len(head))),
        notes=NOTES,
        empty="No system yet.",
    )


def _cells(row: SystemRow, levels: Sequence[str], several: bool) -> Iterator[str]:
    yield from (*([row.campaign] if several else []), row.system, row.formula, row.size or MISSING)
    yield _learned(row)
    yield f"{row.done}/{row.asked}" + (f", {row.failed} failed" if row.failed else "")
    yield f"{row.seconds / 3600:.2f}"
    for level in levels:
        yield from _points(row.levels.get(level))


def _points(one: LevelFrequencies | None) -> Iterator[str]:
    found = list(one.points_cm1.items()) if one is not None else []
    places = [("Γ", dict(found).get("Γ"))] + [entry for entry in found if entry[0] != "Γ"]
    for number in range(POINTS):
        point, span = places[number] if number < len(places) else ("", None)
        named = f"{point} " if span is not None and point not in ("Γ", "X", "L") else ""
        yield named + _mean(span, one is None or one.learned)


def _mean(span: tuple[float, float] | None, learned: bool) -> str:
    if span is None:
        return MISSING
    text = f"{sum(span) / 2:.0f}"
    return text if learned else f"({text})"


def _learned(row: SystemRow) -> str:
    """`DFT, HF; not CCSD; unstable: DFT`."""
    names = {level: title_of(level) for level in row.levels}
    learned = [names[level] for level, one in row.levels.items() if one.learned]
    lost = [names[level] for level, one in row.levels.items() if not one.learned]
    shaky = [names[level] for level, one in row.levels.items() if one.unstable]
    parts = [*([", ".join(learned)] if learned else []), *([f"not {listed(lost)}"] if lost else [])]
    return "; ".join([*parts, *([f"unstable: {listed(shaky)}"] if shaky else [])]) or MISSING
