"""One HTML page: what came out, section by section, and what is missing. It opens without a network, from its folder or alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from typing import TYPE_CHECKING, Any

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.opening import WORDS, opening
from campaign.report.page_table import PageList, PageTable, rows_of
from campaign.report.screen.alone import Alone
from campaign.report.sections import SECTIONS, Section
from campaign.report.settings_text import settings
from campaign.report.summary import summary
from campaign.report.topic import Crystals, Drawing, Topic
from campaign.report.topics import TOPICS
from campaign.report.typeset import typeset

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = "figures"


@dataclass(frozen=True)
class Part:
    """What stands in a section: figures with their numbers on the page, then notes, tables and lists."""

    section: Section
    figures: tuple[tuple[int, Figure], ...]
    notes: tuple[str, ...]
    tables: tuple[PageTable, ...]
    lists: tuple[PageList, ...]


@dataclass(frozen=True)
class Page:
    """What stands on a page, by the names of the template; written beside its figures, or with them inside."""

    contents: Mapping[str, Any]

    def beside(self) -> str:
        """As HTML whose figures are looked for in the folder `figures` beside it."""
        return self._html(None)

    def alone(self, inside: Alone) -> str:
        """As HTML in one file, with plots that zoom and modes that move."""
        return self._html(inside)

    def _html(self, inside: Alone | None) -> str:
        from markupsafe import Markup

        css = (files("campaign.report") / "page.css").read_text("utf-8")  # our own file
        return template("page.html").render(**self.contents, css=Markup(css), folder=FOLDER, alone=inside, rows_of=rows_of)


def template(name: str) -> Template:
    """A template of the report, with `typeset` as a filter."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("campaign.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["typeset"] = lambda text: Markup(typeset(str(text)))
    return environment.get_template(name)


def page(
    harvest: Harvest, crystals: Crystals, drawings: Sequence[Drawing], topics: Sequence[Topic[Any]] = TOPICS
) -> Page:
    """What stands on the page of these figures."""
    asked = [topic for topic in topics if topic.concerns(harvest)]
    return Page(
        {
            "campaign": harvest.campaign.spec,
            "fingerprint": harvest.fingerprint,
            "opening": list(opening(harvest, crystals, asked)),
            "words": WORDS,
            "faulty": [one.text() for one in harvest.campaign.plan.faulty],
            "by_path": [one.text() for one in harvest.campaign.plan.by_path],
            "summary": list(summary(harvest, crystals)),
            "parts": list(parts(harvest, crystals, drawings, asked)),
            "settings": list(settings(harvest.campaign)),
        }
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
