"""The caption of learning curves."""

from __future__ import annotations

from collections.abc import Iterable

from campaign.report.document import Caption
from campaign.report.topics.curves.payload import CurvePanel, CurvesFigure


def curves_caption(figure: CurvesFigure, training: Iterable[str]) -> Caption:
    """What is drawn, panel by panel."""
    first = (
        f"Learning curves of {figure.system}, training sets of size {figure.size}: root-mean-square errors of the structures "
        "that validate, after each epoch, on a logarithmic axis. A line for each seed; a dot at the epoch that was kept."
    )
    pale = any(not curve.learned for panel in figure.panels for curve in panel.curves)
    panels = (f"({panel.letter}) {panel.title}, {panel.quantity} in {panel.unit}: {_seeds(panel)}." for panel in figure.panels)
    return Caption.of([first, "Pale: not learned." if pale else "", *panels], training)


def curves_alt(figure: CurvesFigure) -> str:
    """What a screen reader says."""
    said = (f"{panel.title} {panel.quantity} {_last(panel)} {panel.unit}" for panel in figure.panels)
    return f"Errors of validation by epoch for {figure.system}; at the epoch kept: {'; '.join(said)}."


def _seeds(panel: CurvePanel) -> str:
    return f"seed{'s' if len(panel.curves) > 1 else ''} {', '.join(str(one.seed) for one in panel.curves)}"


def _last(panel: CurvePanel) -> str:
    """`0.31 to 0.35` over the seeds."""
    kept = [dict(zip(one.epochs, one.errors, strict=True)).get(one.best_epoch or -1, one.errors[-1]) for one in panel.curves]
    low, high = (f"{one:.3g}" for one in (min(kept), max(kept)))
    return low if low == high else f"{low} to {high}"
