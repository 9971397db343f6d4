"""Labels, the structures that were drawn for them, and the sets that they make."""

from __future__ import annotations

from flows.records.base import Record, Structure, Vector


class Label(Record):
    """Energy, and forces where the level has them, of one structure at one level of theory.

    `level` of a label that an engine computed is what that computes, whatever campaigns call it.
    `version` is that of the engine's way to this level (`flows.faults`), `faulty` what was found to be wrong with it
    since; empty: nothing. `files` are those that its engine read, and what they held; `remarks` what was done to come
    through (corrections by custodian). Of a label that was
    computed when files were known by their paths alone, `taken_for` is the settings digest of the first who, since,
    took it for a label of what they hold.
    """

    key: str
    version: int = 1
    faulty: str = ""
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
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    taken_for: str = ""


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
    """The frames that an MD through rising temperatures left for labelling, in its order; `taken_for` is as of a label.

    `ignored_checkpoints` names what it found when it began last and could not go on from.
    """

    key: str
    system: str
    frames: tuple[Drawn, ...]
    temperatures_K: tuple[float, ...]  # seen, of each frame
    potential: str  # what moved the atoms: an engine and its level, or the keys of models
    resumed_from_steps: tuple[int, ...] = ()
    ignored_checkpoints: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0
    taken_for: str = ""


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

    @property
    def where(self) -> str:
        """For a user: the file and the frame in it, or what there is of these."""
        return f"{self.file} frame {self.frame}" if self.frame is not None else (self.file or self.level)


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
