"""From labels to what one model trains on: frames with energies, with forces, or with energy differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from flows.failure import CalculationFailed
from flows.records import Label, Structure
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.names import ModelName
from flows.training.settings import TrainingTask


@dataclass(frozen=True)
class Frame:
    """One structure with its target: `energy_eV` per cell, `forces_eV_A` (N, 3) where the level has them.

    Of a difference, `energy_eV` is E_level - E_base, there are no forces, and `base_energy_eV` is the energy of what it is
    added to: E_base, or that of another level.
    """

    structure_key: str
    structure: Structure
    energy_eV: float
    forces_eV_A: np.ndarray | None = None
    base_energy_eV: float | None = None

    @property
    def atoms(self) -> int:
        return len(self.structure.symbols)


@dataclass(frozen=True)
class Dataset:
    """What one model trains on, validates on and is tested on."""

    model: ModelName
    train: tuple[Frame, ...]
    valid: tuple[Frame, ...]
    test: tuple[Frame, ...] = ()

    def splits(self) -> dict[str, tuple[Frame, ...]]:
        """The splits that are not empty, by name."""
        named = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: frames for name, frames in named.items() if frames}

    def frames(self) -> Iterator[Frame]:
        for frames in self.splits().values():
            yield from frames


def label_keys(task: TrainingTask | ForceConstantTask) -> list[str]:
    """Every label that `task` needs, once."""
    valid = task.valid if isinstance(task, TrainingTask) else ()
    return list(dict.fromkeys(key for keys in task.train + valid + task.test for key in keys))


def dataset(task: TrainingTask, labels: Mapping[str, Label]) -> Dataset:
    """The frames of `task` from its labels (by label key).

    Raises:
        CalculationFailed: `bad-input`: a label of another level, a pair on two structures, forces that are
            missing, a number that is not finite, a structure in two splits, nothing to train or validate on.
    """
    model = ModelName.parse(task.model)
    splits = [
        tuple(_frame(model, [labels[key] for key in keys], task.labelled_as) for keys in split)
        for split in (task.train, task.valid, task.test)
    ]
    made = Dataset(model, *splits)
    if not (made.train and made.valid):
        raise bad_input(
            f"{model} has {len(made.train)} structures to train and {len(made.valid)} to validate on"
        )
    seen = [frame.structure_key for frame in made.frames()]
    if len(set(seen)) != len(seen):
        raise bad_input(f"{model}: a structure is listed twice among train, valid and test")
    return made


def label_pairs(
    model: str, rows: Iterable[tuple[str, ...]], labels: Mapping[str, Label], labelled_as: tuple[str, ...] = ()
) -> list[tuple[Label, Label]]:
    """The labels (upper, base) of each structure of a difference, from their keys. Of a difference that is added to something
    else than its base level, `base` is that, and `upper` lies above it by the difference; what not all levels have forces of has none.

    Raises:
        CalculationFailed: `bad-input`, as of `dataset`.
    """
    name = ModelName.parse(model)
    found = []
    for keys in rows:
        every = [labels[key] for key in keys]
        _check(name, every, labelled_as)
        upper, lower, *under = every
        found.append((combined([upper, lower, *under]), combined(under)) if under else (upper, lower))
    return found


def combined(labels: Sequence[Label]) -> Label:
    """The first of some labels of one structure with the energy, and the forces where all have them, of all, + - + ..."""
    first, *rest = labels
    if not rest:
        return first
    signs = np.array([1.0 - 2.0 * (number % 2) for number in range(len(labels))])
    energy = float(signs @ [one.energy_eV for one in labels])
    known = [one.forces_eV_A for one in labels if one.forces_eV_A is not None]
    forces = np.tensordot(signs, np.array(known), axes=1).tolist() if len(known) == len(labels) else None
    return first.model_copy(update={"energy_eV": energy, "forces_eV_A": forces})


bad_input = partial(CalculationFailed.of, "train", "bad-input", advice="check the labels and the split")


def _frame(model: ModelName, labels: list[Label], labelled_as: tuple[str, ...] = ()) -> Frame:
    _check(model, labels, labelled_as)
    return _difference(*labels) if model.kind == "difference" else _single(model, labels[0])


def _check(model: ModelName, labels: list[Label], labelled_as: tuple[str, ...]) -> None:
    levels, needed = tuple(label.level for label in labels), labelled_as or model.levels
    if levels != needed:
        raise bad_input(f"{model} needs labels of {needed}, got {levels} ({labels[0].key})")
    if len({label.structure_key for label in labels}) != 1:
        raise bad_input(
            f"{model}: labels {' and '.join(label.key for label in labels)} are of two structures"
        )
    for label in labels:
        _refuse_non_finite(label)


def _single(model: ModelName, label: Label) -> Frame:
    if model.needs_forces and label.forces_eV_A is None:
        raise bad_input(f"{model} needs forces, label {label.key} of {label.level} has none")
    forces = None if label.forces_eV_A is None else np.array(label.forces_eV_A)
    if forces is not None and forces.shape != (len(label.structure.symbols), 3):
        raise bad_input(f"label {label.key} has forces of shape {forces.shape}")
    return Frame(label.structure_key, label.structure, label.energy_eV, forces)


def _difference(upper: Label, base: Label, *under: Label) -> Frame:
    return Frame(
        structure_key=base.structure_key,
        structure=base.structure,
        energy_eV=upper.energy_eV - base.energy_eV,
        base_energy_eV=combined(under or [base]).energy_eV,
    )


def _refuse_non_finite(label: Label) -> None:
    forces = label.forces_eV_A or ()
    if not math.isfinite(label.energy_eV) or not all(math.isfinite(x) for row in forces for x in row):
        raise bad_input(f"label {label.key} of {label.level} has an energy or a force that is not finite")
