"""What the figure of labels and errors shows."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Figure, Payload


class FitPoint(Payload):
    """A fit to `count` labels: how far its frequencies are from those of the fit to all, what it says of that itself (both
    RMS over all modes, cm^-1), and the RMSE of the other structures' energies (meV/atom)."""

    count: int
    apart_cm1: float | None = None
    stated_cm1: float
    left_meV_atom: float | None = None


class NetworkPoint(Payload):
    """A difference by MACE from `count` labels, one seed: how far the shift of frequencies that it makes is from that with the
    largest size, RMS over the named points (cm^-1), and its test error (meV/atom)."""

    count: int
    seed: int
    apart_cm1: float | None = None
    left_meV_atom: float | None = None


class LevelPanel(Payload):
    """One level; `predicted` (count, cm^-1) was said before there was any label, at `assumed_meV_atom` of noise."""

    letter: str
    level: str
    title: str
    labelled: int
    noise_meV_atom: float | None
    chosen: tuple[FitPoint, ...] = ()
    random: tuple[FitPoint, ...] = ()
    fitted: FitPoint | None = None
    predicted: tuple[tuple[int, float], ...] = ()
    assumed_meV_atom: float | None = None
    networks: tuple[NetworkPoint, ...] = ()
    target_cm1: float | None = None


class ForecastFigure(Figure):
    """Errors against the number of labels: of frequencies above, of energies below."""

    kind: Literal["forecast"] = "forecast"
    panels: tuple[LevelPanel, ...]
