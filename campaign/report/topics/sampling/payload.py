"""What the figure of sampling shows: what was drawn to be labelled, and who labelled it."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Figure, Payload


class DrawnStructure(Payload):
    """A structure that was drawn, how far it is from the training cell (`flows.labelling.sampling.summary`)."""

    structure_key: str
    rms_displacement_A: float


class Stratum(Payload):
    """Structures that were drawn in the same way, in the order of the draw."""

    title: str
    method: str
    structures: tuple[DrawnStructure, ...]


class LevelSet(Payload):
    """Levels that are labelled at the same structures; `failed` are those without a label at one of them."""

    levels: tuple[str, ...]
    title: str
    structures: tuple[str, ...]
    failed: tuple[str, ...] = ()


class LevelEnergies(Payload):
    """Energies of a level above the lowest of them (meV/atom) at RMS displacements (Å), structure by structure."""

    level: str
    title: str
    rms_displacements_A: tuple[float, ...]
    energies_meV_atom: tuple[float, ...]


class SamplingFigure(Figure):
    """What was drawn to be labelled: displacements by stratum, who is labelled at which level, and the energies."""

    kind: Literal["sampling"] = "sampling"
    strata: tuple[Stratum, ...]
    sets: tuple[LevelSet, ...]
    energies: tuple[LevelEnergies, ...] = ()
