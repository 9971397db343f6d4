"""What learning curves show: errors of the structures that validate, epoch by epoch."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Figure, Payload

Quantity = Literal["energy", "force"]
UNITS: dict[Quantity, str] = {"energy": "meV/atom", "force": "meV/Å"}


class Curve(Payload):
    """The RMSEs of one seed, in the unit of its panel; `best_epoch` is the one that was kept."""

    seed: int | None
    learned: bool
    epochs: tuple[int, ...]
    errors: tuple[float, ...]
    best_epoch: int | None = None


class CurvePanel(Payload):
    """One model, its energies or its forces."""

    letter: str
    model: str
    title: str
    quantity: Quantity
    curves: tuple[Curve, ...]

    @property
    def unit(self) -> str:
        return UNITS[self.quantity]


class CurvesFigure(Figure):
    """Learning curves of the models of one size, on logarithmic axes."""

    kind: Literal["curves"] = "curves"
    size: str
    panels: tuple[CurvePanel, ...]
