"""Thermal properties of the models of a campaign, from the force constants that are stored with their phonons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from campaign.planning.crystal import phonons_task
from campaign.planning.work import Work
from campaign.results.errors import UnknownResult
from campaign.results.result import Result
from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from flows.phonons.thermal import ThermalProperties, thermal_properties
from flows.records import Blob, PhononFacts
from launchers.transfer import blobs

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes
    from flows.phonons.scaled import StoredCrystal

TEMPERATURES_K = (0.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 1500.0)
_AT_ONCE = 20  # records with their files: a megabyte each, at most


@dataclass(frozen=True)
class ThermalResult:
    """Thermal properties by the phonons of one model, level or seed; or `why` there are none."""

    phonons: Result[PhononFacts]
    properties: ThermalProperties | None
    why: str = ""

    @property
    def work(self) -> Work:
        return self.phonons.work


def thermal_results(campaign: Outcomes, temperatures_K: Sequence[float] = TEMPERATURES_K) -> Iterator[ThermalResult]:
    """Of all phonons that are there, on the mesh of their density of states."""
    crystals = _Crystals(campaign.spec)
    every = campaign.frequencies()
    for some in (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)):
        stored = blobs(campaign.farm, [job_uuid(one.work.key) for one in some])
        for one in some:
            try:
                content = Blob.model_validate(stored[job_uuid(one.work.key)]).content()
                modes = crystals.of(content, one.work).sampled_modes(content, campaign.spec.phonons.mesh)
            except (KeyError, ValueError) as error:  # gone or damaged: phonopy files of it are refused
                yield ThermalResult(one, None, f"its force constants cannot be read: {' '.join(str(error).split())[:120]}")
                continue
            yield ThermalResult(one, thermal_properties(modes, temperatures_K))


def refuse_quasi_harmonic(campaign: Outcomes, system: str) -> None:
    """Raises UnknownResult: the labels of a system have one volume. It always is so: those of another are set aside."""
    raise UnknownResult(one_volume(campaign, system))


def one_volume(campaign: Outcomes, system: str) -> str:
    """Why there is no quasi-harmonic approximation."""
    cell = campaign.spec.systems[system].training.atoms()
    return (
        f"{system}: no quasi-harmonic approximation: its labels have one volume, {cell.get_volume() / len(cell):.4g} Å³ per atom, "
        "so nothing is known of how its frequencies change with the volume: no thermal expansion, no heat capacity at constant "
        "pressure; a system for each of several lattice constants would show it"
    )


@dataclass
class _Crystals:
    """The crystal of each system once: its symmetry takes a second."""

    spec: ResolvedSpec
    known: dict[str, StoredCrystal] = field(default_factory=dict)

    def of(self, content: bytes, work: Work) -> StoredCrystal:
        from flows.phonons.scaled import StoredCrystal

        if work.system not in self.known:
            self.known[work.system] = StoredCrystal.of(content, phonons_task(self.spec, work))
        return self.known[work.system]
