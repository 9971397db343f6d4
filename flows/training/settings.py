"""What a training is asked to do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PositiveFloat, PositiveInt

from flows.settings import Settings


def _rows(value: Any) -> Any:
    return [row.split("/") for row in value.split()] if isinstance(value, str) else value


def _keys(value: Any) -> Any:
    return value.split() if isinstance(value, str) else value


# thousands of keys travel as one text: jobflow and FireWorks walk through every item of a list, many times;
# in tasks that were queued before they are lists
LabelRows = Annotated[
    tuple[tuple[str, ...], ...],
    BeforeValidator(_rows),
    PlainSerializer(lambda rows: " ".join(map("/".join, rows)), return_type=str),
]
LabelKeys = Annotated[tuple[str, ...], BeforeValidator(_keys), PlainSerializer(" ".join, return_type=str)]


class TrainingSettings(Settings):
    """MACE architecture and optimizer. Lengths in Å; weights as in MACE's loss.

    Where energies train alone, `energy_weight` counts their errors in tenths of their spread.
    """

    hidden_irreps: str = "128x0e + 128x1o"
    mlp_irreps: str = "16x0e"
    r_max: PositiveFloat = 5.0
    max_ell: int = Field(default=3, ge=0)
    correlation: PositiveInt = 3
    num_interactions: PositiveInt = 2
    num_radial_basis: PositiveInt = 8
    num_cutoff_basis: PositiveInt = 5
    radial_mlp: tuple[PositiveInt, ...] = (64, 64, 64)
    max_epochs: PositiveInt = 50
    batch_size: PositiveInt = 5
    valid_batch_size: PositiveInt = 10
    learning_rate: PositiveFloat = 0.01
    gamma: float = Field(default=0.93, gt=0, le=1)  # ExponentialLR, per epoch
    weight_decay: float = Field(default=5e-7, ge=0)
    ema_decay: float = Field(default=0.99, ge=0, lt=1)
    max_grad_norm: PositiveFloat = 10.0
    energy_weight: PositiveFloat = 10.0
    forces_weight: PositiveFloat = 100.0
    dtype: Literal["float64", "float32"] = "float64"


class TrainingTask(Settings):
    """One training: `model` is `<level>_ef`, `<level>_e` or `<level>-<base level>`.

    `train`, `valid` and `test` list label keys: one per structure, or (label, base label) for a difference. Where that is added
    to something else than its base level, labels follow whose energies, + - + ..., are that. `labelled_as` names the levels that
    the labels of one structure bear, where these are not the ones of `model`.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    settings: TrainingSettings
    train: LabelRows
    valid: LabelRows
    test: LabelRows = ()
    labelled_as: tuple[str, ...] = ()


class SummingTask(Settings):
    """The sum of a base, `between`, and a difference, named `model` (`delta_<level>`).

    `labels` maps train, valid and test to the label keys of the upper level; each structure belongs to `test`
    only if no model has seen it. `beside` has, in the same order, the labels whose energies, - + ..., are taken with them, where
    the sum does not stand for the upper level as it was labelled.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    base_key: str
    difference_key: str
    labels: dict[str, LabelKeys]
    between_keys: tuple[str, ...] = ()
    beside: dict[str, LabelRows] = Field(default={})
