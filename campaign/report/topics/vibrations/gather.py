"""Payloads of long MD beside the harmonic approximation: as in Figs. 3 and 4 of the paper, and by element, as in Fig. 5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.report.crystal import Crystal
from campaign.report.dispersion.axis_range import density_reach, frequency_reach
from campaign.report.dispersion.payload import (
    Absent,
    Curves,
    MeshCurve,
    VibrationsFigure,
    VibrationsPanel,
)
from campaign.report.harvest import Harvest, SeedGroup, is_model, title_of
from campaign.report.spread import dos_mean
from campaign.report.topics.bands.gather import LETTERS, BandsSource, layout
from campaign.report.topics.vibrations.caption import vibrations_alt, vibrations_caption
from campaign.report.topics.vibrations.harmonic_spectra import Harmonics, harmonics
from campaign.report.user_references import densities_of
from campaign.spec.dynamics import potentials
from flows.dynamics.harmonic import rounded
from flows.records import DensityOfStates, Spectrum, Vibrations
from flows.training.names import ModelName

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    def harmonics(self) -> dict[str, Harmonics]:
        """By model; computed once for all figures."""
        return {model: harmonics(self.harvest, self.crystal, group) for model, group in self.groups.items()}

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


def vibrations_figure(source: VibrationsSource) -> VibrationsFigure | None:
    """All atoms, a panel for each model; None where no MD is done yet."""
    return _figure(source, [(model, "") for model in source.groups])


def projected_figure(source: VibrationsSource) -> VibrationsFigure | None:
    """A panel for each model and element; None where there is one element only, or no MD is done yet."""
    if len(source.elements) < 2:
        return None
    return _figure(source, [(model, element) for model in source.groups for element in source.elements])


def _figure(source: VibrationsSource, asked: Sequence[tuple[str, str]]) -> VibrationsFigure | None:
    if not asked:
        return None
    panels = tuple(
        _panel(source, model, element).model_copy(update={"letter": letter})
        for letter, (model, element) in zip(_letters(), asked, strict=False)
    )
    system, by_element = source.crystal.name, bool(asked[0][1])
    densities = densities_of(source.crystal.given, by_element)
    shown, clipped = frequency_reach(panels)
    highest, cut = density_reach(panels, densities)
    draft = VibrationsFigure(
        name=f"{'projected' if by_element else 'vibrations'}_{system}_{source.size}",
        system=system,
        heading=f"{'MD against harmonic, by element' if by_element else 'MD against harmonic'}: {system}, {source.size}",
        alt="",
        caption="",
        kind="projected" if by_element else "vibrations",
        size=source.size,
        panels=panels,
        peaks=source.crystal.peaks if by_element else (),
        densities=densities,
        absent=tuple(source.absent()),
        range_cm1=shown,
        highest=highest,
        clipped=clipped,
        cut=cut,
    )
    caption = vibrations_caption(draft, source.crystal, source.harvest, source.groups)
    return draft.model_copy(update={"alt": vibrations_alt(draft), **caption._asdict()})


def _letters() -> Iterator[str]:
    """a to z, then aa, ab, ..."""
    yield from LETTERS
    yield from map("".join, product(LETTERS, repeat=2))


def _panel(source: VibrationsSource, model: str, element: str) -> VibrationsPanel:
    group, beside = source.groups[model], source.harmonics[model]
    records = [one.record for one in group.results]
    md = md_curves(records, element)
    harmonic = _harmonic_curves(list(beside.spectra.values()), element)
    grid = np.array(records[0].frequencies_cm1)
    symbols = source.crystal.cells.primitive.symbols
    part = symbols.count(element) / len(symbols) if element else 1.0
    facts = group.facts() | {"missing": source.missing(group)}
    return VibrationsPanel(
        **facts,
        letter="",
        element=element,
        frequencies_cm1=records[0].frequencies_cm1,
        normalized_to=records[0].normalized_to * part,
        captured=round(float(np.trapezoid(md.mean, grid)), 6),
        md=md,
        runs=sum(len(one.starts) for one in records),
        harmonic=harmonic,
        overlap=_overlap(grid, md, harmonic),
        harmonic_seeds=tuple(beside.spectra),
        no_harmonic=beside.missing,
        unstable_modes=beside.unstable,
        mesh=_mesh(title_of(model), [one.dos for one in beside.phonons], element),
        reference=_reference(source, model, element),
    )


def md_curves(seeds: Sequence[Vibrations], element: str = "") -> Curves:
    """The mean over the seeds; smallest and largest over the seeds and the starts of each."""
    curves = [_curve(one, element) for one in seeds]
    bands = [one.bands.get(element or "total") for one in seeds]
    low = [curve if band is None else np.array(band.low) for band, curve in zip(bands, curves, strict=True)]
    high = [curve if band is None else np.array(band.high) for band, curve in zip(bands, curves, strict=True)]
    return _curves(np.mean(curves, axis=0), np.min(low, axis=0), np.max(high, axis=0))


def _harmonic_curves(seeds: Sequence[Spectrum], element: str) -> Curves | None:
    curves = np.array([_curve(one, element) for one in seeds])
    return _curves(curves.mean(axis=0), curves.min(axis=0), curves.max(axis=0)) if seeds else None


def _overlap(grid: NDArray, md: Curves, harmonic: Curves | None) -> float | None:
    """Of the means: the area under both over that of the harmonic one."""
    if harmonic is None:
        return None
    under_both = np.minimum(md.mean, harmonic.mean)
    return round(float(np.trapezoid(under_both, grid) / np.trapezoid(harmonic.mean, grid)), 4)


def _curve(spectrum: Spectrum, element: str) -> NDArray[np.float64]:
    return np.array(spectrum.projected[element] if element else spectrum.total)


def _curves(mean: NDArray, low: NDArray, high: NDArray) -> Curves:
    return Curves(mean=rounded(mean), low=rounded(low), high=rounded(high))


def _reference(source: VibrationsSource, model: str, element: str) -> MeshCurve | None:
    """Of the model's level itself; where there is none, of the level that a sum starts from."""
    direct = source.harvest.direct(source.crystal.name)
    base = BandsSource(source.harvest, source.crystal, source.size).base(model)
    level = next((one for one in (ModelName.parse(model).level, base) if one in direct), None)
    if level is None:
        return None
    found = _mesh(title_of(level), [direct[level].dos], element)
    return found and found.model_copy(update={"nac": direct[level].nac is not None})


def _mesh(title: str, seeds: Sequence[DensityOfStates], element: str) -> MeshCurve | None:
    """None where there is nothing, or nothing by element."""
    if element:
        seeds = [
            one.model_copy(update={"total": one.projected[element]})
            for one in seeds
            if element in one.projected
        ]
    if not seeds:
        return None
    mean = dos_mean(seeds)
    curve: dict[str, Any] = {"frequencies_cm1": mean.frequencies_cm1, "total": mean.total}
    return MeshCurve(title=title, mesh=mean.mesh, **curve)
