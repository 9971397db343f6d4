"""A report in a folder: `index.html`, `figures/` with PNG, PDF and JSON of each, and `interactive.html`, which needs neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.references.user_files import user_references
from campaign.report.crystal import Crystal
from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page import FOLDER, page
from campaign.report.screen.alone import alone
from campaign.report.topic import Crystals, Drawing, Topic
from campaign.report.topics import TOPICS
from campaign.results.campaign import Campaign
from flows.records import PhononFacts

INDEX, INTERACTIVE = "index.html", "interactive.html"


@dataclass(frozen=True)
class Report:
    """What was written: the page, the one in a file of its own, and the payloads of their figures."""

    index: Path
    interactive: Path
    figures: tuple[Figure, ...]


def write_report(
    campaign: Campaign,
    directory: Path,
    levels: Mapping[tuple[str, str], PhononFacts] | None = None,
    topics: Sequence[Topic[Any]] = TOPICS,
) -> Report:
    """Write the report of `campaign` into `directory`, which is made if need be.

    `levels` adds phonons of levels themselves, by system and level, to those that the spec names. Files are called the same each time; the
    page is written last.
    """
    from campaign.report.ink.files import save

    crystals = {name: _crystal(campaign, name) for name in campaign.spec.systems}
    given = {
        (name, level): one
        for name, crystal in crystals.items()
        for level, one in crystal.user_references.levels.items()
    }
    harvest = Harvest(campaign, given | dict(levels or {}))
    drawn = tuple(drawings(harvest, crystals, topics))
    (directory / FOLDER).mkdir(parents=True, exist_ok=True)
    for one in drawn:
        save(one, directory / FOLDER)
    index = directory / INDEX
    made, inside = page(harvest, crystals, drawn, topics), alone(harvest, crystals, drawn, directory / FOLDER)
    (directory / INTERACTIVE).write_text(made.alone(inside), encoding="utf-8")
    index.write_text(made.beside(), encoding="utf-8")
    return Report(index, directory / INTERACTIVE, tuple(one.payload for one in drawn))


def is_current(campaign: Campaign, directory: Path) -> bool:
    """Whether the page in `directory` is of what the campaign asks for and has now, by this version of the code."""
    index = directory / INDEX
    return index.is_file() and (directory / INTERACTIVE).is_file() and f'content="{Harvest(campaign).fingerprint}"' in index.read_text(encoding="utf-8")


def _crystal(campaign: Campaign, name: str) -> Crystal:
    """A system with the references that its user gave."""
    cells, content = campaign.spec.systems[name], campaign.farm.read_file
    return Crystal(name, cells, user_references(name, cells, campaign.spec.phonons, content))


def drawings(harvest: Harvest, crystals: Crystals, topics: Sequence[Topic[Any]] = TOPICS) -> Iterator[Drawing]:
    """Every figure that can be drawn, system by system."""
    for crystal in crystals.values():
        for topic in topics:
            if topic.concerns(harvest):
                yield from (Drawing(topic, payload) for payload in topic.figures(harvest, crystal))
