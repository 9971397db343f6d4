"""Plots of a screen: what a payload is for plotly, in JSON, with a legend of switches.

A colour is text, `paint LIGHT DARK`: the page takes the one that the reader's screen asks for. A trace is visible if all
of its switches are on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from campaign.report.ink.style import GUIDE, INK, MISSING, REFERENCE, SEED_COLOURS, SOFT, Look, look
from campaign.report.typeset import typeset

Trace = dict[str, Any]  # as plotly has it

HEIGHT = 460  # pixels
AREA = 0.4  # how much an area covers
PALE = 0.55  # a line of what has not learned
DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}
MODEL_STYLES = ("-", "--", ":")  # model by model, where colours are of seeds
MODELS, SEEDS, BESIDE = "Models", "Seeds", "Beside them"


@dataclass(frozen=True)
class Paint:
    """A colour in light and in dark."""

    light: str
    dark: str

    def __str__(self) -> str:
        return f"paint {self.light} {self.dark}"

    def thin(self, opacity: float) -> str:
        """That much of it over what lies below."""
        return str(Paint(_rgba(self.light, opacity), _rgba(self.dark, opacity)))


INKED = Paint(INK, "#ececf1")
SOFTENED = Paint(SOFT, "#a9a9b3")
GUIDES = Paint(GUIDE, "#55555e")
UNHELD = Paint(MISSING, "#f08ae0")
REFERENCES = Paint(REFERENCE, "#8db4ff")
NOTHING = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Switch:
    """An entry of the legend: its group and name, how it is drawn, and whether it is on at first."""

    group: str
    name: str
    colour: str = ""
    on: bool = True

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"


def seed_switch(seed: int | None, seeds: Sequence[int | None]) -> Switch:
    """That of a seed, in its own colour among `seeds`."""
    colour = SEED_COLOURS[seeds.index(seed) % len(SEED_COLOURS)]
    return Switch(SEEDS, "none" if seed is None else str(seed), str(Paint(colour, colour)))


@dataclass(frozen=True)
class Plot:
    """What plotly draws, its legend, and the name of the modes that a click on a band shows, where it does.

    `said`: where it is not what the caption says, which is of the picture.
    """

    traces: tuple[Trace, ...]
    layout: dict[str, Any]
    switches: tuple[Switch, ...]
    modes: str = ""
    said: str = ""

    def document(self) -> dict[str, Any]:
        """As the page holds it."""
        switches = [
            {"id": one.id, "group": one.group, "name": typeset(one.name), "colour": one.colour, "on": one.on}
            for one in dict.fromkeys(self.switches)
        ]
        layout = {**_BASE, "height": HEIGHT, **self.layout}
        return {"data": list(self.traces), "layout": layout, "switches": switches, "modes": self.modes}


def paint_of(model: str) -> Paint:
    """The edge of the look of a model in light, its fill made paler in dark."""
    own: Look = look(model)
    return Paint(own.edge, _paler(own.fill))


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a grid; its title may have indices."""
    return {
        "title": {"text": typeset(title), "standoff": 8, "font": {"size": 13}},
        "gridcolor": GUIDES.thin(0.5),
        "linecolor": str(SOFTENED),
        "tickcolor": str(SOFTENED),
        "zeroline": False,
        "showline": True,
        "mirror": True,
        "ticks": "inside",
        **more,
    }


def trace(name: str, x: Sequence[Any], y: Sequence[Any], switches: Iterable[Switch], **more: Any) -> Trace:
    """A line, unless `more` says something else."""
    meta = {"switches": [one.id for one in switches], **more.pop("meta", {})}
    return {"type": "scatter", "mode": "lines", "name": typeset(name), "x": list(x), "y": list(y), "meta": meta, **more}


def stroke(paint: Paint | str, dash: str = "-", width: float = 1.5) -> dict[str, Any]:
    """How a line is drawn."""
    return {"color": str(paint), "dash": DASHES[dash], "width": width}


def area(name: str, x: Sequence[Any], y: Sequence[Any], switches: Iterable[Switch], paint: Paint, learned: bool) -> Trace:
    """The inside of closed outlines, which None divides; hatched where a model has not learned."""
    fill: Trace = {"fillcolor": paint.thin(AREA)}
    if not learned:
        fill = {"fillcolor": NOTHING, "fillpattern": {"shape": "/", "fgcolor": paint.thin(0.9), "size": 7, "solidity": 0.12}}
    return trace(name, x, y, switches, line={"width": 0}, fill="toself", hoverinfo="skip", **fill)


def between(x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[list[Any], list[Any]]:
    """The outline of what lies between two curves, and None."""
    return [*x, *reversed(x), None], [*low, *reversed(high), None]


def _rgba(colour: str, opacity: float) -> str:
    return f"rgba({','.join(str(one) for one in _parts(colour))},{opacity:g})"


def _paler(colour: str) -> str:
    return "#" + "".join(f"{round(0.7 * one + 0.3 * 255):02x}" for one in _parts(colour))


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


_BASE: dict[str, Any] = {
    "paper_bgcolor": NOTHING,
    "plot_bgcolor": NOTHING,
    "font": {"family": "inherit", "size": 13, "color": str(INKED)},
    "margin": {"l": 62, "r": 14, "t": 14, "b": 48},
    "hovermode": "closest",
    "hoverlabel": {"bgcolor": "paint #ffffff #26262c", "bordercolor": str(SOFTENED), "font": {"color": str(INKED)}},
    "modebar": {"bgcolor": NOTHING, "color": str(SOFTENED), "activecolor": str(INKED)},
    "showlegend": False,
    "dragmode": "zoom",
}
