"""What frozen phonons are drawn from: each level by its own engine, and the models that stand for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from campaign.report.crystal import Crystal
from campaign.report.document import Absent
from campaign.report.engines import engine_of, levels_text
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.titles import energies_title, phonons_title, title_of
from campaign.report.topics.frozen.payload import FrozenLevel, FrozenModes
from campaign.results.tables.frozen import optical_cm1, without_models
from campaign.results.tables.phonons import lines_of
from flows.records import PhononFacts
from flows.training.names import ModelName


@dataclass(frozen=True)
class FrozenSource:
    """What the frozen phonons of one system are drawn from."""

    harvest: Harvest
    crystal: Crystal

    @property
    def level_names(self) -> list[str]:
        """The levels of which a frozen phonon is asked for."""
        cells = self.crystal.cells
        levels = [name for name, one in cells.levels.items() if one.engine is not None]
        return levels if cells.frozen_phonon is not None else []

    def levels(self) -> Iterator[FrozenLevel]:
        """Those whose labels are all there."""
        cells, direct = self.crystal.cells, self.harvest.direct(self.crystal.name)
        for one in self.harvest.campaign.frozen_phonons():
            if one.system != self.crystal.name:  # another system may have levels that this one lacks
                continue
            engine = engine_of(cells, one.level)
            if engine is not None:
                yield FrozenLevel(
                    level=one.level,
                    title=energies_title(one.of or (one.level,)),
                    engine=levels_text(cells, one.of) if one.of else engine.text(cells.method(one.level)),
                    frozen_cm1=round(one.phonon.frequency_cm1, 4),
                    direct_cm1=round(optical_cm1(direct[one.level].points_cm1), 4) if one.level in direct and not one.of else None,
                    models=tuple(self._models(one.level)),
                    without=without_models(self.harvest.campaign, one.system, one.level),
                )

    def absent(self, done: Iterable[str]) -> Iterator[Absent]:
        """Levels without a frozen phonon, and models without phonons."""
        for level in self.level_names:
            if level not in done:
                yield Absent(title=f"the frozen phonon of {title_of(level)}", why=self._why_not(level))
        for gap in self.harvest.campaign.plan.gaps:
            if gap.system == self.crystal.name:
                yield Absent(title=phonons_title(gap.model), why=gap.why)
        for group in self._groups():
            if not group.results:
                several = len(self.harvest.sizes(self.crystal.name)) > 1
                states = ", ".join(f"seed {seed}: {state}" for seed, state in group.missing.items())
                size = f", {group.works[0].size}" if several else ""
                yield Absent(title=f"{title_of(group.model)}{size}", why=states)

    def _models(self, level: str) -> Iterator[FrozenModes]:
        for group in self._groups():
            if group.results and ModelName.parse(group.model).level == level:
                values = tuple(round(optical_cm1(one.record.points_cm1), 4) for one in group.results)
                yield FrozenModes(**group.facts(), **self._line(group), size=group.works[0].size, values_cm1=values)

    def _line(self, group: SeedGroup[PhononFacts]) -> dict[str, Any]:
        lines = lines_of(self.harvest.campaign.lines(), group.results)
        values = tuple(round(optical_cm1(line.points_cm1), 4) for line in lines)
        return {"line_base": lines[0].base, "line_cm1": values} if lines else {}

    def _groups(self) -> list[SeedGroup[PhononFacts]]:
        name = self.crystal.name
        return [one for size in self.harvest.sizes(name) for one in self.harvest.phonons(name, size).values()]

    def _why_not(self, level: str) -> str:
        keys = self.harvest.campaign.label_requests()[self.crystal.name].frozen.get(level, ())
        for failed in self.harvest.campaign.failures():
            if failed.record.label_key in keys:
                return f"a label failed: {failed.record.message}"
        return "its labels are not all there"
