"""What a person calls a structure that an engine labels: its number among those drawn, and how it was made.

Numbers count from 0, as frames of a file do. A key is one structure for ever; a number is one as long as the campaign
draws the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from campaign.spec import ResolvedSystem
from flows.records import Drawn

SHORT_KEY = 12


def drawn_names(drawn: Mapping[str, Drawn], cells: ResolvedSystem) -> Iterator[tuple[str, str]]:
    """`structure 7 (rattle 0.02 Å, seed 3)`, by key."""
    for number, (key, one) in enumerate(drawn.items()):
        yield key, f"structure {number} ({_origin(one, cells)})"


def frozen_names(keys: Sequence[str], displacements_A: Sequence[float]) -> Iterator[tuple[str, str]]:
    """`structure of the frozen phonon, 0.04 Å`, by key."""
    for key, displacement in zip(keys, displacements_A, strict=True):
        yield key, f"structure of the frozen phonon, {f'{displacement:g} Å' if displacement else 'at rest'}"


def displaced_names(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`displaced supercell 2 of its phonons`, by key."""
    for number, key in enumerate(keys):
        yield key, f"displaced supercell {number} of its phonons"


def _origin(one: Drawn, cells: ResolvedSystem) -> str:
    sampling = cells.sampling
    if one.method == "rattle" and sampling is not None and sampling.rattles is not None:
        return f"rattle {one.stratum:g} Å, seed {sampling.rattles.seed}"
    if one.method == "sweep" and sampling is not None and sampling.sweep is not None:
        return f"sweep at {one.stratum:g} K, step {one.step}, seed {sampling.sweep.seed}"
    return one.method
