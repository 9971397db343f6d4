"""Frozen phonons of levels, from the labels of the displaced structures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from campaign.planning.label_requests import LabelRequests
from campaign.spec import ResolvedSystem
from flows.keys import job_uuid
from flows.phonons.frozen import FrozenPhonon, frozen_phonon
from launchers.farm import Farm


@dataclass(frozen=True)
class FrozenResult:
    """The optical mode at Γ of a `level` in the training cell of a system, by the engine itself."""

    system: str
    level: str
    phonon: FrozenPhonon
    displacements_A: tuple[float, ...]
    label_keys: tuple[str, ...]


def frozen_results(farm: Farm, system: str, cells: ResolvedSystem, asked: LabelRequests) -> Iterator[FrozenResult]:
    """Of every level whose labels are all there."""
    if cells.frozen_phonon is None:
        return
    displacements = (0.0, *cells.frozen_phonon.displacements_A)
    primitive = cells.primitive.atoms()
    cells_in_supercell = len(cells.training.symbols) / len(primitive)
    for level, keys in asked.frozen.items():
        records = farm.records(map(job_uuid, keys))
        if len(records) == len(keys):
            energies = [records[job_uuid(key)]["energy_eV"] / cells_in_supercell for key in keys]
            found = frozen_phonon(displacements, energies, primitive.get_masses())
            yield FrozenResult(system, level, found, displacements, keys)
