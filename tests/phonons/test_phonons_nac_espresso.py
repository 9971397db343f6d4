"""Born charges and dielectric tensor of ph.x: its own outputs (6.7, shortened), its own LO-TO splitting, published values."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import Bohr, Rydberg
from phonopy.structure.atoms import PhonopyAtoms

from flows.phonons.harmonic import HarmonicCrystal
from flows.phonons.nac import add_nac, nac_settings
from flows.phonons.nac_espresso import is_ph_output, read_born_ph

OUTPUTS = Path(__file__).parent / "outputs"
PSEUDO = Path("/usr/share/espresso/pseudo")
LOW_CELL = [[0.0, 2.8, 2.9], [2.7, 0.1, 2.8], [2.9, 2.8, 0.0]]
real = pytest.mark.skipif(
    any(shutil.which(one) is None for one in ("pw.x", "ph.x")) or not (PSEUDO / "As.pz-bhs.UPF").exists(),
    reason="apt-get install -y --no-install-recommends quantum-espresso quantum-espresso-data",
)


def output(name: str) -> str:
    return (OUTPUTS / name).read_text()


def alas(cubic: bool = False) -> Atoms:
    return bulk("AlAs", "zincblende", a=10.6 * Bohr, cubic=cubic)


def low_symmetry() -> Atoms:
    """AlAs, sheared and displaced until no symmetry is left: its charges are no symmetric matrices."""
    return Atoms("AlAs", cell=LOW_CELL, scaled_positions=[(0, 0, 0), (0.28, 0.24, 0.22)], pbc=True)


def refused(text: str, primitive: Atoms | None = None) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is the caller's
        read_born_ph(text, primitive or alas(), "ph.out")
    return str(caught.value)


def check_published(charges: np.ndarray, epsilon: np.ndarray) -> None:
    """LDA: Giannozzi, de Gironcoli, Pavone and Baroni, Phys. Rev. B 43, 7231 (1991): Z* = 2.17, ε = 9.2."""
    ours = nac_settings(alas(), charges, epsilon)
    np.testing.assert_allclose(ours.born_charges, [2.17 * np.eye(3), -2.17 * np.eye(3)], atol=0.02)
    np.testing.assert_allclose(ours.dielectric, 9.2 * np.eye(3), atol=0.3)


def test_alas_is_as_published():
    check_published(*read_born_ph(output("ph_alas.out"), alas(), "ph.out"))


@real
@pytest.mark.slow
def test_alas_computed_now_is_as_published(tmp_path):
    pw = f"""&control
 outdir='.', prefix='alas', pseudo_dir='{PSEUDO}/'
/
&system
 ibrav=2, celldm(1)=10.60, nat=2, ntyp=2, ecutwfc=16.0
/
&electrons
 conv_thr=1e-12
/
ATOMIC_SPECIES
 As 74.92 As.pz-bhs.UPF
 Al 26.98 Al.pz-vbc.UPF
ATOMIC_POSITIONS alat
 As 0.25 0.25 0.25
 Al 0.00 0.00 0.00
K_POINTS automatic
 4 4 4 1 1 1
"""
    ph = "AlAs\n&inputph\n outdir='.', prefix='alas', tr2_ph=1e-16, epsil=.true., trans=.false.\n/\n0 0 0\n"
    found = {}
    for program, text in (("pw.x", pw), ("ph.x", ph)):
        (tmp_path / f"{program}.in").write_text(text)
        ran = subprocess.run([program, "-in", f"{program}.in"], cwd=tmp_path, capture_output=True, text=True, check=True)
        found[program] = ran.stdout
    check_published(*read_born_ph(found["ph.x"], alas(), "ph.out"))


def test_rows_are_directions_of_the_field():
    """`dynmat.x` adds the term to its dynamical matrix, along a direction: so does phonopy, with what was read."""
    atoms, along = low_symmetry(), np.array([1.0, 0.5, -0.3])
    charges, epsilon = read_born_ph(output("ph_low_symmetry.out"), atoms, "ph.out")
    assert np.abs(charges - charges.transpose(0, 2, 1)).max() > 0.1
    crystal = of_dynamical_matrix(atoms, output("low_symmetry.dyn"))
    add_nac(crystal.phonopy, nac_settings(atoms, charges, epsilon, sum_rule_e=3.0))  # a coarse mesh misses it by 2.8 e
    found = crystal.frequencies_cm1([(0, 0, 0)], gamma_toward=atoms.cell.array @ along)[0]
    table = output("low_symmetry_dynmat.out").partition("# mode")[2].splitlines()[1:7]
    np.testing.assert_allclose(found[3:], [float(line.split()[1]) for line in table][3:], atol=0.05)


def of_dynamical_matrix(atoms: Atoms, text: str) -> HarmonicCrystal:
    """The force constants at Γ of a `fildyn` (Ry/Bohr²), with the sum rule that `asr = 'simple'` means."""
    rows = text.partition("q = (")[2].partition("Dielectric")[0].splitlines()[2:]
    numbers = np.array([row.split()[::2] for row in rows if len(row.split()) == 6], dtype=float)
    constants = numbers.reshape(2, 2, 3, 3) * (Rydberg / Bohr**2)
    for i in range(2):
        constants[i, i] -= constants[i].sum(axis=0)
    cell = PhonopyAtoms(symbols=["Al", "As"], masses=[26.98, 74.92], cell=atoms.cell.array, positions=atoms.positions)
    made = phonopy.Phonopy(cell, np.eye(3, dtype=int), primitive_matrix=np.eye(3))
    made.force_constants = constants
    return HarmonicCrystal(made)


def test_any_cell_and_origin_will_do():
    cubic = alas(cubic=True)
    text = output("ph_alas.out")
    (charges, _), shifted = read_born_ph(text, alas(), "ph.out"), alas()
    shifted.positions += [0.3, -0.2, 0.1]
    np.testing.assert_array_equal(read_born_ph(text, shifted, "ph.out")[0], charges)
    swapped = alas()[[1, 0]]
    np.testing.assert_array_equal(read_born_ph(text, swapped, "ph.out")[0], charges[::-1])
    assert "none of this crystal" in refused(text, cubic)  # the primitive cell is no cell of a simple cubic lattice


@pytest.mark.parametrize(
    ("crystal", "says"),
    [
        (bulk("AlAs", "zincblende", a=5.5), "the cell of ph.out is none of this crystal in this orientation"),
        (bulk("GaAs", "zincblende", a=10.6 * Bohr), "the atoms of ph.out are not those of this crystal: Al As"),
        (bulk("AlAs", "rocksalt", a=10.6 * Bohr), "are not those of this crystal"),
    ],
)
def test_another_crystal_is_refused(crystal, says):
    assert says in refused(output("ph_alas.out"), crystal)


def test_a_metal_is_refused_in_the_words_of_the_program():
    assert "ph.x stopped in phq_readin (no elec. field with metals); occupations = 'fixed'" in refused(output("ph_metal.out"))


def test_a_run_without_field_and_one_that_is_not_finished_are_told_apart():
    text = output("ph_alas.out")
    start, end = text.index("          Dielectric constant"), text.index("     Diagonalizing")
    assert refused(text[:start] + text[end:]).endswith("it takes a run at Γ with epsil = .true.")
    assert refused(text[:start]).endswith("the run is not finished")


def test_a_field_that_did_not_converge_is_said():
    """ph.x ends with JOB DONE, and leaves out what it did not find."""
    assert "JOB DONE." in output("ph_unconverged.out")
    assert "did not converge; raise niter_ph" in refused(output("ph_unconverged.out"))


def test_labels_of_species_are_elements():
    text = output("ph_alas.out")
    site = re.search(r"1     Al(?=  +26)", text)
    charges, _ = read_born_ph(f"{text[: site.start()]}1     Al1{text[site.end() :]}", alas(), "ph.out")
    assert charges[0, 0, 0] == 2.14355


def test_wherever_it_is_torn_it_says_so_or_has_all():
    """Up to the end of the first block of charges: all that is needed stands there."""
    text = output("ph_alas.out")
    whole = text.index("Ez", text.index("As \n", text.index("Effective charges"))) + len("Ez  (        0.00000        0.00000       -2.19366")
    for end in range(text.index("crystal axes"), whole + 2, 7):
        assert "finished" in refused(text[:end])
    charges, _ = read_born_ph(text[: whole + 3], alas(), "ph.out")
    assert charges[1, 2, 2] == -2.19366


def test_sums_that_the_program_mends_are_not_taken():
    """From 7.0 on it prints charges twice, with other words."""
    text = output("ph_alas.out").replace("atom      1   Al ", "atom    1  Al    Mean Z*:        2.14355")
    first, _, rest = text.partition("     Diagonalizing")
    block = first[first.rindex("          Effective charges") :]
    mended = block.replace("cartesian axis", "cartesian axis with asr applied: ").replace("-2.19366", "-2.16861").replace("2.14355", "2.16861")
    for axis in "xyz":
        mended = mended.replace(f"E{axis} ", f"E*{axis}")
    raw = first.replace("in cartesian axis\n\n           atom", "in cartesian axis without acoustic sum rule applied (asr)\n\n           atom")
    charges, _ = read_born_ph(raw + mended + "     Diagonalizing" + rest, alas(), "ph.out")
    assert charges.sum(axis=0)[0, 0] == pytest.approx(-0.05011)


def test_it_is_told_from_a_born_file():
    assert is_ph_output(output("ph_alas.out"))
    assert not is_ph_output("14.4\n4.3 0 0 0 4.3 0 0 0 4.3\n")
