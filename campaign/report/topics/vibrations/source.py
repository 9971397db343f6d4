"""What densities of states from MD are drawn from: the models of one system and size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from campaign.planning.work import is_model
from campaign.report.crystal import Crystal
from campaign.report.document import Absent
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.panels import layout
from campaign.report.titles import title_of
from campaign.report.topics.vibrations.harmonic_spectra import HarmonicSpectra, harmonic_spectra
from campaign.spec.dynamics import potentials
from flows.records import Vibrations


@dataclass(frozen=True)
class VibrationsSource:
    """What the densities of states of one system and size are drawn from."""

    harvest: Harvest
    crystal: Crystal
    size: str

    @cached_property
    def groups(self) -> dict[str, SeedGroup[Vibrations]]:
        """The models with MD of at least one seed, in the order of the bands."""
        found = self.harvest.vibrations(self.crystal.name, self.size)
        done = {model: group for model, group in found.items() if group.results}
        return {model: done[model] for panel in layout(done) for model in panel} if done else {}

    @cached_property
    def harmonics(self) -> dict[str, HarmonicSpectra]:
        """By model; computed once for all figures."""
        return {model: harmonic_spectra(self.harvest, self.crystal, group) for model, group in self.groups.items()}

    @property
    def elements(self) -> list[str]:
        """The lightest first."""
        from ase.data import atomic_numbers

        return sorted(set(self.crystal.cells.primitive.symbols), key=atomic_numbers.__getitem__)

    def absent(self) -> Iterator[Absent]:
        """Models of which MD is asked, and none is done."""
        asked = self.harvest.campaign.spec.dynamics
        others = [f"{size}: " for size in self.harvest.sizes(self.crystal.name) if size != self.size]
        for gap in self.harvest.campaign.plan.gaps:
            if not is_model(gap.model):
                continue
            (model,) = potentials([gap.model])
            mine = gap.system == self.crystal.name and not gap.why.startswith(tuple(others))
            if mine and asked is not None and model in asked.models:
                yield Absent(title=title_of(model), why=gap.why)
        for model, group in self.harvest.vibrations(self.crystal.name, self.size).items():
            if model not in self.groups:
                states = ", ".join(f"seed {seed}: {state}" for seed, state in self.missing(group).items())
                yield Absent(title=title_of(model), why=states)

    def missing(self, group: SeedGroup[Vibrations]) -> dict[int, str]:
        """Seeds without MD: their states, and of what kind a failure is."""
        kinds = {one.work.key: one.record.kind for one in self.harvest.campaign.failures()}
        keys = {work.seed: work.key for work in group.works}
        return {
            seed: f"{state}: {kinds[keys[seed]]}" if keys[seed] in kinds else state
            for seed, state in group.missing.items()
        }
