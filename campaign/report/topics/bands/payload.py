"""What the figure of bands shows: seed spreads with their densities of states."""

from __future__ import annotations

from typing import Literal

from campaign.report.dispersion.payload import DispersionFigure


class BandsFigure(DispersionFigure):
    """Areas over the seeds, their densities of states beside them."""

    kind: Literal["bands"] = "bands"
