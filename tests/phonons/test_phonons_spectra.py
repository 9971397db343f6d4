"""Bands, densities of states and unstable modes of crystals whose answers are known."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import _amu, _c, _e

from flows.phonons.harmonic import HarmonicCrystal, harmonic_crystal
from flows.phonons.path import band_path
from flows.phonons.spectra import (
    bands,
    density_of_states,
    gamma_mesh,
    imaginary_modes,
    points_cm1,
    unstable_modes,
)

MESH = (12, 12, 12)


def springs(atoms: Atoms, reach: float, along: float, across: float):
    """Linear springs between neighbours, as forces of any supercell of `atoms` whose sites lie on a grid of 1/4."""
    from ase.neighborlist import neighbor_list

    to_grid = np.linalg.inv(atoms.cell.array) * 4

    def forces(cell: Atoms) -> np.ndarray:
        ideal = cell.copy()
        ideal.positions = np.rint(cell.positions @ to_grid) @ np.linalg.inv(to_grid)
        i, j, vectors = neighbor_list("ijD", ideal, reach)
        units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        stretch = (cell.positions - ideal.positions)[j] - (cell.positions - ideal.positions)[i]
        along_bond = units * (units * stretch).sum(axis=1)[:, None]
        found = np.zeros_like(cell.positions)
        np.add.at(found, i, along * along_bond + across * (stretch - along_bond))
        return found

    return forces


def crystal_of(atoms: Atoms, reach: float, along: float = 9.0, across: float = 1.3) -> HarmonicCrystal:
    return harmonic_crystal(atoms, 3 * np.eye(3, dtype=int), springs(atoms, reach, along, across))


DIAMOND = bulk("C", "diamond", a=3.56)
LIH = bulk("LiH", "rocksalt", a=4.0)


@pytest.fixture(scope="module")
def diamond() -> HarmonicCrystal:
    return crystal_of(DIAMOND, 1.6)


@pytest.fixture(scope="module")
def lih() -> HarmonicCrystal:
    return crystal_of(LIH, 2.1)


def test_bands_run_from_point_to_point(diamond):
    path = band_path(DIAMOND)
    found = bands(diamond, path, 11)
    at = points_cm1(diamond, path)
    for ends, qpoints, distances, block in zip(
        found.labels, found.qpoints, found.distances, found.frequencies_cm1, strict=True
    ):
        assert len(qpoints) == len(distances) == len(block) == 11
        assert block[0] == pytest.approx(at[ends[0]], abs=1e-3)
        assert block[-1] == pytest.approx(at[ends[1]], abs=1e-3)
        assert np.array(block) == pytest.approx(diamond.frequencies_cm1(qpoints), abs=1e-3)
    joints = [(a[-1], b[0]) for a, b in zip(found.distances, found.distances[1:], strict=False)]
    assert all(end == pytest.approx(start) for end, start in joints)
    a = 3.56
    assert found.distances[0][-1] == pytest.approx(1 / a)  # |Γ-X| without 2π


def test_k_and_u_are_one_point(diamond):
    at = points_cm1(diamond, band_path(DIAMOND))
    assert at["K"] == pytest.approx(at["U"], abs=1e-6)


def test_the_mesh_of_the_paper_is_centred_at_gamma(diamond):
    sampled = gamma_mesh(diamond, (24, 24, 24))
    assert len(sampled.qpoints) == 413
    assert np.abs(sampled.qpoints).sum(axis=1).min() == 0
    assert sampled.weights.sum() == 24**3


def test_the_dos_counts_all_modes_and_its_parts_sum_to_it(lih):
    pitch = 2.0
    dos = density_of_states(lih, gamma_mesh(lih, MESH), pitch)
    parts = np.array(list(dos.projected.values()))
    assert list(dos.projected) == ["Li", "H"]
    assert sum(dos.total) * pitch == pytest.approx(6, rel=1e-9)
    assert parts.sum(axis=1) * pitch == pytest.approx([3, 3], rel=1e-9)
    assert parts.sum(axis=0) == pytest.approx(np.array(dos.total), abs=1e-12)
    assert parts.min() > -1e-12
    assert np.diff(dos.frequencies_cm1) == pytest.approx(pitch)
    assert np.array(dos.frequencies_cm1) / pitch == pytest.approx(
        np.rint(np.array(dos.frequencies_cm1) / pitch)
    )
    assert (dos.total[0], dos.total[-1]) == (0, 0)
    assert dos.mesh == MESH


def test_the_light_element_moves_at_high_frequency(lih):
    """At Γ the optical modes of two masses share |e|² as the other's mass."""
    dos = density_of_states(lih, gamma_mesh(lih, MESH), 2.0)
    top = np.array(dos.frequencies_cm1) > 0.8 * dos.frequencies_cm1[-1]
    assert sum(np.array(dos.projected["H"])[top]) > 0.8 * sum(np.array(dos.total)[top])


def test_the_dos_is_that_of_phonopy(lih):
    """phonopy's own total and (on the whole mesh) atom-projected DOS, averaged over our bins."""
    pitch, fine = 16.0, 24
    ours = density_of_states(lih, gamma_mesh(lih, (6, 6, 6)), pitch)
    to_THz = 2.99792458e-2
    edges = (
        np.array(ours.frequencies_cm1)[:, None] + pitch * ((np.arange(fine) + 0.5) / fine - 0.5)[None, :]
    ) * to_THz
    lih.phonopy.run_mesh([6, 6, 6], with_eigenvectors=True, is_mesh_symmetry=False, is_gamma_center=True)
    sampling = {
        "freq_min": edges.min(),
        "freq_max": edges.max() + 1e-9,
        "freq_pitch": np.diff(edges.ravel()).mean(),
    }
    theirs = lih.phonopy.run_projected_dos(**sampling).projected_dos[:, : edges.size]
    means = theirs.reshape(2, -1, fine).mean(axis=2) * to_THz
    assert np.array(list(ours.projected.values())) == pytest.approx(means, abs=2e-2 * means.max())


def test_a_sharp_line_is_counted_too():
    """Dimers that do not see each other: a delta function at sqrt(2k/m), and five modes at zero."""
    atoms = Atoms("N2", positions=[(0, 0, 0), (1, 0, 0)], cell=[4, 4, 4], pbc=True)
    crystal = harmonic_crystal(atoms, np.diag([2, 1, 1]), springs(atoms, 1.1, 100.0, 0.0))
    dos = density_of_states(crystal, gamma_mesh(crystal, (4, 4, 4)), 1.0)
    lines = {f: n for f, n in zip(dos.frequencies_cm1, dos.total, strict=True) if n > 1e-9}
    stretch = np.sqrt(2 * 100.0 / atoms.get_masses()[0]) * np.sqrt(_e / _amu) * 1e10 / (2 * np.pi * _c * 100)
    assert lines == pytest.approx({0.0: 5.0, float(np.rint(stretch)): 1.0})


def test_a_stable_crystal_has_no_imaginary_modes(diamond):
    found = bands(diamond, band_path(DIAMOND), 11)
    assert imaginary_modes(found, gamma_mesh(diamond, MESH), -1.0) == ()


def test_the_imaginary_modes_of_an_unstable_crystal_are_listed_once_and_worst_first():
    """Springs that push across the bond: the transverse modes are unstable, the worst at the zone boundary."""
    atoms = bulk("Po", "sc", a=3.3)
    crystal = harmonic_crystal(atoms, 4 * np.eye(3, dtype=int), springs(atoms, 3.4, 2.0, -0.1))
    found = bands(crystal, band_path(atoms), 11)
    modes = imaginary_modes(found, gamma_mesh(crystal, (4, 4, 4)), -1.0)
    assert modes
    values = [mode.frequency_cm1 for mode in modes]
    assert values == sorted(values)
    assert max(values) < -1
    assert len({(tuple(np.round(m.qpoint, 8) % 1), m.band) for m in modes}) == len(modes)
    assert min(values) == pytest.approx(crystal.frequencies_cm1([(0.5, 0.5, 0)])[0, 0], rel=1e-9)
    for mode in modes:
        assert crystal.frequencies_cm1([mode.qpoint])[0, mode.band] == pytest.approx(
            mode.frequency_cm1, abs=1e-6
        )


@pytest.mark.parametrize("points", [3, 11, 51])
@pytest.mark.parametrize("mesh", [3, 4, 8])
def test_unstable_modes_are_those_of_the_dispersion_on_the_mesh(mesh, points):
    """Simple cubic, springs between neighbours: m ω² = 2 Σ_j k_ij (1 - cos q_j); the path has no part in the count."""
    crystal_axes, along, across = np.eye(3), 2.0, -0.1
    atoms = bulk("Po", "sc", a=3.3)
    crystal = harmonic_crystal(atoms, 4 * np.eye(3, dtype=int), springs(atoms, 3.4, along, across))
    path = band_path(atoms)
    steps = 2 * np.pi * np.arange(mesh) / mesh
    q = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    squares = (1 - np.cos(q)) @ (across + (along - across) * crystal_axes)
    found = unstable_modes(crystal, path, bands(crystal, path, points), gamma_mesh(crystal, (mesh,) * 3), -1.0)
    assert (found.count, found.total) == (int((squares < -1e-9).sum()), squares.size)
    assert found.label == "M"  # the most negative is (1 - cos π) twice across
    lowest = -np.sqrt(2 * 4 * abs(across) / atoms.get_masses()[0]) * 521.4708983725064
    assert found.lowest_cm1 == pytest.approx(lowest, rel=1e-4)


def test_imaginary_modes_off_the_path_are_found_on_the_mesh():
    atoms = bulk("Po", "sc", a=3.3)
    crystal = harmonic_crystal(atoms, 4 * np.eye(3, dtype=int), springs(atoms, 3.4, 2.0, -0.1))
    found = bands(crystal, band_path(atoms), 3)
    modes = imaginary_modes(found, gamma_mesh(crystal, (8, 8, 8)), -1.0)
    on_path = {tuple(np.round(q, 8)) for segment in found.qpoints for q in segment}
    assert any(tuple(np.round(mode.qpoint, 8)) not in on_path for mode in modes)
