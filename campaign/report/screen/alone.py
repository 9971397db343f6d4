"""What the page needs that stands alone in one file: plots, modes and pictures inside, as far as a mail takes them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.modes.gather import modes_of
from campaign.report.topic import Crystals, Drawing

MOST_BYTES = 15_000_000
"""Of the whole file: what mail takes."""

TEXT_BYTES = 1_000_000
"""Kept for text and tables."""

SCRIPTS = ("tables.js", "plots.js", "modes.js")
COLOURS = 256


@dataclass
class Alone:
    """JSON of plots and of modes, and pictures as data URIs, by name; `viewers`: the modes that stand below a figure, `said`: in
    what a plot is not what its caption says.

    What is too large for one file is in none of them: the page says so, figure by figure.
    """

    plots: dict[str, str] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    viewers: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    css: str = ""
    plotly: str = ""
    scripts: tuple[str, ...] = ()

    @property
    def documents(self) -> dict[str, str]:
        """All JSON, by name."""
        return self.plots | self.modes

    def lacks(self, name: str) -> bool:
        """Whether nothing of a figure had room."""
        return name not in self.plots and name not in self.pictures


def alone(harvest: Harvest, crystals: Crystals, drawings: Sequence[Drawing], folder: Path) -> Alone:
    """Of these figures, whose pictures lie in `folder`."""
    from plotly.offline import get_plotlyjs

    source = files("campaign.report.screen")
    found = Alone(
        css=(source / "screen.css").read_text("utf-8"),
        plotly=get_plotlyjs(),
        scripts=tuple((source / name).read_text("utf-8") for name in SCRIPTS),
    )
    plots = {one.payload.name: made for one in drawings if (made := one.topic.plot(one.payload)) is not None}
    room = MOST_BYTES - TEXT_BYTES - len(found.plotly)
    room = _fill(found.plots, ((name, _json(plot)) for name, plot in plots.items()), room)
    pictures = {one.payload.name: folder / f"{one.payload.name}.png" for one in drawings}
    room = _fill(found.pictures, ((name, _uri(path)) for name, path in pictures.items() if name not in found.plots), room)
    room = _fill(found.modes, _modes(harvest, crystals, plots.values()), room)
    _fill(found.pictures, ((name, _uri(path)) for name, path in pictures.items() if name in found.plots), room)
    found.said.update((name, plot.said) for name, plot in plots.items() if plot.said)
    for name, plot in plots.items():
        if plot.modes in found.modes and plot.modes not in found.viewers.values():
            found.viewers[name] = plot.modes
    return found


def _fill(place: dict[str, str], made: Iterable[tuple[str, str]], room: int) -> int:
    """What fits, and the room that is left."""
    for name, text in made:
        size = len(text.encode())
        if size <= room:
            place[name] = text
            room -= size
    return room


def _modes(harvest: Harvest, crystals: Crystals, plots: Iterable[Plot]) -> Iterator[tuple[str, str]]:
    wanted = {plot.modes for plot in plots}
    for crystal in crystals.values():
        for source in DispersionSource.by_size(harvest, crystal):
            found = modes_of(source) if f"modes_{crystal.name}_{source.size}" in wanted else None
            if found is not None:
                yield found.name, _inside_script(found.model_dump_json())


def _json(plot: Plot) -> str:
    return _inside_script(json.dumps(plot.document(), ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def _inside_script(text: str) -> str:
    """No text may end the element in which it stands."""
    return text.replace("<", "\\u003c")


def _uri(picture: Path) -> str:
    """A picture with so few colours that it takes a third of the bytes; on paper no eye finds the difference."""
    from PIL import Image

    made = io.BytesIO()
    with Image.open(picture) as opened:
        opened.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(made.getvalue()).decode()}"
