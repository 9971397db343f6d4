"""The caption of the figure of labels and errors."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Caption
from campaign.report.topics.forecast.payload import ForecastFigure, LevelPanel


def forecast_caption(figure: ForecastFigure) -> Caption:
    """What is drawn, and from what."""
    first = (
        f"How errors of {figure.system} fall with the number of labels. Above: of frequencies, RMS over all modes of the training cell made "
        "symmetric, in cm^-1; below: RMSE of the energies of structures that were not fitted to, in meV/atom. Differences by force constants: full "
        "symbols, structures as a campaign chooses them, in their order; open symbols, drawn at random, the median of some draws. "
        "Symbols are distances to the fit to all labels, which has an error of its own; the line without symbols is what the fits to chosen structures say "
        "of their error (one standard error)."
    )
    return Caption.of([first, *(" ".join(_panel(panel)) for panel in figure.panels)])


def _panel(panel: LevelPanel) -> Iterator[str]:
    noise = "" if panel.noise_meV_atom is None else f", noise {panel.noise_meV_atom:.2g} meV/atom"
    yield f"({panel.letter}) {panel.title}: {panel.labelled} labels{noise}."
    if panel.predicted:
        yield f"Dotted: predicted before there was a label, at {panel.assumed_meV_atom:g} meV/atom of noise, which was assumed."
    if any(one.apart_cm1 is not None for one in panel.networks):
        yield "Crosses above: MACE, one for each seed: how far the shift of frequencies that a smaller size makes is from that of the largest, over the named points."
    if any(one.left_meV_atom is not None for one in panel.networks):
        yield "Crosses below: MACE, test errors."
    if panel.target_cm1 is not None:
        yield f"The horizontal line is the target, {panel.target_cm1:g} cm^-1."


def forecast_alt(figure: ForecastFigure) -> str:
    """What a screen reader says."""
    said = []
    for panel in figure.panels:
        if panel.chosen:
            first, last = panel.chosen[0], panel.chosen[-1]
            said.append(f"{panel.title} from {first.apart_cm1:.1f} cm^-1 with {first.count} labels to {last.apart_cm1:.1f} with {last.count}")
        elif panel.predicted:
            said.append(f"{panel.title}, predicted, {panel.predicted[-1][1]:.1f} cm^-1 with {panel.predicted[-1][0]} labels")
        else:
            said.append(f"{panel.title} with {panel.labelled} labels")
    return f"Errors against the number of labels, {figure.system}: {'; '.join(said)}."
