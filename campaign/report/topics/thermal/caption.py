"""The caption of thermal properties."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.crystal import Crystal
from campaign.report.document import Caption
from campaign.report.harvest import Harvest
from campaign.report.seed_text import absent_text, not_learned_text, seeds_text
from campaign.report.topics.thermal.payload import ThermalFigure
from campaign.results.thermal import one_volume


def thermal_caption(figure: ThermalFigure, harvest: Harvest, crystal: Crystal) -> Caption:
    """What is drawn, of which seeds, what is not judged, and why there is no more."""
    atoms = len(crystal.cells.primitive.symbols)
    first = figure.models[0].title
    drawn = (
        f"Thermal properties of {figure.system} at constant volume, training sets of size {figure.size}, of one mol of primitive cells "
        f"({atoms} {'atom' if atoms == 1 else 'atoms'}); an area from the smallest to the largest value over the seeds.",
        "(a) Heat capacity; dotted: 3R for each atom, its limit.",
        f"(b) Helmholtz free energy, with the zero-point energy, less the mean of {first}.",
        *(f"{one.name}: {seeds_text(one)}." for one in figure.models),
        not_learned_text(one.title for one in figure.models if not one.learned),
        absent_text(figure.absent),
        f"{one_volume(harvest.campaign, crystal.name)}.",
    )
    return Caption.of(drawn, _methods(harvest))


def _methods(harvest: Harvest) -> Iterator[str]:
    mesh = "×".join(map(str, harvest.campaign.spec.phonons.mesh))
    yield f"Harmonic sums over all modes of a {mesh} mesh around Γ, by the force constants of each model; the three translations are left out."


def thermal_alt(figure: ThermalFigure) -> str:
    """What a screen reader says."""
    last = figure.temperatures_K[-1]
    ends = "; ".join(f"{one.title} {one.low_heat_capacity_J_K_mol[-1]:.1f} to {one.high_heat_capacity_J_K_mol[-1]:.1f}" for one in figure.models)
    return f"Heat capacity and free energy of {figure.system} up to {last:.0f} K; heat capacity there, in J/K/mol: {ends}."
