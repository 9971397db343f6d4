"""Captions: exactly what was run and drawn, from the plan and the records, in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaign.planning.plan import Work
from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import (
    DAGGER,
    DOUBLE_DAGGER,
    Absent,
    Area,
    BandsFigure,
    ErrorPanel,
    ErrorsFigure,
    Line,
    Panel,
    PointCoverage,
    SeedSet,
)
from campaign.report.document import Caption
from campaign.report.engines import listed
from campaign.report.harvest import Harvest
from campaign.report.methods import phonon_methods, training_methods
from campaign.report.user_references import given_text

Works = Mapping[str, Work]


def bands_caption(figure: BandsFigure, crystal: Crystal, harvest: Harvest, works: Works) -> Caption:
    """The caption of seed spreads."""
    first = (
        f"Phonon dispersions and harmonic densities of states of {figure.system}, training sets of size {figure.size}. "
        "Areas: from the smallest to the largest value over the training seeds, for every band (sorted by frequency) "
        "at every q-point, and for the density of states (per primitive cell)."
    )
    alone = list(dict.fromkeys(area.title for panel in figure.panels for area in panel.areas if len(area.seeds) == 1))
    first += f" Of one seed a line is drawn, pale where it has not learned, and no spread is known: {listed(alone)}." if alone else ""
    panels = (f"({panel.letter}) {'; '.join(_contents(panel))}." for panel in figure.panels)
    return Caption.of([first, *panels, *_common(figure)], _methods(crystal, harvest, works))


def seeds_caption(figure: BandsFigure, crystal: Crystal, harvest: Harvest, works: Works) -> Caption:
    """The caption of every seed by itself."""
    first = (
        f"Phonon dispersions of {figure.system}, training sets of size {figure.size}: a line for every seed."
    )
    groups = harvest.phonons(figure.system, figure.size)
    panels = (
        f"({panel.letter}) {_seeds(panel.lines, groups[panel.lines[0].model].missing)}."
        for panel in figure.panels
    )
    pale = any(not line.learned for panel in figure.panels for line in panel.lines)
    first += " Pale: not learned." if pale else ""
    return Caption.of([first, *panels, *_common(figure)], _methods(crystal, harvest, works))


def zone_caption(crystal: Crystal) -> Caption:
    """The caption of the Brillouin zone."""
    first = f"The first Brillouin zone of the primitive cell of {crystal.name} with its named points and the path of the bands."
    extra = "X-K lies outside of the zone; the equivalent X-U is drawn." if "U" in crystal.path.points else ""
    ink = "Open circles: points that carry a mark." if any(crystal.marks.values()) else ""
    return Caption.of([first, extra, ink, *held_text(crystal.coverage, crystal.training_cell, crystal.phonon_cell)])


def errors_caption(figure: ErrorsFigure, training: Iterable[str]) -> Caption:
    """The caption of the error chart."""
    first = (
        f"Root-mean-square errors of the energy of {figure.system}{', on a logarithmic axis' if figure.logarithmic else ''}. A "
        "dot for every seed, a bar from the smallest to the largest. ΔML: errors of the sum of base and difference against the energies of the upper level. Test: "
        "structures that no part of the model has seen. Validation structures count for neither."
    )
    panels = (
        f"({panel.letter}) {panel.split} structures, size {panel.size}: {_counted(panel)}." for panel in figure.panels
    )
    letters: dict[str, list[str]] = {}
    for panel in figure.panels:
        for bar in panel.bars:
            if not bar.learned:
                letters.setdefault(bar.title, []).append(f"({panel.letter})")
    lost = (f"{title} in {listed(places)}" for title, places in letters.items())
    return Caption.of([first, *panels, not_learned_text(lost)], training)


def bands_alt(figure: BandsFigure) -> str:
    """What a screen reader says of bands."""
    names = ", ".join(
        dict.fromkeys(
            one.name if isinstance(one, Area) else one.title
            for p in figure.panels
            for one in (p.areas or p.lines)
        )
    )
    path = "-".join(tick.label for tick in figure.axis.ticks)
    low, high = figure.range_cm1
    what = (
        "Phonon bands with seed spread and densities of states"
        if figure.kind == "bands"
        else "Phonon bands of every seed"
    )
    return f"{what} of {figure.system} along {path}, {low:.0f} to {high:.0f} cm^-1: {names}."


def held_text(coverage: Sequence[PointCoverage], training: str, phonons: str) -> Iterator[str]:
    """Which named points the training cell holds and which not, and the same of the supercell of the phonons."""
    lost = [f"{one.label} (0 of {one.arms} arms)" for one in coverage if not one.held]
    kept = [f"{one.label} ({one.held} of {one.arms})" for one in coverage if one.held]
    interpolated = [one.label for one in coverage if not one.held_by_phonons]
    if lost:
        yield (
            f"{DAGGER}: the {training} of the training structures cannot represent {', '.join(lost)}, over all arms of the "
            f"star. It holds {', '.join(kept)}."
        )
    else:
        yield f"The training {training} holds an arm of the star of every named point."
    if interpolated:
        yield (
            f"{DOUBLE_DAGGER}: the {phonons} does not hold {', '.join(interpolated)}; phonons are interpolated there, as "
            "they are everywhere between the points that it holds."
        )


def seeds_text(one: SeedSet) -> str:
    """`seeds 861, 5735 (missing: 7271, failed)`."""
    drawn = f"{'seed' if len(one.seeds) == 1 else 'seeds'} {', '.join(map(str, one.seeds))}"
    return drawn + _missing(one.missing)


def not_learned_text(titles: Iterable[str]) -> str:
    """What hatching means, where there is any."""
    named = ", ".join(titles)
    return (
        f"Hatched, not learned: {named}; the width of their spread is no measure of confidence."
        if named
        else ""
    )


def _counted(panel: ErrorPanel) -> str:
    """How many structures and which seeds; like models together."""
    found: dict[str, list[str]] = {}
    for bar in panel.bars:
        found.setdefault(f"{bar.count} structures, {seeds_text(bar)}", []).append(bar.title)
    return "; ".join(f"{listed(titles)} {text}" for text, titles in found.items())


def _contents(panel: Panel) -> Iterator[str]:
    for area in panel.areas:
        yield (
            f"{area.name}: {seeds_text(area)}"
            + (f", {area.learned_seeds} of {len(area.seeds)} learned" if not area.learned else "")
            + (f"; {area.unstable}{' (the worst seed)' if len(area.seeds) > 1 else ''}" if area.unstable else "")
        )
    for line in panel.lines:
        yield _line(line)


def _line(line: Line) -> str:
    if line.kind == "base":
        return f"dashed: {line.title}, mean over its seeds (phonons of the level itself were not computed)"
    return f"line: {_itself(line)}"


def _itself(line: Line) -> str:
    return f"{line.title}, phonons of the level itself" + (f" ({line.source})" if line.source else "")


def _seeds(lines: Sequence[Line], missing: Mapping[int, str]) -> str:
    seeds = [
        f"{line.seed}{'' if line.learned else ' (not learned)'}" for line in lines if line.kind == "seed"
    ]
    drawn = f"{lines[0].title}: {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(seeds)}{_missing(missing)}"
    direct = [
        f"; dashed: {_itself(line)}" for line in lines if line.kind == "direct"
    ]
    return drawn + "".join(direct)


def _missing(states: Mapping[int, str]) -> str:
    text = "; ".join(f"{seed}, {state}" for seed, state in states.items())
    return f" (missing: {text})" if text else ""


def _common(figure: BandsFigure) -> Iterator[str]:
    yield not_learned_text(
        dict.fromkeys(area.title for panel in figure.panels for area in panel.areas if not area.learned)
    )
    yield from held_text(figure.coverage, figure.training_cell, figure.phonon_cell)
    if figure.range_cm1[0] < 0:
        yield "Imaginary frequencies are drawn below zero."
    if figure.clipped:
        low, high = figure.range_cm1
        yield f"Triangles at the edge: {', '.join(figure.clipped)} leave the range shown ({low:.0f} to {high:.0f} cm^-1)."
    for marker in figure.markers:
        yield f"×: {marker.title} at {marker.label}, {marker.value_cm1:g} cm^-1 ({marker.source})."
    yield from given_text(figure)
    yield _not_drawn(figure.absent)


def _not_drawn(absent: Sequence[Absent]) -> str:
    return f"Not drawn: {'; '.join(f'{one.title} ({one.why})' for one in absent)}." if absent else ""


def _methods(crystal: Crystal, harvest: Harvest, works: Works) -> Iterator[str]:
    yield from training_methods(harvest, list(works.values()))
    yield from phonon_methods(crystal, harvest, list(works.values()))
