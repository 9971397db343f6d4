"""Whether MACE's cutoff lets the atoms of a crystal see each other: below the nearest distance all forces are zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from campaign.spec.errors import Loc
from campaign.spec.fitness import written
from campaign.spec.mace import KINDS, training_settings
from flows.phonons.crystal import Neighbours, neighbours
from flows.training.names import mace_kinds
from flows.training.settings import TrainingSettings

if TYPE_CHECKING:
    from ase import Atoms

    from campaign.spec.campaign import CampaignSpec
    from campaign.spec.parts import SystemSpec

Remarks = list[tuple[Loc, str]]  # where in the campaign, and what about it


class Cutoffs(NamedTuple):
    """Cutoffs that no model can have, and those that are worth a look."""

    refused: Remarks
    noted: Remarks


def cutoffs_of(name: str, system: SystemSpec, spec: CampaignSpec, primitive: Atoms) -> Cutoffs:
    """Of all kinds of models that a campaign asks for, in the crystal of the system `name`."""
    found, crystal = Cutoffs([], []), neighbours(primitive)
    for kind in mace_kinds(spec.models):
        r_max = training_settings(kind, spec.mace, system.mace).r_max
        place = written(name, system, spec, (KINDS[kind], "r_max"))
        if why := _blind(name, r_max, crystal):
            found.refused.append((place, why))
        elif r_max <= crystal.second_A:
            message = f"{r_max:g} Å holds the nearest neighbours alone of some atoms of {name}: their second are at {crystal.second_A:.2f} Å"
            found.noted.append((place, message))
    return found


def _blind(name: str, r_max: float, crystal: Neighbours) -> str:
    default = TrainingSettings.model_fields["r_max"].default
    sensible = f"take more than {max(crystal.second_A, crystal.connected_A):.2f} Å (the default is {default:g})"
    if r_max <= crystal.nearest_A:
        return (
            f"within {r_max:g} Å no atom has a neighbour: {' and '.join(crystal.nearest)} of {name}, the nearest atoms, are "
            f"{crystal.nearest_A:.3f} Å apart, and all frequencies would be zero; {sensible}, which holds the second neighbours"
        )
    if r_max <= crystal.connected_A:
        return (
            f"within {r_max:g} Å {name} falls into parts that do not see each other, and move freely: these are "
            f"{crystal.connected_A:.3f} Å apart; {sensible}"
        )
    return ""
