"""What jobs pass on and MongoDB keeps: frozen, typed, the same in every database for ever.

Energies are eV per (super)cell, lengths Å, forces eV/Å, frequencies cm^-1; every other unit is in the name.
Public names and paths in this module are a database schema: a field may be added with a default, none may be
renamed or removed without a migration. Read stored documents with `Model.model_validate`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from flows.keys import digest

if TYPE_CHECKING:
    from ase import Atoms

Vector = tuple[float, float, float]
Matrix3 = tuple[Vector, Vector, Vector]


class Record(BaseModel):
    """A frozen document that tolerates fields it does not know (those of a later version)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1


class Blob(Record):
    """Bytes inside a record. Fields called `blob` are kept in the job store's `blobs` store (GridFS)."""

    sha256: str
    size: int
    base64: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            base64=base64.b64encode(content).decode("ascii"),
        )

    def content(self) -> bytes:
        """The bytes.

        Raises:
            ValueError: they are not those whose sha256 was recorded.
        """
        content = base64.b64decode(self.base64)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ValueError(f"a stored blob is damaged: sha256 is {found}, recorded was {self.sha256}")
        return content


class Structure(Record):
    """Atoms in a periodic cell: `cell` rows are lattice vectors (Å), `positions` is (N, 3) in Å."""

    symbols: tuple[str, ...]
    cell: Matrix3
    positions: tuple[Vector, ...]

    @classmethod
    def from_atoms(cls, atoms: Atoms) -> Self:
        return cls(
            symbols=tuple(atoms.get_chemical_symbols()),
            cell=atoms.cell.array.tolist(),
            positions=atoms.get_positions().tolist(),
        )

    def atoms(self) -> Atoms:
        from ase import Atoms

        return Atoms(symbols=list(self.symbols), positions=self.positions, cell=self.cell, pbc=True)

    def key(self) -> str:
        """Identity: symbols in order, cell to 1e-6 Å, wrapped fractional positions to 1e-7."""
        fractional = self.atoms().get_scaled_positions(wrap=True).round(7) % 1.0
        return digest(
            "structure",
            1,
            symbols=list(self.symbols),
            cell=[[round(x, 6) + 0.0 for x in row] for row in self.cell],
            fractional=[[float(x) + 0.0 for x in row] for row in fractional],
        )


class Label(Record):
    """Energy, and forces where the level has them, of one structure at one level of theory."""

    key: str
    structure_key: str
    structure: Structure
    level: str
    energy_eV: float
    forces_eV_A: tuple[Vector, ...] | None = None
    components_eV: dict[str, float] = {}
    diagnostics: dict[str, float] = {}
    engine: str
    engine_version: str | None = None
    settings_digest: str | None = None
    wall_time_s: float | None = None
    source: str | None = None  # published labels: file and frame


class Drawn(Record):
    """A structure to be labelled, and how it was drawn: `method` is `rattle`, `sweep` or `published`.

    `stratum` is what a stratified subset is drawn from: the displacement (Å) of a rattle, the temperature (K)
    of a sweep. `step` counts the steps of a sweep from its start.
    """

    structure: Structure
    method: str
    stratum: float | None = None
    step: int | None = None


class Sweep(Record):
    """The frames that an MD through rising temperatures left for labelling, in its order."""

    key: str
    system: str
    frames: tuple[Drawn, ...]
    temperatures_K: tuple[float, ...]  # seen, of each frame
    potential: str  # what moved the atoms: an engine and its level, or the keys of models
    resumed_from_steps: tuple[int, ...] = ()
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0


class LabelledChunk(Record):
    """That a chunk of labels is done: each of `labels` is a record of its own."""

    key: str
    system: str
    labels: tuple[str, ...]
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0


class SetAside(Record):
    """A frame, or a structure, that could not be used, and why."""

    file: str | None = None
    frame: int | None = None
    structure_key: str | None = None
    level: str
    reason: str


class LabelSet(Record):
    """All labels of a system: for each level the label key of each structure key.

    `forces` names the levels whose labels carry forces; `audit` maps each level to its facts.
    """

    key: str
    system: str
    labels: dict[str, dict[str, str]]
    forces: dict[str, bool]
    set_aside: tuple[SetAside, ...] = ()
    audit: dict[str, LevelAudit] = {}


class LevelAudit(Record):
    """Facts about the labels of one level that a user should see before training on them.

    `delta_*` describe E_level - E_base per atom (base: the level with forces), over `delta_count` structures,
    beside what a straight line in E_base leaves. Effective temperatures are by equipartition: potential energy
    above the lowest frame = 3/2 (N - 1) k T; `effective_temperature_K` is the one that the hottest frame
    reaches, beside the mean over all frames.
    """

    count: int
    with_forces: int
    atoms: int
    energy_min_eV: float
    energy_max_eV: float
    force_rms_eV_A: float | None = None
    effective_temperature_K: float | None = None
    effective_temperature_mean_K: float | None = None
    delta_base: str | None = None
    delta_count: int = 0
    delta_std_meV_atom: float | None = None
    line_slope: float | None = None
    line_rmse_meV_atom: float | None = None
    outliers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Errors(Record):
    """Root-mean-square errors over `count` structures; forces are absent where there is nothing to compare."""

    count: int
    energy_meV_atom: float
    force_meV_A: float | None = None


class EpochRecord(Record):
    """One epoch of a learning curve: validation errors."""

    epoch: int
    loss: float
    energy_meV_atom: float | None = None
    force_meV_A: float | None = None


class Baseline(Record):
    """What a model of a difference has to beat, on the split that is named: RMSE per atom."""

    split: str
    constant_meV_atom: float
    line_meV_atom: float


class TrainedModelFacts(Record):
    """One MACE model without its blob: what it was trained on, and what it can do.

    `errors` maps train, valid and test (where there is one) to RMSEs. `predictions_eV` maps the key of every
    structure that has the labels of this model, seen or unseen, to the predicted energy. For a difference,
    `rms_delta_force_meV_A` is the size of the force that it adds, and `learned` the verdict of
    `flows.training.verdict` with its reason.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    train_count: int
    valid_count: int
    test_count: int
    atoms: int
    errors: dict[str, Errors]
    baselines: tuple[Baseline, ...] = ()
    rms_delta_force_meV_A: float | None = None
    learned: bool = True
    verdict: str = ""
    learning_curve: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    resumed_from_epochs: tuple[int, ...] = ()
    predictions_eV: dict[str, float] = {}
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    device: str = ""
    wall_time_s: float = 0.0
    weights_sha256: str = ""  # equal for equal models; the bytes of their blobs may differ


class TrainedModel(TrainedModelFacts):
    """One MACE model, and the `.model` file itself as its `blob`."""

    blob: Blob


class SummedModel(Record):
    """ΔML(Y) = ML(X_EF) + ML(Y-X) of one seed and size: errors of the sum against E_Y, and the verdict.

    The two models are found under `base_key` and `difference_key`.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    base_key: str
    difference_key: str
    errors: dict[str, Errors]
    learned: bool = True
    verdict: str = ""


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


class PhononFacts(Record):
    """Harmonic phonons of one potential, without the blob: bands, DOS, named points, and what went wrong.

    `points_cm1` maps a point's label (Γ, X, L, ...) to its sorted frequencies. `sum_rule_eV_A2` is the largest
    violation of the acoustic sum rule before symmetrization. `imaginary` lists q-points with frequencies below
    the threshold of the settings, the worst first, and no more than a hundred of the `imaginary_count` that there
    are. `residual_force_eV_A` is the largest force component of the undisplaced supercell, which was subtracted.
    With `nac`, `Γ` in `points_cm1` is a limit, and `Γ→A`, where it is another, that from A. `source` says where
    phonons come from that no job computed.
    """

    key: str
    system: str
    model: str
    seed: int | None = None
    size: str | None = None
    learned: bool = True
    verdict: str = ""
    bands: Bands
    dos: DensityOfStates
    points_cm1: dict[str, tuple[float, ...]]
    sum_rule_eV_A2: float
    displacements: int
    imaginary: tuple[ImaginaryMode, ...] = ()
    imaginary_count: int = 0
    residual_force_eV_A: float | None = None
    nac: NonAnalyticalTerm | None = None
    source: str | None = None
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0


class Phonons(PhononFacts):
    """Harmonic phonons of one potential; `blob` is the phonopy YAML, force constants included."""

    blob: Blob


class ImaginaryMode(Record):
    """An unstable mode: where, and how much (negative cm^-1, by convention)."""

    qpoint: Vector
    band: int
    frequency_cm1: float


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

    Translations of the whole crystal are left out, as in an MD whose centre of mass is at rest.
    """

    qpoints: int


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
    the frequency. Nuclei are classical.
    """

    key: str
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
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    device: str = ""
    wall_time_s: float = 0.0


class Failure(Record):
    """Why a calculation failed: what FireWorks shows beside FIZZLED and `results` lists.

    `kind` is a stable word (`unconverged`, `diverged`, `bad-input`, ...). That of a label also names the label.
    """

    stage: str
    kind: str
    message: str
    advice: str = ""
    run_directory: str | None = None
    label_key: str | None = None
    structure_key: str | None = None
    level: str | None = None


LabelSet.model_rebuild()
PhononFacts.model_rebuild()
Phonons.model_rebuild()
