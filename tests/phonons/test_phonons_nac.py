"""The non-analytical term against the LO-TO splitting on paper, against rigid ions by Ewald sums, against phonopy's own."""

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from ase.units import Bohr, Hartree
from scipy.special import erfc
from test_phonons_harmonic import TO_CM1, Springs

from flows.phonons.harmonic import HarmonicCrystal, harmonic_crystal, load_phonopy
from flows.phonons.nac import nac_settings, read_born
from flows.phonons.outcome import phonons_of
from flows.phonons.path import band_path
from flows.phonons.settings import NacSettings, PhononSettings, PhononTask
from flows.records import Phonons, Structure

COULOMB = Hartree * Bohr  # e²/(4π ε0) in eV Å
QUICK = PhononSettings(mesh=(4, 4, 4), points_per_segment=9)
CHARGE, EPSILON = 1.05, 4.3
METHODS = ("gonze", "wang")
LITTLE_Q = np.random.default_rng(5).uniform(-0.2, 0.2, (5, 3))  # inside of the first zone


def rocksalt() -> Atoms:
    return bulk("LiH", "rocksalt", a=4.0)


def tetragonal() -> Atoms:
    return Atoms("LiH", cell=[3.0, 3.0, 3.6], scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], pbc=True)


def springs(atoms: Atoms) -> Springs:
    return Springs(atoms, 1.05 * atoms.get_distance(0, 1, mic=True), 3.0, 0.6)


def ionic(atoms: Atoms, charge=CHARGE, epsilon=EPSILON, method="gonze") -> NacSettings:
    tensor = np.diag(np.broadcast_to(charge, 3))
    return nac_settings(atoms, [tensor, -tensor], np.diag(np.broadcast_to(epsilon, 3)), method)


def crystal_of(atoms: Atoms, nac: NacSettings | None, size: int = 2) -> HarmonicCrystal:
    return harmonic_crystal(atoms, size * np.eye(3, dtype=int), springs(atoms), nac=nac)


def record_of(atoms: Atoms, nac: NacSettings | None) -> Phonons:
    place = {"key": "k", "system": "lih", "model": "dft_ef", "seed": 1, "size": "full"}
    task = PhononTask(
        **place,
        primitive=Structure.from_atoms(atoms),
        supercell=((2, 0, 0), (0, 2, 0), (0, 0, 2)),
        settings=QUICK,
        nac=nac,
    )
    return phonons_of(task, springs(atoms))


def splitting_cm1(atoms: Atoms, charge: float, epsilon: float) -> float:
    """ω_LO² - ω_TO² = 4π e² Z² / (ε∞ μ Ω): Born and Huang, Dynamical Theory of Crystal Lattices (1954), sec. 7."""
    reduced = np.prod(atoms.get_masses()) / atoms.get_masses().sum()
    return 4 * np.pi * COULOMB * charge**2 / (epsilon * reduced * atoms.cell.volume) * TO_CM1**2


@pytest.mark.parametrize("method", METHODS)
def test_lo_and_to_at_gamma_of_a_cubic_crystal(method):
    atoms = rocksalt()
    record = record_of(atoms, ionic(atoms, method=method))
    bare = record_of(atoms, None).points_cm1["Γ"]
    acoustic, to, lo = (np.array(record.points_cm1["Γ"])[i] for i in (slice(0, 3), slice(3, 5), 5))
    assert np.abs(acoustic).max() < 1e-3
    assert to == pytest.approx(bare[3:5], rel=1e-6)
    assert lo**2 - to[0] ** 2 == pytest.approx(splitting_cm1(atoms, CHARGE, EPSILON), rel=1e-6)
    ends = [
        block[end]
        for labels, block in zip(record.bands.labels, record.bands.frequencies_cm1, strict=True)
        for end in (0, -1)
        if labels[end] == "Γ"
    ]
    assert len(ends) == 3
    assert all(end[5] == pytest.approx(lo, rel=1e-6) for end in ends)
    assert [label for label in record.points_cm1 if "→" in label] == []


@pytest.mark.parametrize("method", METHODS)
def test_lo_of_a_tetragonal_crystal_depends_on_the_direction(method):
    """The sum of ω² over the modes is the trace of the dynamical matrix, so each direction adds its own splitting."""
    atoms = tetragonal()
    charges, epsilons = (0.8, 0.8, 1.4), (3.0, 3.0, 5.0)
    record = record_of(atoms, ionic(atoms, charges, epsilons, method))
    bare = np.square(record_of(atoms, None).points_cm1["Γ"]).sum()
    named = {record.nac.gamma_toward: "Γ"} | {name[2:]: name for name in record.points_cm1 if "→" in name}
    for toward, axis in (("X", 0), ("Z", 2)):
        added = np.square(record.points_cm1[named[toward]]).sum() - bare
        assert added == pytest.approx(splitting_cm1(atoms, charges[axis], epsilons[axis]), rel=1e-6)


def test_methods_agree_at_held_points_and_differ_between():
    atoms = rocksalt()
    gonze, wang = (crystal_of(atoms, ionic(atoms, method=method)) for method in METHODS)
    held = [(0.5, 0, 0.5), (0.5, 0.5, 0.5)]  # by the supercell: both leave them to the forces
    assert gonze.frequencies_cm1(held) == pytest.approx(wang.frequencies_cm1(held), abs=1e-3)
    assert gonze.frequencies_cm1(held) == pytest.approx(crystal_of(atoms, None).frequencies_cm1(held), abs=1e-3)
    towards = {"gamma_toward": (0.5, 0, 0.5)}
    at_gamma = [one.frequencies_cm1([(0, 0, 0)], **towards) for one in (gonze, wang)]
    assert at_gamma[0] == pytest.approx(at_gamma[1], abs=1e-3)
    assert np.abs(gonze.frequencies_cm1(LITTLE_Q) - wang.frequencies_cm1(LITTLE_Q)).max() > 5


@pytest.mark.parametrize("method", METHODS)
def test_x_k_is_equivalent_to_x_u(method):
    """X-K lies outside of the first zone, where Wang's term, taken as it stands, is another one."""
    atoms = rocksalt()
    crystal, path = crystal_of(atoms, ionic(atoms, method=method)), band_path(atoms)
    inside = np.linspace(path.points["X"], path.points["U"], 6)[:-1]  # at K and U themselves Wang's term jumps
    assert crystal.frequencies_cm1(path.segments[1].qpoints(6)[:-1]) == pytest.approx(
        crystal.frequencies_cm1(inside), abs=1e-2
    )


@pytest.mark.parametrize("method", METHODS)
def test_phonopy_itself_finds_the_same_in_what_is_saved(method, tmp_path):
    atoms = rocksalt()
    crystal = crystal_of(atoms, ionic(atoms, method=method))
    file = tmp_path / "phonopy.yaml"
    file.write_bytes(crystal.yaml())
    theirs = phonopy.load(file, log_level=0)
    assert theirs.nac_params["method"] == method
    for loaded in (theirs, load_phonopy(crystal.yaml())):
        found = np.array(loaded.run_qpoints(LITTLE_Q).frequencies) * 33.356409519815204
        assert found == pytest.approx(crystal.frequencies_cm1(LITTLE_Q), abs=1e-4)
    assert np.abs(crystal.frequencies_cm1(LITTLE_Q) - crystal_of(atoms, None).frequencies_cm1(LITTLE_Q)).max() > 50


class RigidIons:
    """Charges ±1 with springs between neighbours: forces with their whole long range, by Ewald's sum."""

    def __init__(self, crystal: Atoms) -> None:
        self.springs = Springs(crystal, 1.05 * crystal.get_distance(0, 1, mic=True), 4.0, 2.0)

    def __call__(self, atoms: Atoms) -> np.ndarray:
        charges = np.where(atoms.numbers == 1, -1.0, 1.0)
        return self.springs(atoms) + COULOMB * (_near(atoms, charges, 0.75) + _far(atoms, charges, 0.75))


def _near(atoms: Atoms, charges: np.ndarray, width: float) -> np.ndarray:
    i, j, vectors, r = neighbor_list("ijDd", atoms, 7.5)
    pull = erfc(width * r) / r**2 + 2 * width / np.sqrt(np.pi) * np.exp(-((width * r) ** 2)) / r
    forces = np.zeros((len(atoms), 3))
    np.add.at(forces, i, -(charges[i] * charges[j] * pull / r)[:, None] * vectors)
    return forces


def _far(atoms: Atoms, charges: np.ndarray, width: float) -> np.ndarray:
    reciprocal = 2 * np.pi * np.linalg.inv(atoms.cell.array).T
    most = np.ceil(9 / np.linalg.norm(reciprocal, axis=1)).astype(int) * 2
    grid = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in most]), axis=-1).reshape(-1, 3)
    g = grid[np.any(grid, axis=1)] @ reciprocal
    g = g[np.linalg.norm(g, axis=1) < 9]
    squares = (g**2).sum(axis=1)
    weights = 4 * np.pi / atoms.cell.volume * np.exp(-squares / (4 * width**2)) / squares
    phases = np.exp(1j * atoms.positions @ g.T)
    return charges[:, None] * ((phases * (charges @ phases).conj() * weights).imag @ g)


def test_rigid_ions_of_a_small_cell_have_the_phonons_of_a_large_one():
    """At q-points that only the large cell holds, its forces are exact; the small one needs the term to get there."""
    atoms = rocksalt()
    ions = RigidIons(atoms)
    nac = ionic(atoms, 1.0, 1.0)
    q = [(0.25, 0, 0.25), (0.25, 0.25, 0.25), (0.25, 0.5, 0.25)]
    large = harmonic_crystal(atoms, 4 * np.eye(3, dtype=int), ions).frequencies_cm1(q)
    small = harmonic_crystal(atoms, 2 * np.eye(3, dtype=int), ions)
    with_term = harmonic_crystal(atoms, 2 * np.eye(3, dtype=int), ions, nac=nac)
    assert large.min() > 10
    assert np.abs(small.frequencies_cm1(q) - large).max() > 50
    assert with_term.frequencies_cm1(q) == pytest.approx(large, rel=0.01)


def test_the_record_says_what_the_term_was_made_from():
    atoms = rocksalt()
    record = record_of(atoms, ionic(atoms, method="wang"))
    assert (record.nac.method, record.nac.gamma_toward) == ("wang", "X")
    assert [charge[0][0] for charge in record.nac.born_charges] == [CHARGE, -CHARGE]
    assert record.nac.dielectric[2][2] == EPSILON
    assert Phonons.model_validate_json(record.model_dump_json()) == record
    assert record_of(atoms, None).nac is None


def test_what_charges_miss_of_the_sum_rule_is_spread():
    one = np.eye(3)
    found = nac_settings(rocksalt(), [1.06 * one, -1.04 * one], 4 * one)
    assert np.array(found.born_charges)[:, 0, 0] == pytest.approx([1.05, -1.05])
    with pytest.raises(ValueError, match=r"sum to zero .* the sum is \[\[0.15, 0.0, 0.0\]"):
        nac_settings(rocksalt(), [1.15 * one, -one], 4 * one)


def zincite(scale=1.0):
    """Zn2O2 of the wurtzite structure with charges ±2 `scale`; per atom all may miss the same."""
    atoms = bulk("ZnO", "wurtzite", a=3.25, c=5.2)
    return atoms, np.array([2 * scale * (1 if symbol == "Zn" else -1) * np.eye(3) for symbol in atoms.symbols])


@pytest.mark.parametrize("scale", [0.4, 1, 4])
def test_the_bound_of_the_sum_grows_with_atoms_and_charges(scale):
    atoms, charges = zincite(scale)
    allowed = 0.05 * max(1, 2 * scale)  # e per atom
    for missed, fine in ((0.9 * allowed, True), (1.1 * allowed, False)):
        given = charges + missed * np.eye(3)
        if fine:
            assert np.array(nac_settings(atoms, given, 4 * np.eye(3)).born_charges) == pytest.approx(charges)
        else:
            with pytest.raises(ValueError, match="sum_rule_e sets another bound"):
                nac_settings(atoms, given, 4 * np.eye(3))
            found = nac_settings(atoms, given, 4 * np.eye(3), sum_rule_e=4 * 1.2 * allowed)
            assert np.array(found.born_charges) == pytest.approx(charges)


def test_symmetry_is_mended_in_proportion():
    one = np.eye(3)
    found = nac_settings(rocksalt(), [one, -one], np.diag([30, 30, 30.3]))
    assert found.dielectric[0][0] == pytest.approx(30.1)
    with pytest.raises(ValueError, match="dielectric: the symmetry"):
        nac_settings(rocksalt(), [one, -one], np.diag([3, 3, 3.3]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(wrong):
    one, broken = np.eye(3), np.diag([1, wrong, 1])
    with pytest.raises(ValueError, match="born_charges: those of atom 1 are not finite"):
        nac_settings(rocksalt(), [one, broken], 4 * one)
    with pytest.raises(ValueError, match="dielectric: it is not finite"):
        nac_settings(rocksalt(), [one, -one], broken)


BAD = {
    "charges of another crystal": ([np.diag([1, 1, 2]), -np.diag([1, 1, 2])], np.eye(3), "born_charges: the symmetry"),
    "dielectric tensor of another crystal": ([np.eye(3), -np.eye(3)], np.diag([3, 4, 5]), "dielectric: the symmetry"),
    "less than vacuum": ([np.eye(3), -np.eye(3)], 0.5 * np.eye(3), "1 or more in every direction"),
    "too many atoms": ([np.eye(3)] * 3, np.eye(3), "3 given, the primitive cell has 2 atoms"),
}


@pytest.mark.parametrize(("charges", "dielectric", "message"), BAD.values(), ids=BAD)
def test_tensors_that_the_crystal_cannot_have(charges, dielectric, message):
    with pytest.raises(ValueError, match=message):
        nac_settings(rocksalt(), charges, dielectric)


def test_a_born_file_is_read_for_the_atoms_of_the_cell():
    rows = ["14.4", "4 0 0 0 4 0 0 0 4", "1.1 0 0 0 1.1 0 0 0 1.1", "-1.1 0 0 0 -1.1 0 0 0 -1.1"]
    charges, dielectric = read_born("\n".join(rows), rocksalt())
    assert charges[:, 1, 1] == pytest.approx([1.1, -1.1])
    assert dielectric[0, 0] == 4
    for bad in ("", "\n".join(rows[:3]), "\n".join([*rows, rows[-1]]), "14.4\nx"):
        with pytest.raises(ValueError, match="no BORN file for the primitive cell"):
            read_born(bad, rocksalt())


def test_nothing_else_is_read_from_the_working_directory(tmp_path, monkeypatch):
    atoms = rocksalt()
    crystal = crystal_of(atoms, None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "BORN").write_text("14.4\n4 0 0 0 4 0 0 0 4\n1 0 0 0 1 0 0 0 1\n-1 0 0 0 -1 0 0 0 -1\n")
    assert load_phonopy(crystal.yaml()).nac_params is None
