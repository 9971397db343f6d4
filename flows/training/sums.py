"""What the sum of a base and a difference says of a structure that both know."""

from __future__ import annotations

from flows.records import TrainedModelFacts


def summed_energy_eV(
    structure: str, base: TrainedModelFacts, difference: TrainedModelFacts, *, one_out: bool = False
) -> float:
    """The energy in eV of the structure with this key.

    Force constants take a multiple of the base as it is modelled, not of its labels; with `one_out` they are those of a fit
    to all other structures.
    """
    if (fit := difference.force_constants) is not None:
        known = fit.one_out_eV if one_out else fit.without_base_eV
        return (1 + fit.slope) * base.predictions_eV[structure] + known[structure]
    return base.predictions_eV[structure] + difference.predictions_eV[structure]
