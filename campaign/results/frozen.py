"""Frozen phonons of levels, from the labels of the displaced structures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.planning.label_requests import LabelRequests
from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from flows.phonons.frozen import FrozenPhonon, frozen_phonon
from launchers.farm import Farm

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FrozenResult:
    """The optical mode at Γ of a `level` in the training cell of a system, by the engine itself; where the model of the level
    stands for a composite, of the energies, + - + ..., of the levels `of`."""

    system: str
    level: str
    phonon: FrozenPhonon
    displacements_A: tuple[float, ...]
    label_keys: tuple[str, ...]
    of: tuple[str, ...] = ()


def frozen_results(farm: Farm, spec: ResolvedSpec, system: str, asked: LabelRequests) -> Iterator[FrozenResult]:
    """Of every level whose labels are all there."""
    cells = spec.systems[system]
    if cells.frozen_phonon is None:
        return
    displacements = (0.0, *cells.frozen_phonon.displacements_A)
    primitive = cells.primitive.atoms()
    cells_in_supercell = len(cells.training.symbols) / len(primitive)
    for level in asked.frozen:
        of = spec.chains.top(level)
        keys = [asked.frozen.get(one, ()) for one in of]
        records = farm.records(job_uuid(key) for one in keys for key in one)
        if all(keys) and len(records) == sum(map(len, keys)):
            energies = sum((-1) ** number * _energies(records, one) for number, one in enumerate(keys)) / cells_in_supercell
            found = frozen_phonon(displacements, energies, primitive.get_masses())
            yield FrozenResult(system, level, found, displacements, keys[0], of if len(of) > 1 else ())


def _energies(records: Mapping[str, Any], keys: Sequence[str]) -> NDArray:
    return np.array([records[job_uuid(key)]["energy_eV"] for key in keys])
