"""What figures of bands are drawn from: the models of one system and size, and levels themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

from campaign.planning.work import is_model
from campaign.report.crystal import Crystal
from campaign.report.dispersion.axis_range import frequency_range
from campaign.report.dispersion.payload import Axis, DispersionFigure, Line, Panel, Rows
from campaign.report.dispersion.spread import rows
from campaign.report.document import Absent
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.titles import phonons_title, title_of
from campaign.report.user_references import densities_of, series_on
from flows.records import Bands, PhononFacts
from flows.training.names import ModelName

Groups = dict[str, SeedGroup[PhononFacts]]
F = TypeVar("F", bound=DispersionFigure)


@dataclass(frozen=True)
class DispersionSource:
    """The harvest of one system and size."""

    harvest: Harvest
    crystal: Crystal
    size: str

    @classmethod
    def by_size(cls, harvest: Harvest, crystal: Crystal) -> Iterator[Self]:
        """Of every size of a system."""
        return (cls(harvest, crystal, size) for size in harvest.sizes(crystal.name))

    @property
    def groups(self) -> Groups:
        """The models that have bands of at least one seed."""
        return {
            model: group
            for model, group in self.harvest.phonons(self.crystal.name, self.size).items()
            if group.results and all(one.record.bands.labels for one in group.results)
        }

    def direct(self, level: str) -> PhononFacts | None:
        """Phonons of a level itself, on the path that the models have."""
        found = self.harvest.direct(self.crystal.name).get(level)
        path = next(iter(self.groups.values())).results[0].record.bands.qpoints
        return found if found is not None and found.bands.qpoints == path else None

    def direct_lines(self, level: str) -> Iterator[Line]:
        """The bands of a level itself, where there are any."""
        found = self.direct(level)
        if found is not None:
            yield Line(
                kind="direct",
                model=level,
                title=title_of(level),
                frequencies_cm1=sorted_bands(found.bands),
                dos=found.dos,
                source=found.source or "",
            )

    def absent(self) -> tuple[Absent, ...]:
        """Models without any bands: gaps, and those of which no seed is done."""
        return (*self._gaps(), *self._undone())

    def _gaps(self) -> Iterator[Absent]:
        campaign = self.harvest.campaign
        others = [f"{size}: " for size in self.harvest.sizes(self.crystal.name) if size != self.size]
        for gap in campaign.plan.gaps:
            if gap.system == self.crystal.name and not gap.why.startswith(tuple(others)):
                yield Absent(title=phonons_title(_phonons_of(gap.model)), why=gap.why)

    def _undone(self) -> Iterator[Absent]:
        for model, group in self.harvest.phonons(self.crystal.name, self.size).items():
            if model not in self.groups:
                states = ", ".join(f"seed {seed}: {state}" for seed, state in group.missing.items())
                yield Absent(title=title_of(model), why=states or "its records hold no bands")


def figure_of(
    kind: type[F], source: DispersionSource, panels: tuple[Panel, ...], about: str
) -> F:
    """A figure of these panels, without its words; `about` begins its heading."""
    crystal, size = source.crystal, source.size
    bands = next(iter(source.groups.values())).results[0].record.bands
    series = series_on(crystal.user_references, bands)
    values = [one.value_cm1 for one in crystal.markers]
    values += [point.frequency_cm1 for one in series for point in one.points]
    shown, clipped = frequency_range(panels, values)
    return kind(
        name=f"{kind.model_fields['kind'].default}_{crystal.name}_{size}",
        system=crystal.name,
        heading=f"{about}: {crystal.name}, {size}",
        alt="",
        caption="",
        size=size,
        training_cell=crystal.training_cell,
        phonon_cell=crystal.phonon_cell,
        axis=Axis.of(bands, crystal.coverage),
        coverage=crystal.coverage,
        panels=panels,
        markers=crystal.markers,
        series=series,
        densities=densities_of(crystal.user_references),
        absent=source.absent(),
        range_cm1=shown,
        clipped=clipped,
    )


def sorted_bands(bands: Bands) -> tuple[Rows, ...]:
    """Frequencies per segment, bands sorted at every q-point."""
    import numpy as np

    return tuple(rows(np.sort(np.array(block), axis=-1)) for block in bands.frequencies_cm1)


def _phonons_of(model: str) -> str:
    """A difference has no phonons of its own: its sum has."""
    name = ModelName.parse(model) if is_model(model) else None
    return f"delta_{name.level}" if name is not None and name.kind == "difference" else model
