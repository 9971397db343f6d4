"""Harmonic phonons."""

from __future__ import annotations

from flows.records.base import Blob, Matrix3, Record, Vector


class Bands(Record):
    """Phonon bands along a path. Per segment: `qpoints` (fractional, of the primitive cell), `distances`
    (phonopy's units), `frequencies_cm1` (q-points x bands); `labels` names both ends of each segment."""

    labels: tuple[tuple[str, str], ...]
    qpoints: tuple[tuple[Vector, ...], ...]
    distances: tuple[tuple[float, ...], ...]
    frequencies_cm1: tuple[tuple[tuple[float, ...], ...], ...]


class DensityOfStates(Record):
    """A density of states on a uniform grid, normalized to 3N of the primitive cell; `projected` by element.

    In states per cm^-1: the sum of `total` times the pitch is 3N.
    """

    frequencies_cm1: tuple[float, ...]
    total: tuple[float, ...]
    projected: dict[str, tuple[float, ...]] = {}
    mesh: tuple[int, int, int]
    smearing_cm1: float | None = None  # None: tetrahedron method


class NonAnalyticalTerm(Record):
    """The long-ranged part of phonons of an insulator (LO-TO splitting): what it was made from, and where Γ is.

    Born charges (e) of the atoms of the primitive cell and dielectric tensor (ε∞), Cartesian; `method` is `gonze`
    or `wang`. The frequencies called `Γ` are the limit from the named point `gamma_toward`.
    """

    method: str
    born_charges: tuple[Matrix3, ...]
    dielectric: Matrix3
    gamma_toward: str


class BornCharges(Record):
    """What an engine has computed for the non-analytical term of a crystal.

    Born charges (e) of the atoms of the primitive cell and dielectric tensor (ε∞), Cartesian, with the symmetry of the crystal;
    the charges sum to zero, and `missed_e` is how far they did not before. `diagnostics` as those of a label.
    """

    key: str
    system: str
    born_charges: tuple[Matrix3, ...]
    dielectric: Matrix3
    missed_e: float
    diagnostics: dict[str, float] = {}
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0


class ImaginaryMode(Record):
    """An unstable mode: where, and how much (negative cm^-1, by convention)."""

    qpoint: Vector
    band: int
    frequency_cm1: float


class UnstableModes(Record):
    """How many modes of the full Γ-centred mesh lie below the threshold of the settings, `count` of `total`.

    `lowest_cm1` is the lowest frequency of all, on the mesh or along the path, at `qpoint`, which is equivalent to the
    named point `label`, if to any.
    """

    count: int
    total: int
    lowest_cm1: float
    qpoint: Vector
    label: str = ""


class PhononFacts(Record):
    """Harmonic phonons of one potential, without the blob: bands, DOS, named points, and what went wrong.

    `points_cm1` maps a point's label (Γ, X, L, ...) to its sorted frequencies, `point_errors_cm1` to one standard error of
    each: what the labels leave open of a difference by force constants, where there is one. `sum_rule_eV_A2` is the largest
    violation of the acoustic sum rule before symmetrization. `unstable` counts on the mesh what is below the threshold
    of the settings; records of before version 0.2 have none. `imaginary` lists such modes, the worst first, and no
    more than a hundred of the `imaginary_count` that there are on the irreducible q-points of the mesh and those of
    the path: a number that grows with the path. `residual_force_eV_A` is the largest force component of the undisplaced supercell, which was subtracted.
    With `nac`, `Γ` in `points_cm1` is a limit, and `Γ→A`, where it is another, that from A. `source` says where
    phonons come from that no job computed. `faulty` names what was found to be wrong since with labels that they rest on.
    """

    key: str
    faulty: str = ""
    system: str
    model: str
    seed: int | None = None
    size: str | None = None
    learned: bool = True
    verdict: str = ""
    bands: Bands
    dos: DensityOfStates
    points_cm1: dict[str, tuple[float, ...]]
    point_errors_cm1: dict[str, tuple[float, ...]] = {}
    sum_rule_eV_A2: float
    displacements: int
    imaginary: tuple[ImaginaryMode, ...] = ()
    imaginary_count: int = 0
    unstable: UnstableModes | None = None
    residual_force_eV_A: float | None = None
    nac: NonAnalyticalTerm | None = None
    source: str | None = None
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0


class Phonons(PhononFacts):
    """Harmonic phonons of one potential; `blob` is the phonopy YAML, force constants included."""

    blob: Blob
