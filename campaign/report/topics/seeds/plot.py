"""Seeds on a screen: a line for each, switched by model and by seed."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.dispersion.payload import Line, Panel
from campaign.report.ink.dispersion_plot import (
    CM1,
    band_axes,
    mark_switches,
    marks,
    modes_name,
    path_meta,
    strokes,
)
from campaign.report.ink.plot import (
    BESIDE,
    INKED,
    MODEL_STYLES,
    MODELS,
    PALE,
    Plot,
    Switch,
    Trace,
    paint_of,
    seed_switch,
    stroke,
    trace,
)
from campaign.report.topics.seeds.payload import SeedsFigure


def seeds_plot(payload: SeedsFigure) -> Plot:
    """One model at first: that of the first panel."""
    seeds = sorted({line.seed for panel in payload.panels for line in panel.lines if line.seed is not None})
    directs = list({_direct(line): line for panel in payload.panels for line in panel.lines if line.seed is None}.values())
    models = [_model(panel, number) for number, panel in enumerate(payload.panels)]
    return Plot(
        traces=(*_seed_lines(payload, seeds, models), *(_level(payload, one) for one in directs), *marks(payload)),
        layout=band_axes(payload),
        switches=(*models, *(seed_switch(one, seeds) for one in seeds), *map(_direct, directs), *mark_switches(payload)),
        modes=modes_name(payload),
    )


def _seed_lines(payload: SeedsFigure, seeds: list[int], models: list[Switch]) -> Iterator[Trace]:
    for number, (panel, switch) in enumerate(zip(payload.panels, models, strict=True)):
        for line in panel.lines:
            if line.seed is None:
                continue
            own = seed_switch(line.seed, seeds)
            x, y = strokes(payload, line.frequencies_cm1)
            yield trace(
                f"{line.title}, seed {line.seed}{'' if line.learned else ', not learned'}",
                x,
                y,
                [switch, own],
                meta=path_meta(payload, line.frequencies_cm1, line.model),
                hovertemplate=f"%{{y:.1f}} {CM1}",
                line=stroke(own.colour, MODEL_STYLES[number % len(MODEL_STYLES)], 1.3),
                opacity=1.0 if line.learned else PALE,
            )


def _level(payload: SeedsFigure, line: Line) -> Trace:
    x, y = strokes(payload, line.frequencies_cm1)
    switch = _direct(line)
    return trace(switch.name, x, y, [switch], hovertemplate=f"%{{y:.1f}} {CM1}", line=stroke(INKED, "--", 1.2))


def _model(panel: Panel, number: int) -> Switch:
    first = panel.lines[0]
    learned = any(line.learned for line in panel.lines if line.seed is not None)
    title = first.title if learned else f"{first.title}, not learned"
    return Switch(MODELS, f"{panel.letter}) {title}", str(paint_of(first.model)), on=number == 0)


def _direct(line: Line) -> Switch:
    return Switch(BESIDE, f"{line.title} itself", str(INKED))
