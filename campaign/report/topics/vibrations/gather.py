"""The numbers of long MD beside the harmonic approximation: as in Figs. 3 and 4 of the paper, and by element, as in Fig. 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.report.dispersion.spread import dos_mean
from campaign.report.panels import letters
from campaign.report.titles import title_of
from campaign.report.topics.vibrations.axis_range import density_reach, frequency_reach
from campaign.report.topics.vibrations.caption import vibrations_alt, vibrations_caption
from campaign.report.topics.vibrations.payload import Curves, MeshCurve, VibrationsFigure, VibrationsPanel
from campaign.report.topics.vibrations.source import VibrationsSource
from campaign.report.user_references import densities_of
from flows.dynamics.harmonic import rounded
from flows.records import DensityOfStates, Spectrum, Vibrations

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        for letter, (model, element) in zip(letters(), asked, strict=False)
    )
    system, by_element = source.crystal.name, bool(asked[0][1])
    densities = densities_of(source.crystal.user_references, by_element)
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
    return draft.worded(caption, vibrations_alt(draft))


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
    base = source.harvest.base(model)
    level = next((one for one in (source.harvest.level_itself(model), base) if one in direct), None)
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
