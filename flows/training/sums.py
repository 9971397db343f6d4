"""What the sum of a base and differences says of a structure that all of them know."""

from __future__ import annotations

from collections.abc import Sequence

from flows.records import TrainedModelFacts


def summed_energy_eV(structure: str, parts: Sequence[TrainedModelFacts], *, one_out: bool = False) -> float:
    """The energy in eV of the structure with this key, by a base and the differences that are added to it one after another.

    Force constants take a multiple of what is below them as it is modelled, not of its labels; with `one_out` they are those
    of a fit to all other structures.
    """
    base, *differences = parts
    energy = base.predictions_eV[structure]
    for one in differences:
        if (fit := one.force_constants) is not None:
            known = fit.one_out_eV if one_out else fit.without_base_eV
            energy = (1 + fit.slope) * energy + known[structure]
        else:
            energy += one.predictions_eV[structure]
    return energy
