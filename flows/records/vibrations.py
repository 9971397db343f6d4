"""Long MD, and the densities of states that it shows."""

from __future__ import annotations

from typing import Any

from flows.records.base import Record


class Spectrum(Record):
    """A vibrational density of states with lines of a stated width, in states per cm^-1; `projected` by element.

    Over all frequencies its total has `normalized_to` states (3 per atom), of which `captured` lie on the grid by
    the trapezoidal rule. `resolution_cm1` is the full width at half maximum of a line, which `window` shapes.
    """

    frequencies_cm1: tuple[float, ...]
    total: tuple[float, ...]
    projected: dict[str, tuple[float, ...]] = {}
    normalized_to: float
    captured: float
    window: str
    resolution_cm1: float


class HarmonicSpectrum(Spectrum):
    """The harmonic density of states on the `qpoints` that a supercell holds: what an MD in it would show.

    Translations of the whole crystal are left out, as in an MD whose centre of mass is at rest. Of the modes, the
    `unstable` ones, the lowest at `lowest_cm1`, stand at zero.
    """

    qpoints: int
    unstable: int = 0
    lowest_cm1: float | None = None


class Band(Record):
    """The spread of a curve over independent starts: smallest, largest, standard error of the mean."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    standard_error: tuple[float, ...]


class MDStart(Record):
    """What one start of an MD was like in production.

    `drift_meV_atom` is the trend of the total energy from the first step to the last (a straight line),
    `fluctuation_meV_atom` what remains around it (RMS). `resumed_from_steps` counts from the start of production:
    negative within equilibration.
    """

    temperature_K: float
    temperature_std_K: float
    drift_meV_atom: float
    fluctuation_meV_atom: float
    resumed_from_steps: tuple[int, ...] = ()
    wall_time_s: float = 0.0


class Vibrations(Spectrum):
    """The density of states that a long classical MD of one potential shows, the mean over `starts`.

    `definition` is `mass-weighted` or `velocity-acf` (py-VACF's, scaled to the same area). `bands` maps `total`
    and every element to its spread over starts, where there are several. `verlet_shift_cm1` is by how much the
    timestep has raised a mode seen at `edge_cm1`, below which 99 % of the states lie; shifts go with the cube of
    the frequency. Nuclei are classical. `ignored_checkpoints` names what the MD, when it began last, found and could not
    go on from. `faulty` names what was found to be wrong since with labels that it rests on.
    """

    key: str
    faulty: str = ""
    system: str
    model: str
    seed: int | None = None
    size: str | None = None
    learned: bool = True
    verdict: str = ""
    definition: str = "mass-weighted"
    bands: dict[str, Band] = {}
    starts: tuple[MDStart, ...]
    temperature_K: float
    atoms: int
    steps: int
    equilibration_steps: int
    sample_every: int = 1
    timestep_fs: float
    edge_cm1: float
    verlet_shift_cm1: float
    ignored_checkpoints: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    device: str = ""
    wall_time_s: float = 0.0
