"""The numbers of seeds: every seed by itself, as in Fig. A3 of the paper."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.dispersion.payload import Line, Panel
from campaign.report.dispersion.source import DispersionSource, figure_of, sorted_bands
from campaign.report.harvest import SeedGroup
from campaign.report.panels import layout, letters
from campaign.report.titles import title_of
from campaign.report.topics.seeds.caption import seeds_alt, seeds_caption
from campaign.report.topics.seeds.payload import SeedsFigure
from flows.records import PhononFacts


def seeds_figure(source: DispersionSource) -> SeedsFigure | None:
    """Every seed by itself, a panel for each model; None where nothing is done yet."""
    groups = source.groups
    if not groups:
        return None
    models = [model for panel in layout(groups) for model in panel]
    panels = tuple(
        Panel(
            letter=letter,
            lines=(*_seed_lines(groups[model]), *source.direct_lines(source.harvest.level_itself(model))),
        )
        for letter, model in zip(letters(), models, strict=False)
    )
    draft = figure_of(SeedsFigure, source, panels, "Every seed by itself")
    return draft.worded(seeds_caption(draft, source), seeds_alt(draft))


def _seed_lines(group: SeedGroup[PhononFacts]) -> Iterator[Line]:
    for one in group.results:
        yield Line(
            kind="seed",
            model=group.model,
            title=title_of(group.model),
            seed=one.work.seed,
            learned=one.record.learned,
            frequencies_cm1=sorted_bands(one.record.bands),
        )
