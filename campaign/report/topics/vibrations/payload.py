"""What figures of long MD show: densities of states beside harmonic ones."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Absent, Figure, Payload, Peak, SeedSet
from campaign.report.user_references import ReferenceDensity


class Curves(Payload):
    """Densities of states on the grid of their panel: a mean, the smallest and the largest of what it is over."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class MeshCurve(Payload):
    """A harmonic density of states on a mesh, with a grid of its own; `nac`: with a non-analytical term."""

    title: str
    mesh: tuple[int, int, int]
    nac: bool = False
    frequencies_cm1: tuple[float, ...]
    total: tuple[float, ...]


class VibrationsPanel(SeedSet):
    """What the MD of one model shows, of all atoms or of one `element`, and the harmonic densities beside it.

    `md` is over seeds and their starts, `runs` together. `harmonic`, from the force constants of the cell of the MD, on the q-points that it
    holds and with the lines of the MD, is over `harmonic_seeds`; `no_harmonic` says of the other seeds why they have
    none. Of its modes, `unstable_modes` of the worst seed stand at zero. `overlap` is the share of its area that lies
    below `md` too. `mesh` is the mean over the seeds on the mesh, of the same force constants, without broadening;
    `reference` is of a level itself.
    """

    letter: str
    element: str = ""
    frequencies_cm1: tuple[float, ...]
    normalized_to: float
    captured: float
    md: Curves
    runs: int = 1
    harmonic: Curves | None = None
    harmonic_seeds: tuple[int, ...] = ()
    no_harmonic: dict[int, str] = {}  # noqa: RUF012  # pydantic copies defaults
    unstable_modes: int = 0
    overlap: float | None = None
    mesh: MeshCurve | None = None
    reference: MeshCurve | None = None


class VibrationsFigure(Figure):
    """Densities of states from MD beside harmonic ones: of all atoms, a panel for each model (`vibrations`), or
    model by model a panel for each element (`projected`).

    `densities` are what the user gave to compare with. `range_cm1` is what is shown, up to `highest` (states per
    cm^-1); `clipped` names the models that leave the former, `cut` says whether sharp peaks leave the latter.
    """

    kind: Literal["vibrations", "projected"] = "vibrations"
    size: str
    panels: tuple[VibrationsPanel, ...]
    peaks: tuple[Peak, ...] = ()
    densities: tuple[ReferenceDensity, ...] = ()
    absent: tuple[Absent, ...] = ()
    range_cm1: tuple[float, float]
    highest: float
    clipped: tuple[str, ...] = ()
    cut: bool = False
