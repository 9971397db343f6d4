"""The modes of a system's models, from the force constants that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.report.crystal import Crystal
from campaign.report.dispersion.source import DispersionSource
from campaign.report.modes.payload import PER_UNIT, Modes, MovingModel, Stop
from campaign.results.result import Result
from flows.keys import job_uuid
from flows.phonons.modes import Block, path_modes
from flows.phonons.scaled import StoredCrystal
from flows.phonons.settings import PhononTask
from flows.records import PhononFacts, Phonons

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

ATOMS_AT_MOST = 24
"""Of a primitive cell: the modes of larger ones are too many for a page."""

NUMBERS_AT_MOST = 60_000
"""Of one model: where all q-points of the path have more, fewer are taken, the named ones among them."""

LEAST_A, SHOWN_AT_MOST = 6.0, 160  # sides of the box that is shown, as far as its atoms are not more
BOND = 1.15  # times the smallest distance


def modes_of(source: DispersionSource) -> Modes | None:
    """Of every model the seed that is done first; None where nothing is done, or the cell is too large.

    Force constants that are gone or damaged are passed over, as in `campaign.results.line`.
    """
    groups, crystal = source.groups, source.crystal
    if not groups or len(crystal.cells.primitive.symbols) > ATOMS_AT_MOST:
        return None
    first = [group.results[0] for group in groups.values()]
    bands = first[0].record.bands
    chosen = _chosen([len(one) for one in bands.qpoints], len(crystal.cells.primitive.symbols))
    models = tuple(_moving(source, first, chosen))
    if not models:
        return None
    return Modes(
        name=f"modes_{crystal.name}_{source.size}",
        system=crystal.name,
        size=source.size,
        **_shown(crystal),
        segments=tuple(len(one) for one in bands.qpoints),
        stops=tuple(_stops(first[0].record, chosen)),
        models=models,
    )


def _chosen(counts: list[int], atoms: int) -> list[NDArray[np.int64]]:
    """By segment the numbers of its q-points that are taken, both ends among them."""
    room = NUMBERS_AT_MOST // (18 * atoms**2 * len(counts))
    return [np.unique(np.linspace(0, count - 1, max(2, min(count, room))).round().astype(int)) for count in counts]


def _moving(
    source: DispersionSource, first: list[Result[PhononFacts]], chosen: list[NDArray[np.int64]]
) -> Iterator[MovingModel]:
    farm = source.harvest.campaign.farm
    stored = farm.records([job_uuid(one.work.key) for one in first], blobs=True)
    crystal: StoredCrystal | None = None
    for one in first:
        try:
            content = Phonons.model_validate(stored[job_uuid(one.work.key)]).blob.content()
            if crystal is None:
                assert isinstance(one.work.task, PhononTask)
                crystal = StoredCrystal.of(content, one.work.task)
            yield _model(one, source, crystal.holding(content), chosen)
        except (KeyError, ValueError):
            continue


def _model(one: Result[PhononFacts], source: DispersionSource, crystal: Any, chosen: list[NDArray[np.int64]]) -> MovingModel:
    qpoints = [np.array(block)[rows] for block, rows in zip(one.record.bands.qpoints, chosen, strict=True)]
    found = path_modes(crystal, qpoints)
    frequencies = np.concatenate([block.frequencies_cm1 for block in found])
    moved = np.concatenate([block.displacements for block in found])
    parts = np.stack([moved.real, moved.imag], axis=-1).reshape(*moved.shape[:2], -1)
    facts = source.groups[one.work.model].facts()
    return MovingModel(
        model=one.work.model,
        title=facts["title"],
        seed=one.work.seed,
        learned=one.record.learned,
        frequencies_cm1=tuple(tuple(row) for row in (frequencies.round(4) + 0.0).tolist()),
        motion=tuple(tuple(map(tuple, stop)) for stop in np.rint(PER_UNIT * parts).astype(int).tolist()),
    )


def _stops(record: PhononFacts, chosen: list[NDArray[np.int64]]) -> Iterator[Stop]:
    """A label stands where it comes first, and with LO-TO splitting wherever Γ is a limit along another segment."""
    named: set[str] = set()
    for segment, (block, ends, rows) in enumerate(zip(record.bands.qpoints, record.bands.labels, chosen, strict=True)):
        for index in rows.tolist():
            end = ends[0] if index == 0 else ends[1] if index == len(block) - 1 else ""
            where = end or f"{ends[0]}–{ends[1]}, {100 * index / (len(block) - 1):.0f} %"
            if record.nac is not None and end == "Γ":
                where = f"Γ toward {ends[1] if index == 0 else ends[0]}"
            label = "" if not end or where in named else where
            named.add(where)
            yield Stop(segment=segment, index=index, qpoint=block[index], label=label, where=where)


def _shown(crystal: Crystal) -> Mapping[str, Any]:
    primitive = crystal.cells.primitive.atoms()
    box = _box(crystal.cells.conventional.atoms())
    block = Block.of(primitive, box)
    middle = primitive.positions[0] + box.sum(axis=0) / 2
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors

    return {
        "symbols": crystal.cells.primitive.symbols,
        "colours": tuple("#" + "".join(f"{round(255 * part):02x}" for part in jmol_colors[z]) for z in primitive.numbers),
        "radii_A": tuple(float(covalent_radii[z]) for z in primitive.numbers),
        "sites": tuple(block.sites.tolist()),
        "positions": _vectors(block.positions - middle),
        "fractional": _vectors(block.fractional),
        "bonds": _bonds(block.positions),
        "box": _vectors(box),
        "corner": _vectors(-box.sum(axis=0)[None] / 2)[0],
    }


def _box(conventional: Atoms) -> NDArray[np.float64]:
    """Whole conventional cells, so many that sides are `LEAST_A` or more, as long as the atoms are few."""
    repeats = np.ones(3, dtype=int)
    lengths = conventional.cell.lengths()
    for axis in np.argsort(lengths):
        wanted = int(np.ceil(LEAST_A / lengths[axis]))
        room = SHOWN_AT_MOST // (len(conventional) * int(repeats.prod()))
        repeats[axis] = max(1, min(wanted, room))
    return np.asarray(conventional.cell.array * repeats[:, None])


def _bonds(positions: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    apart[np.diag_indices_from(apart)] = np.inf
    near = np.argwhere(np.triu(apart < BOND * apart.min()))
    return tuple((int(a), int(b)) for a, b in near)


def _vectors(rows: NDArray[np.float64]) -> Any:
    return tuple(tuple(row) for row in (np.asarray(rows).round(5) + 0.0).tolist())
