"""Trained models and their sums."""

from __future__ import annotations

from typing import Any

from flows.records.base import Blob, Record


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
    """What a model of a difference has to beat, on the split that is named: RMSE per atom of a constant, and of a
    straight line in E_base."""

    split: str
    constant_meV_atom: float
    line_meV_atom: float


class LeftOut(Record):
    """A structure that a fit could not use, and why."""

    structure_key: str
    reason: str


class TriedForceConstants(Record):
    """One set of cutoffs (Å, by order; None: all pairs of the cell) that was fitted.

    `left_out_meV_atom`: RMSE of each structure's energy by a fit to all others; `log_density`: the sum of the logarithms of
    the densities that these fits give it; `acceptable`: no worse than the best by more than its standard error.
    """

    cutoffs_A: dict[str, float | None]
    parameters: int
    left_out_meV_atom: float
    log_density: float
    log_evidence: float
    acceptable: bool


class FittedForceConstants(Record):
    """ΔE = constant + `slope` E_base + a polynomial of the displacements; `tried` has the chosen one first.

    `noise_meV_atom` is that of the smallest displacements; it grows by `noise_growth` times the energy of the base above its
    lowest. `beyond` counts candidates that the labels cannot determine. `symmetric_cell` is in units of the primitive
    vectors. `without_base_eV`: what is predicted of each structure beside `slope` E_base, `one_out_eV` the same by a fit to all others. `condition`: of the matrix that was
    inverted, its columns scaled.
    """

    slope: float
    tried: tuple[TriedForceConstants, ...]
    beyond: int = 0
    with_forces: bool = False
    noise_meV_atom: float
    noise_growth: float
    condition: float
    symmetric_cell: tuple[tuple[int, int, int], ...]
    left_out: tuple[LeftOut, ...] = ()
    without_base_eV: dict[str, float] = {}
    one_out_eV: dict[str, float] = {}


class TrainedModelFacts(Record):
    """One model (of MACE, or of force constants) without its blob: what it was trained on, and what it can do.

    `errors` maps train, valid and test (where there is one) to RMSEs. `predictions_eV` maps the key of every
    structure that has the labels of this model, seen or unseen, to the predicted energy. For a difference,
    `rms_delta_force_meV_A` is the size of the force that it adds, and `learned` the verdict of
    `flows.training.verdict` with its reason. `faulty` names what was found to be wrong since with labels that it rests on.

    `ignored_checkpoints` names those that the training, when it began last, found and could not go on from.

    `baselines` are fitted to what trains. `line_slope` is that of their line, ΔE = c + slope E_base: with it for a model
    every frequency would be sqrt(1 + slope) times that of the base. Records of before version 0.2 have none, and their
    baselines are fitted to what trains and validates.

    Of force constants (`force_constants`) there is no seed, and `valid` in `errors` and `baselines` is what each structure
    that trains leaves of a fit to all others.
    """

    key: str
    faulty: str = ""
    system: str
    model: str
    seed: int | None
    size: str
    train_count: int
    valid_count: int
    test_count: int
    atoms: int
    errors: dict[str, Errors]
    baselines: tuple[Baseline, ...] = ()
    line_slope: float | None = None
    rms_delta_force_meV_A: float | None = None
    force_constants: FittedForceConstants | None = None
    learned: bool = False  # what nobody judged has not
    verdict: str = ""
    learning_curve: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    resumed_from_epochs: tuple[int, ...] = ()
    ignored_checkpoints: tuple[str, ...] = ()
    predictions_eV: dict[str, float] = {}
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}
    device: str = ""
    wall_time_s: float = 0.0
    weights_sha256: str = ""  # equal for equal models; the bytes of their blobs may differ


class TrainedModel(TrainedModelFacts):
    """One model, and its file as its `blob`: of MACE a `.model`, of force constants a `.npz`."""

    blob: Blob


class SummedModel(Record):
    """ΔML(Y) = ML(X_EF) + ML(Y-X) of one seed and size: errors of the sum against E_Y, and the verdict.

    The two models are found under `base_key` and `difference_key`, those between them under `between_keys`; `faulty` is as of a
    trained model.
    """

    key: str
    faulty: str = ""
    system: str
    model: str
    seed: int
    size: str
    base_key: str
    difference_key: str
    between_keys: tuple[str, ...] = ()
    errors: dict[str, Errors]
    learned: bool = False  # what nobody judged has not
    verdict: str = ""
