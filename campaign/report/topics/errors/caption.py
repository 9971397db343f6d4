"""The caption of the chart of errors."""

from __future__ import annotations

from collections.abc import Iterable

from campaign.report.document import Caption
from campaign.report.seed_text import not_learned_text, seeds_text
from campaign.report.titles import listed
from campaign.report.topics.errors.payload import ErrorPanel, ErrorsFigure


def errors_caption(figure: ErrorsFigure, training: Iterable[str]) -> Caption:
    """The caption of the error chart."""
    first = (
        f"Root-mean-square errors of the energy of {figure.system}{', on a logarithmic axis' if figure.logarithmic else ''}. A "
        "dot for every seed, a bar from the smallest to the largest. ΔML: errors of the sum of base and difference against the energies of the upper level. Test: "
        "structures that no part of the model has seen. Validation structures count for neither."
    )
    panels = (
        f"({panel.letter}) {panel.split} structures, size {panel.size}: {_counted(panel)}." for panel in figure.panels
    )
    letters: dict[str, list[str]] = {}
    for panel in figure.panels:
        for bar in panel.bars:
            if not bar.learned:
                letters.setdefault(bar.title, []).append(f"({panel.letter})")
    lost = (f"{title} in {listed(places)}" for title, places in letters.items())
    return Caption.of([first, *panels, not_learned_text(lost)], training)


def _counted(panel: ErrorPanel) -> str:
    """How many structures and which seeds; like models together."""
    found: dict[str, list[str]] = {}
    for bar in panel.bars:
        found.setdefault(f"{bar.count} structures, {seeds_text(bar)}", []).append(bar.title)
    return "; ".join(f"{listed(titles)} {text}" for text, titles in found.items())
