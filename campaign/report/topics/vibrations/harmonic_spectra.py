"""The harmonic densities of states that belong beside an MD: of the same model and seed, with the same lines."""

from __future__ import annotations

from dataclasses import dataclass

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest, SeedGroup
from campaign.results.result import Result
from campaign.steering.status import State
from flows.dynamics.harmonic import harmonic_spectrum
from flows.dynamics.settings import DynamicsTask
from flows.keys import job_uuid
from flows.phonons.cells import supercell_matrix
from flows.records import HarmonicSpectrum, PhononFacts, Phonons, Vibrations


@dataclass(frozen=True)
class HarmonicSpectra:
    """What an MD in the same cell would show if the crystal were harmonic, by seed.

    `missing` says of each other seed of the MD why there is none; `phonons` are the partners that there are, with the
    force constants of that cell.
    """

    spectra: dict[int, HarmonicSpectrum]
    missing: dict[int, str]
    phonons: tuple[PhononFacts, ...]

    @property
    def unstable(self) -> int:
        """Modes of the cell, of the worst seed."""
        return max((one.unstable for one in self.spectra.values()), default=0)


def harmonic_spectra(harvest: Harvest, crystal: Crystal, group: SeedGroup[Vibrations]) -> HarmonicSpectra:
    """For every seed of `group` of which the force constants of the cell of the MD are there too."""
    phonons = harvest.hessians(crystal.name, group.works[0].size).get(group.model)
    partners = {one.work.seed: one for one in phonons.results} if phonons else {}
    spectra, missing, used = {}, {}, []
    for one in group.results:
        seed = one.work.seed
        assert seed is not None  # MD is of a trained model
        if seed not in partners:
            missing[seed] = f"the force constants of this cell: {_state(phonons, seed)}"
            continue
        try:
            spectra[seed] = _spectrum(harvest, crystal, partners[seed], one)
        except ValueError as error:
            missing[seed] = str(error)
        used.append(partners[seed].record)
    return HarmonicSpectra(spectra, missing, tuple(used))


def _state(hessians: SeedGroup[PhononFacts] | None, seed: int) -> str:
    """A campaign of before this stage has MD without it: it is there after another submission."""
    state = hessians.missing[seed] if hessians else "not asked for"
    return f"{state}; submit again" if state == State.MISSING else state


def _spectrum(
    harvest: Harvest, crystal: Crystal, phonons: Result[PhononFacts], md: Result[Vibrations]
) -> HarmonicSpectrum:
    """Raises ValueError where the stored force constants are damaged, or the cells do not fit."""
    uuid, task = job_uuid(phonons.work.key), md.work.task
    assert isinstance(task, DynamicsTask)
    stored = Phonons.model_validate(harvest.campaign.farm.records([uuid], blobs=True)[uuid])
    supercell = supercell_matrix(crystal.cells.primitive.atoms(), task.big.cell)
    return harmonic_spectrum(stored.blob.content(), supercell, task.dynamics, task.vibrations)
