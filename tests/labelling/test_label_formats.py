"""Each format against the reader of ASE or pymatgen, or against what the output prints; what is bad is named."""

from __future__ import annotations

import hashlib
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.units import Bohr, Hartree, create_units
from program_outputs import outcar, vasprun

from flows.labelling.published.formats import format_of
from flows.labelling.published.reading import read_published
from flows.labelling.settings import Expectations, PublishedFile

OUTPUTS = Path(__file__).parent / "outputs"


def frames_of(count: int) -> list:
    found = []
    for seed in range(count):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        found.append(atoms)
    return found


def published(content: bytes, **about):
    sha256 = hashlib.sha256(content).hexdigest()
    file = PublishedFile(name="file", sha256=sha256, level="dft", forces=True, format=format_of(content), **about)
    return read_published(file, content, Expectations())


def test_vasprun_is_read_as_ase_and_pymatgen_read_it(tmp_path) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(frames_of(3), [5, 7, 9], smearing=0.25))
    frames, aside = published(path.read_bytes())
    assert not aside
    for ours, theirs in zip(frames, read(path, index=":"), strict=True):
        assert ours.energy_eV == pytest.approx(theirs.calc.results["free_energy"], abs=1e-9)
        np.testing.assert_allclose(ours.forces, theirs.calc.results["forces"], atol=1e-9)
        np.testing.assert_allclose(ours.positions, theirs.positions, atol=1e-9)
        assert ours.beside["e_0_energy"] == pytest.approx(0.25)
    at_zero, _ = published(path.read_bytes(), energy_key="e_0_energy")
    assert at_zero[1].energy_eV == pytest.approx(frames[1].energy_eV + 0.25)


def test_steps_of_vasprun_that_are_no_labels_are_named() -> None:
    frames = frames_of(4)
    frames[2].set_cell(1.01 * frames[2].cell)
    frames[2].calc.atoms = frames[2].copy()
    text = vasprun(frames, [5, 60, 9, 8])
    kept, aside = published(text[: text.rindex("</structure>")].encode())
    assert [frame.index for frame in kept] == [0]
    reasons = [one.reason for one in aside]
    assert "all NELM = 60 cycles are used up" in reasons[0]
    assert "its cell moved by 0.036 Å" in reasons[1]
    assert "in the middle of a step" in reasons[2]


def test_outcar_is_read_as_ase_reads_it() -> None:
    frames = frames_of(3)
    text = outcar(frames, [True, False, True])
    kept, aside = published(text.encode())
    assert [(one.frame, one.reason) for one in aside] == [(1, "its electrons did not converge: EDIFF was not reached")]
    for frame in kept:
        assert frame.energy_eV == pytest.approx(frames[frame.index].get_potential_energy(), abs=1e-7)
        np.testing.assert_allclose(frame.forces, frames[frame.index].get_forces(), atol=1e-6)
    assert "middle of a step" in published(text[: text.rindex("FREE ENERGIE")].encode())[1][-1].reason


def test_relaxation_of_pw_x_is_read_as_ase_reads_it() -> None:
    content = (OUTPUTS / "pw_relax.out").read_bytes()
    kept, aside = published(content)
    theirs = list(read(StringIO(content.decode()), format="espresso-out", index=":"))
    assert not aside
    rydberg = create_units("2006")["Rydberg"]  # those of the reader of ASE
    assert [frame.energy_eV / rydberg for frame in kept] == pytest.approx([-89.27610600, -89.27300381, -89.31544227], abs=1e-8)
    for ours, their in zip(kept, theirs, strict=True):
        np.testing.assert_allclose(ours.forces, their.get_forces(), atol=1e-12)
        np.testing.assert_allclose(ours.positions, their.positions, atol=1e-12)


def test_pw_x_without_convergence_is_named() -> None:
    kept, aside = published((OUTPUTS / "pw_unconverged.out").read_bytes())
    assert not kept
    assert "convergence NOT achieved" in aside[0].reason


def test_cp2k_says_what_it_prints() -> None:
    text = (OUTPUTS / "cp2k.out").read_text()
    ((frame,), aside) = published(text.encode())
    assert not aside
    assert frame.energy_eV / Hartree == pytest.approx(-31.907198316165545, abs=1e-12)
    assert frame.forces[4] * Bohr / Hartree == pytest.approx([-0.00013287, 0.00683675, 0.0], abs=1e-12)
    assert frame.positions[4] == pytest.approx([2.042, 0.03, 0.0])
    assert frame.cell.ravel() == pytest.approx((4.084 * np.eye(3)).ravel())
    for said, reason in (("SCF run NOT converged", "did not converge"), ("", "before the output ends")):
        assert reason in published(text.replace("SCF run converged", said).encode())[1][0].reason
    moved = published(text.replace("ENERGY_FORCE", "MD").encode())[1][0].reason
    assert "RUN_TYPE MD" in moved
