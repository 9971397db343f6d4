"""Payloads of bands: a panel per model, as in Fig. 1 of the paper, and every seed by itself, as in Fig. A3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from campaign.report.crystal import Crystal
from campaign.report.dispersion.axis_range import frequency_range
from campaign.report.dispersion.caption import bands_alt, bands_caption, seeds_caption
from campaign.report.dispersion.payload import Absent, Area, Axis, BandsFigure, Line, Panel
from campaign.report.harvest import Harvest, SeedGroup, is_model, phonons_title, title_of
from campaign.report.spread import band_mean, band_spread, dos_mean, dos_spread, rows
from campaign.report.user_references import densities_of, series_on
from flows.records import PhononFacts
from flows.training.names import ModelName

LETTERS = "abcdefghijklmnopqrstuvwxyz"
Groups = dict[str, SeedGroup[PhononFacts]]


@dataclass(frozen=True)
class BandsSource:
    """What the bands of one system and size are drawn from."""

    harvest: Harvest
    crystal: Crystal
    size: str

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

    def base(self, model: str) -> str | None:
        """The base level of a sum."""
        level = ModelName.parse(model).level
        asked = (ModelName.parse(name) for name in self.harvest.campaign.spec.models)
        return next((name.base for name in asked if name.level == level and name.base is not None), None)

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


def bands_figure(source: BandsSource) -> BandsFigure | None:
    """Seed spreads and references, panel by panel; None where nothing is done yet."""
    groups = source.groups
    if not groups:
        return None
    panels = tuple(
        Panel(
            letter=letter,
            areas=tuple(area(groups[model]) for model in models),
            lines=tuple(_lines(source, models)),
        )
        for letter, models in zip(LETTERS, layout(groups), strict=False)
    )
    return _figure(source, panels, "bands")


def seeds_figure(source: BandsSource) -> BandsFigure | None:
    """Every seed by itself, a panel for each model; None where nothing is done yet."""
    groups = source.groups
    if not groups:
        return None
    models = [model for panel in layout(groups) for model in panel]
    panels = tuple(
        Panel(
            letter=letter,
            lines=(*_seed_lines(groups[model]), *_direct_line(source, ModelName.parse(model).level)),
        )
        for letter, model in zip(LETTERS, models, strict=False)
    )
    return _figure(source, panels, "seeds")


def layout(models: Iterable[str]) -> list[list[str]]:
    """Which models share a panel: ML(X_EF), ML(X_E) and ΔML(HF) stand alone, all other sums together."""
    order = sorted(
        models, key=lambda model: ("ef", "e", "sum", "difference").index(ModelName.parse(model).kind)
    )
    alone = [[model] for model in order if ModelName.parse(model).kind != "sum" or model == "delta_hf"]
    together = [model for model in order if ModelName.parse(model).kind == "sum" and model != "delta_hf"]
    return [*alone, together] if together else alone


def area(group: SeedGroup[PhononFacts]) -> Area:
    """The seed spread of a model."""
    records = [one.record for one in group.results]
    low, high = band_spread([one.bands for one in records])
    return Area(**group.facts(), low_cm1=low, high_cm1=high, dos=dos_spread([one.dos for one in records]))


def _figure(source: BandsSource, panels: tuple[Panel, ...], kind: str) -> BandsFigure:
    crystal, size = source.crystal, source.size
    bands = next(iter(source.groups.values())).results[0].record.bands
    series = series_on(crystal.given, bands)
    values = [one.value_cm1 for one in crystal.markers]
    values += [point.frequency_cm1 for one in series for point in one.points]
    shown, clipped = frequency_range(panels, values)
    about = {"bands": "Phonons", "seeds": "Every seed by itself"}[kind]
    draft = BandsFigure(
        name=f"{kind}_{crystal.name}_{size}",
        system=crystal.name,
        heading=f"{about}: {crystal.name}, {size}",
        alt="",
        caption="",
        kind="bands" if kind == "bands" else "seeds",
        size=size,
        training_cell=crystal.training_cell,
        phonon_cell=crystal.phonon_cell,
        axis=Axis.of(bands, crystal.coverage),
        coverage=crystal.coverage,
        panels=panels,
        markers=crystal.markers,
        series=series,
        densities=densities_of(crystal.given),
        absent=source.absent(),
        range_cm1=shown,
        clipped=clipped,
    )
    caption = bands_caption if kind == "bands" else seeds_caption
    works = {model: group.works[0] for model, group in source.groups.items()}
    return draft.model_copy(
        update={"alt": bands_alt(draft), **caption(draft, crystal, source.harvest, works)._asdict()}
    )


def _lines(source: BandsSource, models: Sequence[str]) -> Iterator[Line]:
    """The level's own phonons; where several models share a panel, or it has none, the base of the sums."""
    level = ModelName.parse(models[0]).level
    if len(models) == 1 and source.direct(level) is not None:
        yield from _direct_line(source, level)
    elif ModelName.parse(models[0]).kind == "sum" and (base := source.base(models[0])) is not None:
        if source.direct(base) is not None:
            yield from _direct_line(source, base)
        elif (group := source.groups.get(f"{base}_ef")) is not None:
            yield _base_line(group)


def _direct_line(source: BandsSource, level: str) -> Iterator[Line]:
    found = source.direct(level)
    if found is not None:
        bands = tuple(map(_sorted, found.bands.frequencies_cm1))
        yield Line(
            kind="direct",
            model=level,
            title=title_of(level),
            frequencies_cm1=bands,
            dos=found.dos,
            source=found.source or "",
        )


def _base_line(group: SeedGroup[PhononFacts]) -> Line:
    records = [one.record for one in group.results]
    return Line(
        kind="base",
        model=group.model,
        title=title_of(group.model),
        learned=all(one.learned for one in records),
        frequencies_cm1=band_mean([one.bands for one in records]),
        dos=dos_mean([one.dos for one in records]),
    )


def _seed_lines(group: SeedGroup[PhononFacts]) -> Iterator[Line]:
    for one in group.results:
        yield Line(
            kind="seed",
            model=group.model,
            title=title_of(group.model),
            seed=one.work.seed,
            learned=one.record.learned,
            frequencies_cm1=tuple(map(_sorted, one.record.bands.frequencies_cm1)),
        )


def _sorted(block: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    import numpy as np

    return rows(np.sort(np.array(block), axis=-1))


def _phonons_of(model: str) -> str:
    """A difference has no phonons of its own: its sum has."""
    name = ModelName.parse(model) if is_model(model) else None
    return f"delta_{name.level}" if name is not None and name.kind == "difference" else model
