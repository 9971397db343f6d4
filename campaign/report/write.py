"""A report in a folder: `index.html`, and `figures/` with PNG, PDF and JSON of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign.references.given import given_references
from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import AnyFigure
from campaign.report.harvest import Harvest
from campaign.report.page import FIGURES, page
from campaign.report.topics.bands.gather import BandsSource, bands_figure, seeds_figure
from campaign.report.topics.errors.gather import errors_figure
from campaign.report.topics.frozen.gather import FrozenSource, frozen_figure
from campaign.report.topics.sampling.gather import sampling_figure
from campaign.report.topics.vibrations.gather import VibrationsSource, projected_figure, vibrations_figure
from campaign.report.topics.zone.gather import zone_figure
from campaign.results.campaign import Campaign
from flows.records import PhononFacts

INDEX = "index.html"


@dataclass(frozen=True)
class Report:
    """What was written: the page, and the payloads of its figures."""

    index: Path
    figures: tuple[AnyFigure, ...]


def write_report(
    campaign: Campaign, directory: Path, levels: Mapping[tuple[str, str], PhononFacts] | None = None
) -> Report:
    """Write the report of `campaign` into `directory`, which is made if need be.

    `levels` adds phonons of levels themselves, by system and level, to those that the spec names. Files are called the same each time; the
    page is written last.
    """
    from campaign.report.ink import save

    crystals = {name: _crystal(campaign, name) for name in campaign.spec.systems}
    given = {
        (name, level): one
        for name, crystal in crystals.items()
        for level, one in crystal.given.levels.items()
    }
    harvest = Harvest(campaign, given | dict(levels or {}))
    figures = tuple(payloads(harvest, crystals))
    (directory / FIGURES).mkdir(parents=True, exist_ok=True)
    for figure in figures:
        save(figure, directory / FIGURES)
    index = directory / INDEX
    index.write_text(page(harvest, crystals, figures), encoding="utf-8")
    return Report(index, figures)


def _crystal(campaign: Campaign, name: str) -> Crystal:
    """A system with the references that its user gave."""
    cells, content = campaign.spec.systems[name], campaign.farm.read_file
    return Crystal(name, cells, given_references(name, cells, campaign.spec.phonons, content))


def payloads(harvest: Harvest, crystals: dict[str, Crystal]) -> Iterator[AnyFigure]:
    """Every figure that can be drawn, system by system."""
    for name, crystal in crystals.items():
        if (frozen := frozen_figure(FrozenSource(harvest, crystal))) is not None:
            yield frozen
        sources = [BandsSource(harvest, crystal, size) for size in harvest.sizes(name)]
        yield from filter(None, map(bands_figure, sources))
        yield zone_figure(crystal)
        moved = [VibrationsSource(harvest, crystal, size) for size in harvest.sizes(name)]
        yield from filter(None, map(vibrations_figure, moved))
        yield from filter(None, map(projected_figure, moved))
        if (errors := errors_figure(harvest, name)) is not None:
            yield errors
        if (drawn := sampling_figure(harvest, crystal)) is not None:
            yield drawn
        yield from filter(None, map(seeds_figure, sources))
