"""The payload of the error chart, as in Fig. A2 of the paper: train and test errors of every model and size."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.methods import training_methods
from campaign.report.panels import letters
from campaign.report.topics.errors.caption import errors_caption
from campaign.report.topics.errors.payload import ErrorBar, ErrorPanel, ErrorsFigure, Split
from flows.records import SummedModel, TrainedModelFacts
from flows.training.names import ModelName

Group = SeedGroup[TrainedModelFacts] | SeedGroup[SummedModel]


def errors_figure(harvest: Harvest, system: str) -> ErrorsFigure | None:
    """None where nothing is trained yet."""
    found = tuple(_panels(harvest, system))
    if not found:
        return None
    panels = tuple(
        panel.model_copy(update={"letter": letter})
        for panel, letter in zip(found, letters(), strict=False)
    )
    titles = dict.fromkeys(bar.name for panel in panels for bar in panel.bars)
    draft = ErrorsFigure(
        name=f"errors_{system}",
        system=system,
        heading=f"Errors of the energy: {system}",
        alt=f"RMSE of the energy in meV per atom, by model, for {system}: {', '.join(titles)}.",
        caption="",
        panels=panels,
    )
    works = [group.works[0] for size in harvest.sizes(system) for group in _groups(harvest, system, size)]
    return draft.worded(errors_caption(draft, training_methods(harvest, works)))


def _panels(harvest: Harvest, system: str) -> Iterator[ErrorPanel]:
    """Size by size, trained before tested; a size that leaves nothing to test on has no test panel."""
    splits: tuple[Split, Split] = ("train", "test")
    for size in harvest.sizes(system):
        groups = _groups(harvest, system, size)
        for split in splits:
            bars = tuple(bar for group in groups for bar in _bar(group, split))
            if bars:
                yield ErrorPanel(letter="", size=size, split=split, bars=bars)


def _groups(harvest: Harvest, system: str, size: str) -> list[Group]:
    """Models of levels, then sums; a difference counts by its sum."""
    trained = [
        group
        for model, group in harvest.trainings(system, size).items()
        if ModelName.parse(model).kind != "difference" and group.results
    ]
    order = sorted(trained, key=lambda group: ("ef", "e").index(ModelName.parse(group.model).kind))
    return [*order, *(group for group in harvest.sums(system, size).values() if group.results)]


def _bar(group: Group, split: Split) -> Iterator[ErrorBar]:
    errors = [one.record.errors.get(split) for one in group.results]
    known = [error for error in errors if error is not None]
    if known and len(known) == len(errors):
        values = tuple(round(error.energy_meV_atom, 6) for error in known)
        yield ErrorBar(**group.facts(), values_meV_atom=values, count=max(error.count for error in known))
