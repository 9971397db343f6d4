"""Errors on a screen: a row for each model, a dot for each seed, switched by set, model and seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from campaign.report.ink.plot import MODELS, SEEDS, Plot, Switch, Trace, axis, paint_of, trace
from campaign.report.topics.errors.payload import ErrorBar, ErrorPanel, ErrorsFigure
from campaign.report.typeset import typeset

SETS = "Sets"
SYMBOLS = {"circle": "●", "diamond": "◆", "square": "■", "triangle-up": "▲", "cross": "✚", "star": "★"}
LEAST_MEV = 1e-4  # a logarithm needs one
ROW = 34  # pixels


def errors_plot(payload: ErrorsFigure) -> Plot:
    """A symbol for each set."""
    titles = list(dict.fromkeys(bar.title for panel in payload.panels for bar in panel.bars))
    seeds = sorted({seed for panel in payload.panels for bar in panel.bars for seed in bar.seeds})
    models = {bar.title: _model(bar) for panel in reversed(payload.panels) for bar in panel.bars}
    traces = (
        one
        for number, panel in enumerate(payload.panels)
        for bar in panel.bars
        for one in _dots(panel, bar, list(SYMBOLS)[number % len(SYMBOLS)])
    )
    return Plot(
        traces=tuple(traces),
        layout={
            "xaxis": axis("RMSE of the energy (meV/atom)", type="log" if payload.logarithmic else "linear"),
            "yaxis": axis("", categoryarray=[typeset(one) for one in reversed(titles)], categoryorder="array", automargin=True),
            "height": 130 + ROW * len(titles),
        },
        switches=(
            *(_set_switch(panel, symbol) for panel, symbol in zip(payload.panels, cycle(SYMBOLS), strict=False)),
            *(models[title] for title in titles),
            *(Switch(SEEDS, str(seed)) for seed in seeds),
        ),
    )


def _dots(panel: ErrorPanel, bar: ErrorBar, symbol: str) -> Iterator[Trace]:
    """A trace for each seed, so that it can be switched off."""
    paint = paint_of(bar.model)
    for seed, value in zip(bar.seeds, bar.values_meV_atom, strict=True):
        said = f"{bar.name}, {_set(panel)}, seed {seed}"
        yield trace(
            said,
            [max(value, LEAST_MEV)],
            [typeset(bar.title)],
            [_set_switch(panel, symbol), _model(bar), Switch(SEEDS, str(seed))],
            mode="markers",
            marker={
                "symbol": symbol if bar.learned else f"{symbol}-open",
                "size": 9,
                "color": str(paint),
                "line": {"width": 1, "color": str(paint)},
            },
            hovertemplate=f"%{{x:.3g}} meV/atom<br>{typeset(said)}, {bar.count} structures<extra></extra>",
        )


def _set_switch(panel: ErrorPanel, symbol: str) -> Switch:
    return Switch(SETS, f"{SYMBOLS[symbol]} {panel.letter}) {_set(panel)}")


def _set(panel: ErrorPanel) -> str:
    return f"{panel.size}, {panel.split}"


def _model(bar: ErrorBar) -> Switch:
    return Switch(MODELS, bar.title, str(paint_of(bar.model)))
