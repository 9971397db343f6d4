"""The numbers of bands: a panel per model, as in Fig. 1 of the paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign.report.dispersion.payload import Area, Line, Panel, PointError
from campaign.report.dispersion.source import DispersionSource, figure_of
from campaign.report.dispersion.spread import band_mean, band_spread, dos_mean, dos_spread
from campaign.report.harvest import SeedGroup
from campaign.report.panels import layout, letters
from campaign.report.titles import title_of
from campaign.report.topics.bands.caption import bands_alt, bands_caption
from campaign.report.topics.bands.payload import BandsFigure
from campaign.results.tables.phonons import LEAST_ERROR_CM1, joined_error
from flows.records import PhononFacts
from flows.training.names import ModelName


def bands_figure(source: DispersionSource) -> BandsFigure | None:
    """Seed spreads and references, panel by panel; None where nothing is done yet."""
    groups = source.groups
    if not groups:
        return None
    panels = tuple(
        Panel(
            letter=letter,
            areas=tuple(area(groups[model]) for model in models),
            lines=tuple(_lines(source, models)),
        )
        for letter, models in zip(letters(), layout(groups), strict=False)
    )
    draft = figure_of(BandsFigure, source, panels, "Phonons")
    return draft.worded(bands_caption(draft, source), bands_alt(draft))


def area(group: SeedGroup[PhononFacts]) -> Area:
    """The seed spread of a model."""
    records = [one.record for one in group.results]
    low, high = band_spread([one.bands for one in records])
    dos = dos_spread([one.dos for one in records])
    return Area(**group.facts(), low_cm1=low, high_cm1=high, dos=dos, errors=tuple(_errors(records)))


def _errors(records: Sequence[PhononFacts]) -> Iterator[PointError]:
    """Band by band at the named points; of a band that is as sure as a line is thick, nothing."""
    for label in records[0].points_cm1:
        said = [one.point_errors_cm1.get(label, ()) for one in records]
        for band, seeds in enumerate(zip(*(one.points_cm1[label] for one in records), strict=True)):
            error = joined_error(said, (band,), seeds)
            if error is not None and error >= LEAST_ERROR_CM1:
                middle = (min(seeds) + max(seeds)) / 2
                yield PointError(label=label, frequency_cm1=round(middle, 4), error_cm1=round(error, 4))


def _lines(source: DispersionSource, models: Sequence[str]) -> Iterator[Line]:
    """The level's own phonons; where several models share a panel, or it has none, the base of the sums."""
    level = source.harvest.level_itself(models[0])
    if len(models) == 1 and source.direct(level) is not None:
        yield from source.direct_lines(level)
    elif ModelName.parse(models[0]).kind == "sum" and (base := source.harvest.base(models[0])) is not None:
        if source.direct(base) is not None:
            yield from source.direct_lines(base)
        elif (group := source.groups.get(source.harvest.below(models[0]) or "")) is not None:
            yield _base_line(group)


def _base_line(group: SeedGroup[PhononFacts]) -> Line:
    records = [one.record for one in group.results]
    return Line(
        kind="base",
        model=group.model,
        title=title_of(group.model),
        learned=all(one.learned for one in records),
        frequencies_cm1=band_mean([one.bands for one in records]),
        dos=dos_mean([one.dos for one in records]),
    )
