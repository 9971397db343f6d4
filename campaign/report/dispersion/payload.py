"""What a figure shows, as numbers: no ink. Written as JSON beside every figure, and read back the same.

Frequencies are cm^-1 (imaginary ones negative), densities of states in states per cm^-1 and primitive cell,
reciprocal vectors Å^-1 with 2π.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from campaign.report.document import Absent as Absent
from campaign.report.document import Figure as Figure
from campaign.report.document import Marker as Marker
from campaign.report.document import Payload as Payload
from campaign.report.document import SeedSet as SeedSet
from campaign.report.topics.frozen.payload import FrozenFigure as FrozenFigure
from campaign.report.topics.frozen.payload import SamplingFigure as SamplingFigure
from flows.records import Bands, DensityOfStates, Vector

Rows = tuple[tuple[float, ...], ...]
WIDE = 30.0  # a ratio of errors that one linear axis does not show
DAGGER, DOUBLE_DAGGER = "†", "‡"


class DosArea(Payload):
    """Smallest and largest density of states over the seeds."""

    frequencies_cm1: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Area(SeedSet):
    """The seed spread of a model: smallest and largest frequency of each band, per segment (q-points x bands)."""

    low_cm1: tuple[Rows, ...]
    high_cm1: tuple[Rows, ...]
    dos: DosArea


class Line(Payload):
    """One set of bands: a level's own phonons (`direct`), one seed, or the mean over the seeds of a `base`.

    `source`: where phonons come from that the campaign has not computed.
    """

    kind: Literal["direct", "seed", "base"]
    model: str
    title: str
    seed: int | None = None
    learned: bool = True
    frequencies_cm1: tuple[Rows, ...]
    dos: DensityOfStates | None = None
    source: str = ""


class NamedPoint(Payload):
    """A named q-point. `held`: the training supercell holds an arm of its star; `held_by_phonons`: the supercell does
    in which phonons are computed, else they are interpolated there."""

    label: str
    held: bool
    held_by_phonons: bool

    @property
    def mark(self) -> str:
        """`†` and `‡`, for what does not hold it."""
        return mark(self.held, self.held_by_phonons)


class Tick(NamedPoint):
    """Where a point is on the axis."""

    position: float


class PointCoverage(Payload):
    """How many arms of the star of a named q-point the training supercell holds, and that of the phonons."""

    label: str
    qpoint: Vector
    arms: int
    held: int
    held_by_phonons: int

    @property
    def mark(self) -> str:
        """`†` and `‡`, for what holds none."""
        return mark(self.held > 0, self.held_by_phonons > 0)


def mark(held: bool, held_by_phonons: bool) -> str:
    """What stands behind the label of a point."""
    return ("" if held else DAGGER) + ("" if held_by_phonons else DOUBLE_DAGGER)


class GivenPoint(Payload):
    """A value that the user gave, at its `position` on the axis; `where` as the file has it."""

    position: float
    frequency_cm1: float
    error_cm1: float | None = None
    branch: str = ""
    where: str


class GivenSeries(Payload):
    """The values of one source, drawn as one kind of symbol."""

    title: str
    source: str
    symbol: str
    points: tuple[GivenPoint, ...]


class GivenDensity(Payload):
    """A density of states that the user gave, times `factor`, so that its area is 3N of the primitive cell, or of
    the atoms of one `element`."""

    title: str
    source: str
    element: str = ""
    factor: float
    frequencies_cm1: tuple[float, ...]
    total: tuple[float, ...]


class Axis(Payload):
    """The path that all panels of a system share: `distances` per segment, and its named points."""

    distances: tuple[tuple[float, ...], ...]
    ticks: tuple[Tick, ...]

    @classmethod
    def of(cls, bands: Bands, coverage: Sequence[PointCoverage]) -> Self:
        return cls(distances=bands.distances, ticks=_ticks(bands, coverage))


class Panel(Payload):
    """Areas and lines that are drawn over each other."""

    letter: str
    areas: tuple[Area, ...] = ()
    lines: tuple[Line, ...] = ()


class BandsFigure(Figure):
    """Bands and densities of states, panel by panel, on one axis of frequencies.

    `bands`: areas over the seeds, and their DOS beside them; `seeds`: every seed by itself, a panel for each
    model. `series` and `densities` are what the user gave to compare with. `range_cm1` is what is shown; `clipped`
    names the models that leave it.
    """

    kind: Literal["bands", "seeds"] = "bands"
    size: str
    training_cell: str
    phonon_cell: str
    axis: Axis
    coverage: tuple[PointCoverage, ...]
    panels: tuple[Panel, ...]
    markers: tuple[Marker, ...] = ()
    series: tuple[GivenSeries, ...] = ()
    densities: tuple[GivenDensity, ...] = ()
    absent: tuple[Absent, ...] = ()
    range_cm1: tuple[float, float]
    clipped: tuple[str, ...] = ()


class ZonePath(Payload):
    """A straight piece of the band path inside of the zone (Å^-1), between two named points."""

    labels: tuple[str, str]
    start: Vector
    end: Vector


class ZonePoint(NamedPoint):
    """Where a point is in the zone (Å^-1)."""

    position: Vector


class ZoneFigure(Figure):
    """The Brillouin zone: the corners of each face in turn, the band path, the named points."""

    kind: Literal["zone"] = "zone"
    training_cell: str
    faces: tuple[tuple[Vector, ...], ...]
    path: tuple[ZonePath, ...]
    points: tuple[ZonePoint, ...]


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
    split: Literal["train", "test"]
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


class Peak(Payload):
    """A measured peak of the density of states of one element: where it is, not how high."""

    element: str
    value_cm1: float
    title: str
    source: str


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
    densities: tuple[GivenDensity, ...] = ()
    absent: tuple[Absent, ...] = ()
    range_cm1: tuple[float, float]
    highest: float
    clipped: tuple[str, ...] = ()
    cut: bool = False


AnyFigure = BandsFigure | ZoneFigure | ErrorsFigure | VibrationsFigure | FrozenFigure | SamplingFigure


def _ticks(bands: Bands, coverage: Sequence[PointCoverage]) -> tuple[Tick, ...]:
    """Both ends of each segment; ends that meet are one tick (`X`), two points at one place are `U|K`."""
    found: dict[float, list[str]] = {}
    for (first, last), distances in zip(bands.labels, bands.distances, strict=True):
        for label, where in ((first, distances[0]), (last, distances[-1])):
            names = found.setdefault(round(where, 9), [])
            if label not in names:
                names.append(label)
    lost = {one.label for one in coverage if not one.held}
    interpolated = {one.label for one in coverage if not one.held_by_phonons}
    return tuple(
        Tick(
            label="|".join(names),
            position=where,
            held=lost.isdisjoint(names),
            held_by_phonons=interpolated.isdisjoint(names),
        )
        for where, names in found.items()
    )
