"""What the figure of seeds shows: the bands of every seed by itself."""

from __future__ import annotations

from typing import Literal

from campaign.report.dispersion.payload import DispersionFigure


class SeedsFigure(DispersionFigure):
    """A panel for each model, a line for every seed."""

    kind: Literal["seeds"] = "seeds"
