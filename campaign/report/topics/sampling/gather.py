"""The payload of sampling: how far each drawn structure is from the training cell, and who labels it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.level_labels import LevelLabels
from campaign.report.titles import title_of
from campaign.report.topics.sampling.caption import sampling_alt, sampling_caption
from campaign.report.topics.sampling.payload import (
    DrawnStructure,
    LevelEnergies,
    LevelSet,
    SamplingFigure,
    Stratum,
)
from flows.labelling.sampling.summary import DrawnRow, drawn_summary
from flows.records import Drawn

METHODS = {"rattle": "rattled", "sweep": "MD", "published": "published"}


def sampling_figure(harvest: Harvest, crystal: Crystal) -> SamplingFigure | None:
    """None where no engine labels, or nothing is drawn yet."""
    drawn = harvest.campaign.drawn().get(crystal.name, {})
    rows, unlike = _rows(drawn, crystal)
    if not rows:
        return None
    labels = harvest.labelled(crystal.name)
    draft = SamplingFigure(
        name=f"sampling_{crystal.name}",
        system=crystal.name,
        heading=f"What was labelled: {crystal.name}",
        alt="",
        caption="",
        strata=tuple(_strata(rows)),
        sets=tuple(_sets(labels)),
        energies=tuple(_energies(rows, labels, len(crystal.cells.training.symbols))),
    )
    caption = sampling_caption(draft, crystal, labels, unlike)
    return draft.worded(caption, sampling_alt(draft))


def _rows(drawn: Mapping[str, Drawn], crystal: Crystal) -> tuple[list[DrawnRow], int]:
    """And how many there are that cannot be compared with the training cell: published ones may have any order."""
    rows: list[DrawnRow] = []
    unlike = 0
    for one in drawn.values():
        try:
            rows += drawn_summary([one], crystal.cells.training)
        except ValueError:
            unlike += 1
    return rows, unlike


def _strata(rows: Sequence[DrawnRow]) -> Iterator[Stratum]:
    found: dict[tuple[str, float | None], list[DrawnRow]] = {}
    for row in rows:
        found.setdefault((row.method, row.stratum), []).append(row)
    # rattles take turns: in the order of the draw, their strata would stand as they are given
    order = sorted(found, key=lambda place: (list(METHODS).index(place[0]), place[1] or 0.0))
    for method, stratum in order:
        yield Stratum(
            title=_title(method, stratum),
            method=method,
            structures=tuple(
                DrawnStructure(structure_key=row.structure_key, rms_displacement_A=round(row.rms_displacement_A, 6))
                for row in found[method, stratum]
            ),
        )


def _title(method: str, stratum: float | None) -> str:
    if stratum is None:
        return METHODS[method]
    return f"rattled, {stratum:g} Å" if method == "rattle" else f"MD, {stratum:g} K"


def _sets(labels: Mapping[str, LevelLabels]) -> Iterator[LevelSet]:
    """Levels that share their structures together, the largest set first."""
    found: dict[frozenset[str], list[str]] = {}
    for level, one in labels.items():
        found.setdefault(one.structures, []).append(level)
    for keys, levels in sorted(found.items(), key=lambda item: -len(item[0])):
        yield LevelSet(
            levels=tuple(levels),
            title=", ".join(map(title_of, levels)),
            structures=tuple(sorted(keys)),
            failed=tuple(sorted({key for level in levels for key in labels[level].failed} & keys)),
        )


def _energies(
    rows: Sequence[DrawnRow], labels: Mapping[str, LevelLabels], atoms: int
) -> Iterator[LevelEnergies]:
    for level, one in labels.items():
        energies = one.energies_eV
        known = [(row.rms_displacement_A, energies[key]) for row in rows if (key := row.structure_key) in energies]
        if known:
            lowest = min(energy for _, energy in known)
            yield LevelEnergies(
                level=level,
                title=title_of(level),
                rms_displacements_A=tuple(round(rms, 6) for rms, _ in known),
                energies_meV_atom=tuple(round(1000 * (energy - lowest) / atoms, 6) for _, energy in known),
            )
