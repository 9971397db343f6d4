"""One HTML page: what came out, section by section, and what is missing. It opens from a folder, without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from typing import Any

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.opening import WORDS, opening
from campaign.report.page_table import PageList, PageTable, rows_of
from campaign.report.sections import SECTIONS, Section
from campaign.report.settings_text import settings
from campaign.report.summary import summary
from campaign.report.topic import Crystals, Drawing, Topic
from campaign.report.topics import TOPICS

FOLDER = "figures"


@dataclass(frozen=True)
class Part:
    """What stands in a section: figures with their numbers on the page, then notes, tables and lists."""

    section: Section
    figures: tuple[tuple[int, Figure], ...]
    notes: tuple[str, ...]
    tables: tuple[PageTable, ...]
    lists: tuple[PageList, ...]


def page(
    harvest: Harvest, crystals: Crystals, drawings: Sequence[Drawing], topics: Sequence[Topic[Any]] = TOPICS
) -> str:
    """The page as HTML; figures are looked for in the folder `figures` beside it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["typeset"] = lambda text: Markup(typeset(str(text)))
    source = files("campaign.report")
    asked = [topic for topic in topics if topic.concerns(harvest)]
    return environment.from_string((source / "page.html").read_text("utf-8")).render(
        css=Markup((source / "page.css").read_text("utf-8")),  # our own file
        campaign=harvest.campaign.spec,
        fingerprint=harvest.fingerprint,
        folder=FOLDER,
        opening=list(opening(harvest, crystals, asked)),
        words=WORDS,
        faulty=[one.text() for one in harvest.campaign.plan.faulty],
        by_path=[one.text() for one in harvest.campaign.plan.by_path],
        summary=list(summary(harvest, crystals)),
        parts=list(parts(harvest, crystals, drawings, asked)),
        settings=list(settings(harvest.campaign)),
        rows_of=rows_of,
    )


def parts(
    harvest: Harvest, crystals: Crystals, drawings: Sequence[Drawing], topics: Sequence[Topic[Any]]
) -> Iterator[Part]:
    """The sections in which one of the topics stands; figures are numbered through."""
    number = count(1)
    for section in dict.fromkeys((*SECTIONS, *(section for topic in topics for section in topic.sections))):
        if not any(section in topic.sections for topic in topics):
            continue
        inside = [topic for topic in topics if topic.tables_in == section]
        yield Part(
            section,
            tuple((next(number), one.payload) for one in drawings if one.topic.section == section),
            tuple(note for topic in inside for note in topic.notes(harvest, crystals)),
            tuple(table for topic in inside for table in topic.tables(harvest, crystals)),
            tuple(one for topic in inside for one in topic.lists(harvest, crystals)),
        )


def typeset(text: str) -> str:
    """Escaped, with indices and exponents as such: ML(DFT_EF), E_DFT, cm^-1."""
    from markupsafe import escape

    safe = str(escape(text))
    safe = re.sub(r"_(EF|E)\b", lambda found: f"<sub>{','.join(found[1])}</sub>", safe)
    safe = re.sub(r"\bE_([A-Z]\w*(?:\(T\))?)", r"E<sub>\1</sub>", safe)
    return safe.replace("cm^-1", "cm<sup>−1</sup>")
