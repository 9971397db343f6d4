"""The numbers of frozen phonons, and which frequencies and differences are shown."""

from __future__ import annotations

from collections.abc import Iterable

from campaign.report.document import Marker
from campaign.report.topics.frozen.caption import frozen_alt, frozen_caption
from campaign.report.topics.frozen.payload import FrozenFigure, FrozenLevel, Range
from campaign.report.topics.frozen.source import FrozenSource
from campaign.results.tables.phonons import GAMMA

LEAST_CM1 = 10.0  # of a difference that fills a panel


def frozen_figure(source: FrozenSource) -> FrozenFigure | None:
    """None where none is asked for, or none is done yet."""
    levels = tuple(source.levels())
    if not levels:
        return None
    crystal = source.crystal
    frozen = crystal.cells.frozen_phonon
    assert frozen is not None
    markers = tuple(one for one in crystal.markers if one.label == GAMMA)
    draft = FrozenFigure(
        name=f"frozen_{crystal.name}",
        system=crystal.name,
        heading=f"Check at Γ, against frozen phonons: {crystal.name}",
        alt="",
        caption="",
        training_cell=crystal.training_cell,
        displacements_A=frozen.displacements_A,
        levels=levels,
        markers=markers,
        absent=tuple(source.absent([one.level for one in levels])),
        range_cm1=_range(levels, markers),
        off_cm1=_off(levels),
    )
    caption = frozen_caption(draft, crystal, source.harvest)
    return draft.worded(caption, frozen_alt(draft))


def _range(levels: Iterable[FrozenLevel], markers: Iterable[Marker]) -> Range:
    """Of all that is drawn, and a little more."""
    values = [one.value_cm1 for one in markers]
    for level in levels:
        values += [level.frozen_cm1, *([level.direct_cm1] if level.direct_cm1 is not None else [])]
        values += [value for one in level.models for value in (*one.values_cm1, *one.line_cm1)]
    margin = max(0.06 * (max(values) - min(values)), LEAST_CM1)
    return round(min(values) - margin, 3), round(max(values) + margin, 3)


def _off(levels: Iterable[FrozenLevel]) -> Range:
    """Of all differences to the frozen phonons, as far to both sides: the worst are those that matter."""
    off = [
        value - level.frozen_cm1
        for level in levels
        for one in level.models
        for value in (*one.values_cm1, *one.line_cm1)
    ]
    off += [level.direct_cm1 - level.frozen_cm1 for level in levels if level.direct_cm1 is not None]
    reach = round(max(1.15 * max(map(abs, off), default=0.0), LEAST_CM1), 3)
    return -reach, reach
