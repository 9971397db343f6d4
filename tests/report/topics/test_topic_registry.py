"""A new topic is a folder and a line in the list of topics: nothing else knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from campaign.report.crystal import Crystal
from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageList, PageTable
from campaign.report.sections import PHONONS, SECTIONS, Section
from campaign.report.topic import Crystals, Topic
from campaign.report.topics import TOPICS
from campaign.report.write import write_report
from campaign.results import Campaign

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

OWN = Section("toys", "All toys", intro="Toys are counted.")


class ToyFigure(Figure):
    kind: Literal["toy"] = "toy"
    height: float


class Toy(Topic[ToyFigure]):
    name = "toy"
    table_section = OWN

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[ToyFigure]:  # noqa: ARG002
        about = {"heading": f"Toys of {crystal.name}", "alt": "a line", "caption": "One line of cm^-1."}
        yield ToyFigure(name=f"toy_{crystal.name}", system=crystal.name, height=2.5, **about)

    def draw(self, payload: ToyFigure) -> Picture:
        from matplotlib.figure import Figure as Picture

        picture = Picture(figsize=(2, 1))
        picture.subplots().plot([0, 1], [0, payload.height])
        return picture

    def sentence(self, harvest: Harvest, crystal: Crystal) -> str:  # noqa: ARG002
        return f"There is a toy for {crystal.name}."

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:  # noqa: ARG002
        yield PageTable("toys", "Toys", ("system",), tuple((name,) for name in crystals))
        yield PageTable("lost", "Lost toys", ("system",), (), empty="No toy is lost.")

    def lists(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageList]:  # noqa: ARG002
        yield PageList("Wishes", ("a top",), "none")


class Elsewhere(Toy):
    """Toys that the campaign does not ask for."""

    def concerns(self, harvest: Harvest) -> bool:  # noqa: ARG002
        return False


@pytest.fixture(scope="module")
def folder(toy: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All topics but four with many panels, which take most of the time of a report."""
    folder = tmp_path_factory.mktemp("toys")
    few = (one for one in TOPICS if one.name not in ("bands", "curves", "errors", "seeds"))
    write_report(toy, folder, topics=(*few, Toy()))
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "index.html").read_text()


def test_a_new_topic_has_its_files(folder: Path) -> None:
    for system in ("diamond", "lih"):
        names = [folder / "figures" / f"toy_{system}.{suffix}" for suffix in ("png", "pdf", "json")]
        assert names[0].read_bytes().startswith(b"\x89PNG")
        assert names[1].read_bytes().startswith(b"%PDF")
        assert json.loads(names[2].read_bytes())["height"] == 2.5


def test_a_new_topic_stands_in_its_sections(text: str) -> None:
    section = dict(re.findall(r'<section id="([\w-]+)">(.*?)</section>', text, re.DOTALL))
    assert list(section) == ["summary", "overview", "figures", "phonons", "thermal", "labels", "missing", "toys", "methods"]
    for system in ("diamond", "lih"):
        assert f'<figure id="toy_{system}">' in section["figures"]
        assert f"There is a toy for {system}." in text[: text.index("<main>")]
    for what in ("<h2>All toys</h2>", "Toys are counted.", 'id="table-toys"', "No toy is lost.", "<h3>Wishes</h3>"):
        assert what in section["toys"]
    assert '<a href="#toys">All toys</a>' in text
    numbers = [int(number) for number in re.findall(r"<h3>Figure (\d+)\.", text)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_it_is_its_own_system_s_last_figure(text: str) -> None:
    """System by system, and within one in the order of the list."""
    figures = re.findall(r'<figure id="(\w+)">', text[: text.index('<section id="phonons">')])
    last = [name for name in figures if name.endswith(("diamond", "diamond_full", "diamond_half"))][-1]
    assert last == "toy_diamond"
    assert figures[-1] == "toy_lih"


def test_without_its_line_nothing_is_of_it(written: tuple, tmp_path: Path, toy: Campaign) -> None:
    assert "toy_" not in written[0].index.read_text()
    report = write_report(toy, tmp_path, topics=(Elsewhere(),))
    assert report.figures == ()
    page = report.index.read_text()
    assert not any(what in page for what in ("toy_", "There is a toy", 'id="toys"'))


def test_names_of_topics_and_sections_are_unique() -> None:
    for names in ([one.name for one in TOPICS], [one.name for one in SECTIONS]):
        assert len(names) == len(set(names))
    assert all(set(one.sections) <= set(SECTIONS) for one in TOPICS)
    assert next(one for one in TOPICS if one.name == "points").sections == (PHONONS, PHONONS)


def test_every_folder_is_in_the_list() -> None:
    import campaign.report.topics

    (place,) = campaign.report.topics.__path__
    folders = {path.parent.name for path in Path(place).glob("*/topic.py")}
    assert folders == {one.name for one in TOPICS}
