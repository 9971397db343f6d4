"""What a topic of the report is: figures, how they are drawn, tables, and the sections of the page where they stand.

A topic is a folder in `campaign/report/topics/`, in which the same names mean the same: `payload.py` (what is drawn,
as numbers), `source.py` and `gather.py` (from what, and how it is gathered), `caption.py`, `ink.py` (how it is drawn in
print), `plot.py` (how it is drawn on a screen), `table.py`, `listing.py`, `sentence.py` (what it says at the beginning of the page), and `topic.py`, which ties them
together. A topic has those of them that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from campaign.report.crystal import Crystal
from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.page_table import PageList, PageTable
from campaign.report.sections import FIGURES, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

F = TypeVar("F", bound=Figure)
Crystals = Mapping[str, Crystal]


class Topic(Generic[F]):
    """A topic without anything: each has what it overrides.

    Its figures stand in `section`, system by system; its notes, tables and lists in `table_section`, which is the same
    where it is not named. A section that is not in `campaign.report.sections` comes after all others.
    """

    name: str
    section: Section = FIGURES
    table_section: Section | None = None

    def concerns(self, harvest: Harvest) -> bool:
        """Whether a campaign asks for it; where it does not, nothing of it is on the page."""
        return True

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterable[F]:
        """The payloads of a system that can be drawn."""
        return ()

    def draw(self, payload: F) -> Picture:
        """A payload as ink; only of those that `figures` gives."""
        raise NotImplementedError(f"the topic {self.name} draws nothing")

    def plot(self, payload: F) -> Plot | None:
        """A payload as a plot of the interactive page; None: its picture stands there, too."""
        return None

    def sentence(self, harvest: Harvest, crystal: Crystal) -> str:
        """What is said of a system at the beginning of the page."""
        return ""

    def notes(self, harvest: Harvest, crystals: Crystals) -> Iterable[str]:
        """Paragraphs before its tables."""
        return ()

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterable[PageTable]:
        """Tables, also empty ones, which say what they do not have yet."""
        return ()

    def lists(self, harvest: Harvest, crystals: Crystals) -> Iterable[PageList]:
        """Lists, after its tables."""
        return ()

    @property
    def tables_in(self) -> Section:
        """Where its tables stand."""
        return self.table_section or self.section

    @property
    def sections(self) -> tuple[Section, Section]:
        """Where its figures stand, and where its tables do."""
        return self.section, self.tables_in


class Drawing(NamedTuple):
    """A payload, and the topic that draws it."""

    topic: Topic[Any]
    payload: Figure
