"""Learning curves out of the records of trainings."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.methods import training_methods
from campaign.report.panels import letters
from campaign.report.titles import title_of
from campaign.report.topics.curves.caption import curves_alt, curves_caption
from campaign.report.topics.curves.payload import Curve, CurvePanel, CurvesFigure, Quantity
from flows.records import TrainedModelFacts


def curves_figure(harvest: Harvest, system: str, size: str) -> CurvesFigure | None:
    """None where no training tells of its epochs."""
    groups = harvest.trainings(system, size)
    found = tuple(panel for group in groups.values() if group.results for panel in _panels(group))
    if not found:
        return None
    panels = tuple(
        panel.model_copy(update={"letter": letter}) for panel, letter in zip(found, letters(), strict=False)
    )
    draft = CurvesFigure(
        name=f"curves_{system}_{size}", system=system, heading=f"Learning curves: {system}, {size}", alt="", caption="", size=size, panels=panels
    )
    works = [groups[model].works[0] for model in dict.fromkeys(panel.model for panel in panels)]
    return draft.worded(curves_caption(draft, training_methods(harvest, works)), curves_alt(draft))


def _panels(group: SeedGroup[TrainedModelFacts]) -> Iterator[CurvePanel]:
    """Energies, then forces, of those that validate on any."""
    quantities: tuple[Quantity, Quantity] = ("energy", "force")
    for quantity in quantities:
        curves = tuple(filter(None, (_curve(one.record, one.work.seed, quantity) for one in group.results)))
        if curves:
            yield CurvePanel(letter="", model=group.model, title=title_of(group.model), quantity=quantity, curves=curves)


def _curve(record: TrainedModelFacts, seed: int | None, quantity: Quantity) -> Curve | None:
    field = "energy_meV_atom" if quantity == "energy" else "force_meV_A"
    known = [(one.epoch, getattr(one, field)) for one in record.learning_curve if getattr(one, field) is not None]
    if not known:
        return None
    epochs, errors = zip(*known, strict=True)
    return Curve(
        seed=seed,
        learned=record.learned,
        epochs=epochs,
        errors=tuple(float(f"{one:.6g}") for one in errors),
        best_epoch=record.best_epoch,
    )
