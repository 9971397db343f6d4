"""What is drawn of a harmonic crystal: bands, densities of states, named points, unstable modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.phonons.harmonic import HarmonicCrystal, cm1_per_THz
from flows.phonons.path import GAMMA, BandPath
from flows.phonons.symmetry import FIRST_CUBIC
from flows.records import Bands, DensityOfStates, ImaginaryMode, UnstableModes, Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from phonopy.phonon.mesh import Mesh


def bands(crystal: HarmonicCrystal, path: BandPath, points_per_segment: int) -> Bands:
    """Frequencies along `path`; distances in 1/Å, without 2π, running on from segment to segment.

    With a non-analytical term, Γ at an end of a segment is the limit along it.
    """
    qpoints = [segment.qpoints(points_per_segment) for segment in path.segments]
    found = crystal.phonopy.run_band_structure([crystal.nearest_gamma(block) for block in qpoints])
    frequencies = [np.asarray(block) * cm1_per_THz() for block in found.frequencies]
    return Bands(
        labels=tuple(segment.labels for segment in path.segments),
        qpoints=tuple(_rows(block) for block in qpoints),
        distances=distances(crystal.phonopy.primitive.cell, qpoints),
        frequencies_cm1=tuple(_rows(block) for block in frequencies),
    )


def distances(cell: NDArray, qpoints: Sequence[NDArray]) -> tuple[tuple[float, ...], ...]:
    """How far along a path its (Q, 3) fractional `qpoints` lie, segment by segment, in 1/Å without 2π."""
    reciprocal = np.linalg.inv(cell).T
    found, start = [], 0.0
    for block in qpoints:
        steps = np.linalg.norm(np.diff(block, axis=0) @ reciprocal, axis=1)
        found.append(start + np.concatenate([[0.0], np.cumsum(steps)]))
        start = float(found[-1][-1])
    return tuple(tuple(block.tolist()) for block in found)


def points_cm1(crystal: HarmonicCrystal, path: BandPath) -> dict[str, tuple[float, ...]]:
    """Sorted frequencies at each named point of `path`.

    With a non-analytical term, those at Γ are the limit along the first segment that touches it: TO and LO. Where
    the crystal is not cubic, LO depends on the direction, and `Γ→A` is the limit toward A.
    """
    frequencies = crystal.frequencies_cm1(list(path.points.values()))
    found = dict(zip(path.points, _rows(frequencies), strict=True))
    for label, q in _gamma_directions(crystal, path).items():
        found[label] = _rows(crystal.frequencies_cm1([(0.0, 0.0, 0.0)], gamma_toward=q))[0]
    return found


def limits(crystal: HarmonicCrystal, path: BandPath) -> dict[str, tuple[NDArray, NDArray | None]]:
    """The q-points of `points_cm1` by label, each with the q-point toward which it is a limit, or None."""
    found: dict[str, tuple[NDArray, NDArray | None]] = {
        label: (np.array(q, dtype=float), None) for label, q in path.points.items()
    }
    for label, toward in _gamma_directions(crystal, path).items():
        found[label] = np.zeros(3), np.array(toward, dtype=float)
    return found


def gamma_toward(crystal: HarmonicCrystal, path: BandPath) -> str:
    """The label of the point toward which the frequencies that `points_cm1` calls Γ are taken; empty: no term."""
    return next(iter(path.from_gamma), "") if crystal.nac is not None else ""


def gamma_mesh(crystal: HarmonicCrystal, numbers: tuple[int, int, int]) -> Mesh:
    """phonopy's Γ-centred mesh: irreducible q-points, with eigenvectors; Γ itself is without non-analytical term."""
    # without is_gamma_center an even mesh is shifted by half a step, and loses symmetry
    return crystal.phonopy.run_mesh(list(numbers), with_eigenvectors=True, is_gamma_center=True)


def density_of_states(crystal: HarmonicCrystal, sampled: Mesh, pitch_cm1: float) -> DensityOfStates:
    """Total and element-projected DOS by the linear tetrahedron method, in states per cm^-1 and primitive cell.

    The grid is the multiples of `pitch_cm1`, so that the grids of two crystals differ in their ends only. Each
    value is the exact mean over the pitch around it: sum times pitch is 3N, and the projections, weighted with
    |e|^2 of the element's atoms, sum to the total.
    """
    from phonopy.phonon.spectrum import TetrahedronDOSAccumulator

    frequencies = sampled.frequencies * cm1_per_THz()
    grid, edges = _grid(frequencies, pitch_cm1)
    assert sampled.eigenvectors is not None
    elements, weights = _element_weights(crystal, sampled.eigenvectors)
    counted = TetrahedronDOSAccumulator(
        frequencies,
        sampled.bz_grid,
        mode_property=weights[None],
        ir_grid_points=sampled.ir_grid_points,
        ir_grid_weights=sampled.weights,
        ir_grid_map=sampled.grid_mapping_table,
        sampling_points=edges,
    ).result.cumulative[0]
    density = np.diff(counted, axis=0) / pitch_cm1
    return DensityOfStates(
        frequencies_cm1=tuple(grid.tolist()),
        total=tuple(density.sum(axis=1).tolist()),
        projected={e: tuple(density[:, i].tolist()) for i, e in enumerate(elements)},
        mesh=tuple(int(n) for n in sampled.mesh_numbers),
    )


def imaginary_modes(found: Bands, sampled: Mesh, threshold_cm1: float) -> tuple[ImaginaryMode, ...]:
    """Every mode below the threshold, on the irreducible q-points of the mesh and along the path, worst first."""
    blocks = [(sampled.qpoints, sampled.frequencies * cm1_per_THz())]
    blocks += zip(map(np.array, found.qpoints), map(np.array, found.frequencies_cm1), strict=True)
    modes: dict[tuple[float, ...], ImaginaryMode] = {}
    for qpoints, frequencies in blocks:
        for q, band in np.argwhere(frequencies < threshold_cm1):
            identity = (*(np.round(qpoints[q], 8) % 1.0).tolist(), int(band))
            modes.setdefault(identity, _mode(qpoints[q], band, frequencies[q, band]))
    return tuple(sorted(modes.values(), key=lambda mode: mode.frequency_cm1))


def unstable_modes(
    crystal: HarmonicCrystal, path: BandPath, found: Bands, sampled: Mesh, threshold_cm1: float
) -> UnstableModes:
    """Those below the threshold on the full mesh, counted, and the lowest of the mesh and the path."""
    on_mesh = sampled.frequencies * cm1_per_THz()
    multiplicity = np.asarray(sampled.weights, dtype=np.int64)
    qpoints = np.concatenate([sampled.qpoints, *map(np.array, found.qpoints)])
    lowest = np.concatenate([on_mesh, *map(np.array, found.frequencies_cm1)]).min(axis=1)
    first = int(lowest.argmin())
    x, y, z = qpoints[first].tolist()
    return UnstableModes(
        count=int((on_mesh < threshold_cm1).sum(axis=1) @ multiplicity),
        total=int(multiplicity.sum() * on_mesh.shape[1]),
        lowest_cm1=float(lowest[first]),
        qpoint=(x, y, z),
        label=_name(crystal, path, qpoints[first]),
    )


def _name(crystal: HarmonicCrystal, path: BandPath, qpoint: NDArray) -> str:
    """The label of the named point in whose star a q-point lies, empty if in none."""
    symmetry = crystal.phonopy.primitive_symmetry
    turned = np.asarray(symmetry.reciprocal_operations) @ qpoint
    for label, point in path.points.items():
        away = turned - np.asarray(point)
        if np.abs(away - np.rint(away)).max(axis=1).min() < 1e-6:
            return label
    return ""


def _gamma_directions(crystal: HarmonicCrystal, path: BandPath) -> dict[str, Vector]:
    toward = path.from_gamma if crystal.nac is not None else {}
    labels = [GAMMA, *(f"{GAMMA}→{label}" for label in list(toward)[1:])]
    directions = dict(zip(labels, toward.values(), strict=False))
    return dict(list(directions.items())[:1]) if _is_cubic(crystal) else directions


def _is_cubic(crystal: HarmonicCrystal) -> bool:
    dataset: Any = crystal.phonopy.primitive_symmetry.dataset
    return bool(dataset.number >= FIRST_CUBIC)


def _mode(qpoint: NDArray, band: int, frequency_cm1: float) -> ImaginaryMode:
    x, y, z = qpoint.tolist()
    return ImaginaryMode(qpoint=(x, y, z), band=int(band), frequency_cm1=float(frequency_cm1))


def _element_weights(crystal: HarmonicCrystal, eigenvectors: NDArray) -> tuple[list[str], NDArray]:
    """Elements, and (q-points, bands, elements): |e|^2 of all atoms of an element.

    Equivalent atoms are of one element: unlike an atom's, an element's weight is the same over a star.
    """
    symbols = np.array(crystal.phonopy.primitive.symbols)
    elements = list(dict.fromkeys(symbols.tolist()))
    count, components, modes = eigenvectors.shape
    by_atom = (np.abs(eigenvectors.reshape(count, components // 3, 3, modes)) ** 2).sum(axis=2)
    return elements, np.stack([by_atom[:, symbols == e].sum(axis=1) for e in elements], axis=-1)


def _grid(frequencies: NDArray, pitch: float) -> tuple[NDArray, NDArray]:
    """Centres at multiples of `pitch` around all frequencies, one empty value at each end; and the bins' edges."""
    first = int(np.floor(frequencies.min() / pitch)) - 1
    last = int(np.ceil(frequencies.max() / pitch)) + 1
    steps = np.arange(first, last + 2)
    return steps[:-1] * pitch, (steps - 0.5) * pitch


def _rows(block: NDArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.asarray(block).tolist())
