"""What the chart of errors shows."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Figure, Payload, SeedSet

WIDE = 30.0  # a ratio of errors that one linear axis does not show
Split = Literal["train", "test"]


class ErrorBar(SeedSet):
    """RMSEs of the energy (meV/atom), a value per seed in the order of `seeds`."""

    values_meV_atom: tuple[float, ...]
    count: int

    @property
    def low(self) -> float:
        return min(self.values_meV_atom)

    @property
    def high(self) -> float:
        return max(self.values_meV_atom)


class ErrorPanel(Payload):
    """The models of one size, on one part of their sets."""

    letter: str
    size: str
    split: Split
    bars: tuple[ErrorBar, ...]


class ErrorsFigure(Figure):
    """RMSEs of the energy, of sums where a model is one part of a sum."""

    kind: Literal["errors"] = "errors"
    panels: tuple[ErrorPanel, ...]

    @property
    def logarithmic(self) -> bool:
        """Whether an axis from zero would press the smallest errors flat."""
        values = [value for panel in self.panels for bar in panel.bars for value in bar.values_meV_atom]
        return max(values) > WIDE * min(values)
