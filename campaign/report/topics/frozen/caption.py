"""The caption of frozen phonons: which engine in which cell, how modes were fitted, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign.report.crystal import Crystal
from campaign.report.document import Caption
from campaign.report.engines import levels_text, minimal_text, versions_text
from campaign.report.harvest import Harvest
from campaign.report.methods import phonon_methods, trainings_text
from campaign.report.seed_text import absent_text, not_learned_text, seeds_text
from campaign.report.straight_line import line_in
from campaign.report.titles import listed
from campaign.report.topics.frozen.payload import FrozenFigure, FrozenLevel, FrozenModes


def frozen_caption(figure: FrozenFigure, crystal: Crystal, harvest: Harvest) -> Caption:
    """The caption of frozen phonons beside models."""
    drawn = (
        *(*_frozen(figure, crystal), *_models(figure, crystal), *_measured(figure)),
        *(minimal_text(crystal.cells), *_rest(figure)),
    )
    return Caption.of(drawn, _methods(figure, crystal, harvest))


def frozen_alt(figure: FrozenFigure) -> str:
    """What a screen reader says."""
    levels = "; ".join(_spoken(one) for one in figure.levels)
    measured = "".join(f" {one.title}: {one.value_cm1:g} cm^-1." for one in figure.markers)
    return f"The optical mode at Γ of {figure.system}, frozen phonons and models: {levels}.{measured}"


def _spoken(level: FrozenLevel) -> str:
    models = (f"{one.name} {span(one.values_cm1)}{_spoken_line(one)}" for one in level.models)
    return ", ".join([f"{level.title} {level.frozen_cm1:.0f} cm^-1", *models])


def _spoken_line(one: FrozenModes) -> str:
    return f" ({line_in(one.line_base)} {span(one.line_cm1)})" if one.line_cm1 else ""


def _frozen(figure: FrozenFigure, crystal: Crystal) -> Iterator[str]:
    frozen = "; ".join(f"{one.title} {one.frozen_cm1:.1f} cm^-1" for one in figure.levels)
    yield (
        f"The optical mode at Γ of {figure.system}: (a) its frequency, (b) how far models are from the frozen phonon of "
        f"their own level. Lines: frozen phonons from energies by the engines themselves ({frozen}), in the "
        f"{crystal.training_cell} of the training structures; none of their structures trained a model. "
        f"{levels_text(crystal.cells, [one.level for one in figure.levels])}."
    )
    moves = listed(f"{one:g}" for one in figure.displacements_A)
    fit = "by least squares" if len(figure.displacements_A) > 2 else "through all of them"
    yield (
        f"One sublattice moved along x against the other by {moves} Å and at rest, E(u) − E(0) = a u² + b u⁴ {fit}, "
        "ω² = 2a/μ with the reduced mass μ."
    )


def _models(figure: FrozenFigure, crystal: Crystal) -> Iterator[str]:
    yield (
        f"Dots: models that stand for the level, one for each training seed, by phonons in a {crystal.phonon_cell}; bars: "
        "from the smallest to the largest."
    )
    if len(set(crystal.cells.primitive.symbols)) > 1:
        yield "Of a polar crystal the transverse mode."
    if bases := dict.fromkeys(one.line_base for level in figure.levels for one in level.models if one.line_cm1):
        yield (
            f"Ticks in the row of a sum: {listed(map(line_in, bases))} alone instead of a model of the difference, fitted "
            "to the structures that it trains on: the force constants of the base model, of each seed, times 1 + slope."
        )
    if direct := [one.title for one in figure.levels if one.direct_cm1 is not None]:
        yield f"Diamonds: phonons of {listed(direct)} itself, in the cell of the models' phonons."
    for level in figure.levels:
        models = (f"{model_text(one, figure.levels)}, {seeds_text(one)}" for one in level.models)
        yield f"{level.title}: {'; '.join(models) or level.without}."


def _measured(figure: FrozenFigure) -> Iterator[str]:
    for one in figure.markers:
        yield f"×: experiment, {one.title}, {one.value_cm1:g} cm^-1 ({one.source})."


def _rest(figure: FrozenFigure) -> Iterator[str]:
    lost = (one.title for level in figure.levels for one in level.models if not one.learned)
    yield not_learned_text(dict.fromkeys(lost))
    yield absent_text(figure.absent)


def _methods(figure: FrozenFigure, crystal: Crystal, harvest: Harvest) -> Iterator[str]:
    drawn = {(one.model, one.size) for level in figure.levels for one in level.models}
    works = [harvest.phonons(crystal.name, size)[model].works[0] for model, size in sorted(drawn)]
    yield versions_text(harvest.labelled(crystal.name))
    if works:
        yield from trainings_text(harvest, works)
        yield from phonon_methods(crystal, harvest, works)


def model_text(one: FrozenModes, levels: Iterable[FrozenLevel]) -> str:
    """The title of a model, with its size where the figure has several."""
    sizes = {models.size for level in levels for models in level.models}
    return f"{one.title} ({one.size})" if len(sizes) > 1 else one.title


def span(values: tuple[float, ...]) -> str:
    """`1290 to 1310`, in cm^-1."""
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return low if low == high else f"{low} to {high}"
