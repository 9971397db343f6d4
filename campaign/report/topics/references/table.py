"""The table of references: values from the literature, and what the user gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.references.user_files import Density, Series, UserReferences
from campaign.report.crystal import Crystal
from campaign.report.page_table import PageTable, Row, grouped
from campaign.report.titles import title_of
from campaign.results.tables.phonons import degenerate
from flows.records import PhononFacts

CERTAINTY = "given by the user"


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
    rows += [row for crystal in crystals for row in _user_rows(crystal.name, crystal.user_references)]
    return PageTable(
        "references",
        "Values from the literature; measured frequencies at named points, and measured peaks of an element beside MD, are drawn",
        ("system", "what", "cm^-1", "kind", "source", "certainty"),
        tuple(_reference_row(group) for group in grouped(rows, ("system", "where", "source"))),
        notes=tuple(f"Set aside: {why}" for crystal in crystals for why in crystal.user_references.set_aside),
    )


def _reference_row(group: Sequence[Row]) -> tuple[str, ...]:
    first = group[0]
    what = ", ".join(dict.fromkeys(row["what"] for row in group))  # values of one series may have no branches
    named = what if first["where"] == what else f"{first['where']}: {what}"
    return (
        first["system"],
        named,
        ", ".join(row["cm1"] for row in group),
        first["kind"],
        first["source"],
        first["certainty"],
    )


def _user_rows(system: str, given: UserReferences) -> Iterator[Row]:
    """Rows of what the user gave, as they are grouped."""
    for level, record in given.levels.items():
        yield from (row | {"system": system} for row in _level_rows(level, record))
    for series in given.series:
        yield from (row | {"system": system} for row in _series_rows(series))
    for density in given.densities:
        yield _density_row(density) | {"system": system}


def _level_rows(level: str, record: PhononFacts) -> Iterator[Row]:
    source = record.source or "a file"
    for point, frequencies in record.points_cm1.items():
        modes = degenerate([frequencies])
        texts = (
            f"{round(frequencies[mode[0]]) + 0}" + (f" ×{len(mode)}" if len(mode) > 1 else "")
            for mode in modes
        )
        yield _row(point, title_of(level), ", ".join(texts), "calculation", source)


def _series_rows(series: Series) -> Iterator[Row]:
    """Each value at a named point; those along the path by their number."""
    for one in series.values:
        if one.point is not None:
            error = f" ± {one.error_cm1:g}" if one.error_cm1 else ""
            name = f"{series.title}{f' {one.branch}' if one.branch else ''}"
            yield _row(one.point, name, f"{one.frequency_cm1:g}{error}", "", series.source)
    along = [one.frequency_cm1 for one in series.values if one.point is None]
    if along:
        what = f"{series.title}, {len(along)} {'values' if len(along) > 1 else 'value'} along the path"
        yield _row(what, what, f"{min(along):g}…{max(along):g}", "", series.source)


def _density_row(density: Density) -> Row:
    of = f" of {density.element}" if density.element else ""
    what = f"{density.title}, density of states{of}, times {density.factor:.4g}"
    extent = f"{density.frequencies_cm1[0]:g}…{density.frequencies_cm1[-1]:g}"
    return _row(what, what, extent, "", density.source)


def _row(where: str, what: str, cm1: str, kind: str, source: str) -> Row:
    return {
        "where": where,
        "what": what,
        "cm1": cm1,
        "kind": kind or "given",
        "source": source,
        "certainty": CERTAINTY,
    }
