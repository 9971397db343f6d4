"""The caption of sampling: how structures were drawn, how many, who labels them, what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from campaign.report.crystal import Crystal
from campaign.report.document import Caption
from campaign.report.engines import labels_text
from campaign.report.level_labels import LevelLabels
from campaign.report.titles import listed, title_of
from campaign.report.topics.sampling.payload import SamplingFigure
from campaign.spec.labelling import SweepSpec

REASONS = 3  # that a caption names


def sampling_caption(
    figure: SamplingFigure, crystal: Crystal, labels: Mapping[str, LevelLabels], unlike: int
) -> Caption:
    """The caption of what was drawn; `unlike` structures have other atoms than the training cell."""
    drawn = (
        *_drawn(figure, crystal),
        *_sets(figure, crystal),
        *_energies(figure),
        f"{unlike} structures with other atoms, or atoms in another order, are not drawn." if unlike else "",
        *_failed(labels),
    )
    return Caption.of(drawn, labels_text(crystal.cells, labels))


def sampling_alt(figure: SamplingFigure) -> str:
    """What a screen reader says."""
    count = sum(len(one.structures) for one in figure.strata)
    far = [structure.rms_displacement_A for one in figure.strata for structure in one.structures]
    sets = "; ".join(f"{one.title}: {len(one.structures)}" for one in figure.sets)
    return (
        f"{count} structures of {figure.system} that were drawn, with RMS displacements of {min(far):.3f} to "
        f"{max(far):.3f} Å, and how many are labelled at each level: {sets}."
    )


def _drawn(figure: SamplingFigure, crystal: Crystal) -> Iterator[str]:
    count = sum(len(one.structures) for one in figure.strata)
    yield (
        f"The {count} structures of {figure.system} that were drawn to be labelled, in the {crystal.training_cell}. (a) RMS "
        "displacement of their atoms from the training cell at rest, without drift, a row for each way of drawing."
    )
    sampling = crystal.cells.sampling
    if sampling is None:
        yield "They are those of published labels."
        return
    if (rattles := sampling.rattles) is not None:
        widths = listed(f"{one:g}" for one in rattles.displacements_A)
        yield (
            f"Rattled: {rattles.count} structures, Gaussian displacements with a standard deviation of {widths} Å along "
            f"each axis, in turns, seed {rattles.seed}."
        )
    if sampling.sweep is not None:
        yield _sweep(sampling.sweep, sum(len(one.structures) for one in figure.strata if one.method == "sweep"))


def _sweep(asked: SweepSpec, kept: int) -> str:
    moved = f"the engine at {title_of(asked.level)}" if asked.level is not None else ""
    if asked.model is not None:
        one = asked.model
        moved = f"{title_of(one.model)} of {one.system}, seed {one.seed}, {one.size}"
    return (
        f"MD: {kept} frames of a Langevin sweep through {listed(f'{one:g}' for one in asked.temperatures_K)} K, moved by "
        f"{moved}: {asked.steps} steps of {asked.timestep_fs:g} fs at each, of which every {asked.every}th after the "
        f"first {asked.discard} is kept, seed {asked.seed}."
        + ("" if kept else " It has not run yet.")
    )


def _sets(figure: SamplingFigure, crystal: Crystal) -> Iterator[str]:
    for one in figure.sets:
        draws = dict.fromkeys(crystal.cells.levels[level].draw for level in one.levels)
        whole = all(crystal.cells.levels[level].structures == "full" for level in one.levels)
        how = "all" if whole else f"a {' or '.join(draws)} subset"
        lost = f", {len(one.failed)} of which failed (hollow)" if one.failed else ""
        yield f"{one.title}: {how}, {len(one.structures)} structures{lost}."


def _energies(figure: SamplingFigure) -> Iterator[str]:
    if figure.energies:
        yield "(b) Energies of their labels, above the lowest of each level."


def _failed(labels: Mapping[str, LevelLabels]) -> Iterator[str]:
    for level, one in labels.items():
        if one.failed:
            reasons = Counter(one.failed.values()).most_common(REASONS)
            named = "; ".join(f"{reason} ({count})" if count > 1 else reason for reason, count in reasons)
            more = len(set(one.failed.values())) - len(reasons)
            yield (
                f"{len(one.failed)} of {len(one.structures)} labels of {title_of(level)} failed and are set aside: {named}"
                f"{f'; {more} more reasons' if more > 0 else ''}."
            )
