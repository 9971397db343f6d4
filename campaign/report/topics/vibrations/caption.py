"""Captions of densities of states from MD: what was run, what is drawn, what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaign.report.crystal import Crystal
from campaign.report.document import Caption
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.methods import training_methods
from campaign.report.seed_text import absent_text, not_learned_text, seeds_text
from campaign.report.topics.vibrations.methods import hessian_methods, md_methods
from campaign.report.topics.vibrations.payload import VibrationsFigure, VibrationsPanel
from flows.records import Vibrations

Groups = Mapping[str, SeedGroup[Vibrations]]
COMPLETE = 0.99  # of the states


def vibrations_caption(figure: VibrationsFigure, crystal: Crystal, harvest: Harvest, groups: Groups) -> Caption:
    """The caption of densities of states from MD, of all atoms or by element."""
    panels = (f"({panel.letter}) {'; '.join(_contents(panel))}." for panel in figure.panels)
    methods = (*md_methods(crystal, list(groups.values())), *_models(figure, crystal, harvest))
    return Caption.of((*_drawn(figure, crystal, groups), *panels, *_notes(figure)), methods)


def vibrations_alt(figure: VibrationsFigure) -> str:
    """What a screen reader says."""
    names = ", ".join(dict.fromkeys(panel.name for panel in figure.panels))
    elements = ", ".join(dict.fromkeys(panel.element for panel in figure.panels if panel.element))
    low, high = figure.range_cm1
    return (
        f"Vibrational densities of states of {figure.system}{f' by element ({elements})' if elements else ''} from MD "
        f"beside harmonic ones, {low:.0f} to {high:.0f} cm^-1: {names}."
    )


def _drawn(figure: VibrationsFigure, crystal: Crystal, groups: Groups) -> Iterator[str]:
    records = [one.record for group in groups.values() for one in group.results]
    whose = "the elements of " if figure.kind == "projected" else ""
    yield (
        f"Vibrational densities of states of {whose}{figure.system}, training sets of size {figure.size}, from the "
        f"velocity autocorrelation of MD at {_temperatures(records)} K (VACF) and in the harmonic approximation (HA). {_solid(figure, records)}"
    )
    if figure.kind == "projected":
        yield (
            "Normalized to 3 states for each atom of the primitive cell; by equipartition each element has 3 for each of its "
            "atoms, of which VACF may show more or less: its centre of mass rests, and starts are few."
        )
    else:
        yield "Normalized to 3 states for each atom of the primitive cell."
    if any(panel.harmonic for panel in figure.panels):
        yield (
            "Dashed: HA of the same models, mean over the seeds, from their force constants in the cell of the MD itself, on "
            "the q-points that it holds, with the same lines as VACF, without the translations"
            + (
                "; dark area: from the smallest to the largest over the seeds."
                if any(len(panel.harmonic_seeds) > 1 for panel in figure.panels)
                else "."
            )
        )
    if any(panel.mesh for panel in figure.panels):
        yield "Grey: HA from the same force constants on the whole mesh, not broadened, mean over the seeds."
    if any(panel.harmonic for panel in figure.panels) and crystal.cells.nac is not None:
        yield "Neither has the non-analytical term: the forces that move the atoms in MD have none."


def _contents(panel: VibrationsPanel) -> Iterator[str]:
    yield (
        (f"{panel.element}, " if panel.element else "")
        + f"{panel.name}: {seeds_text(panel)}"
        + (f", {panel.learned_seeds} of {len(panel.seeds)} learned" if not panel.learned else "")
    )
    if panel.element or panel.captured < COMPLETE * panel.normalized_to:
        yield f"VACF shows {panel.captured:.3g} of {panel.normalized_to:g} states"
    for seed, why in panel.no_harmonic.items():
        yield f"no HA on the q-points of the MD for seed {seed}: {why}"
    if panel.overlap is not None:
        yield f"{panel.overlap:.0%} of the area of HA lie under VACF too"
    if panel.unstable_modes:
        one = panel.unstable_modes == 1
        yield (
            f"{panel.unstable_modes} mode{'' if one else 's'} of the cell of the MD {'is' if one else 'are'} imaginary and "
            f"stand{'s' if one else ''} at zero frequency in HA (of the worst seed)"
        )
    if panel.reference is not None:
        mesh = "×".join(map(str, panel.reference.mesh))
        term = ", with the non-analytical term" if panel.reference.nac else ""
        yield f"blue: HA of {panel.reference.title} itself, {mesh} mesh{term}"


def _notes(figure: VibrationsFigure) -> Iterator[str]:
    yield "Nuclei are classical: no zero-point motion, and at any temperature the amplitudes of kT."
    yield not_learned_text(dict.fromkeys(panel.title for panel in figure.panels if not panel.learned))
    if figure.clipped:
        yield f"{', '.join(figure.clipped)} leave the range shown (up to {figure.range_cm1[1]:.0f} cm^-1)."
    if figure.cut:
        yield f"Peaks of what is not broadened are cut off (at {figure.highest:.3g} states per cm^-1)."
    for source in dict.fromkeys(peak.source for peak in figure.peaks):
        peaks = [f"{peak.title}, {peak.value_cm1:g} cm^-1" for peak in figure.peaks if peak.source == source]
        yield f"×: {'; '.join(peaks)} ({source}); where a peak is, not how high."
    for one in figure.densities:
        area = f"3 for each {one.element} atom" if one.element else "that of all modes"
        yield f"Dotted: {one.title} ({one.source}), times {one.factor:.4g}, so that its area is {area}."
    yield absent_text(figure.absent)


def _models(figure: VibrationsFigure, crystal: Crystal, harvest: Harvest) -> Iterator[str]:
    drawn = list(dict.fromkeys(panel.model for panel in figure.panels))
    moved, hessians = harvest.vibrations(crystal.name, figure.size), harvest.hessians(crystal.name, figure.size)
    yield from training_methods(harvest, [moved[model].works[0] for model in drawn])
    yield from hessian_methods(crystal, [hessians[model] for model in drawn if model in hessians])


def _solid(figure: VibrationsFigure, records: Sequence[Vibrations]) -> str:
    if all(panel.runs == 1 for panel in figure.panels):
        return "Solid lines: VACF of one seed and one start each, of which no spread is known."
    return (
        "Solid lines: mean over the seeds of VACF; areas: from the smallest to the largest value over the seeds and "
        f"the {_starts(len(one.starts) for one in records)} of the MD of each."
    )


def _temperatures(records: Iterable[Vibrations]) -> str:
    return " and ".join(f"{one:g}" for one in sorted({record.temperature_K for record in records}))


def _starts(values: Iterable[int]) -> str:
    counts = sorted(set(values))
    return f"{' or '.join(map(str, counts))} start{'' if counts == [1] else 's'}"
