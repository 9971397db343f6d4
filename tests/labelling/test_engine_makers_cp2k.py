"""CP2K by atomate2's maker, for real: against differences of its energy and our reader of what it prints."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ase import Atoms

from flows.labelling.engines.makers.settings import MakerSettings
from flows.labelling.published import cp2k

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cp2k.psmp") is None, reason="apt-get install -y --no-install-recommends cp2k cp2k-data"),
]
BASIS = {"H": {"basis": "SZV-MOLOPT-SR-GTH", "potential": "GTH-PBE-q1", "aux_basis": None}, "basis_filenames": ["BASIS_MOLOPT"]}
INPUT = {"xc_functionals": "PBE", "cutoff": 200, "multiplicity": 1, "eps_scf": 1e-7, "algorithm": "STRICT", "rotation": False}


def settings(**more: object) -> MakerSettings:
    given = {**INPUT, "preconditioner": "FULL_ALL", "basis_and_potential": {**BASIS, "potential_filename": "GTH_POTENTIALS"}, **more}
    generator = {"@module": "atomate2.cp2k.sets.core", "@class": "StaticSetGenerator", "user_input_settings": given, "user_kpoints_settings": None}
    return MakerSettings(maker="atomate2.cp2k.jobs.core:StaticMaker", arguments={"input_set_generator": generator}, programs=("cp2k.psmp",))


def molecule(shift: float = 0.0) -> Atoms:
    return Atoms("H2", positions=[[0.0, 0.0, 0.0], [0.05, 0.0, 0.9 + shift]], cell=[4.0, 4.0, 4.0], pbc=True)


def found(engine, atoms, forces=True):
    ((_, result),) = engine.compute(atoms, {"dft": forces})
    return result


def test_numbers_are_those_that_cp2k_prints_and_forces_are_differences_of_energies(tmp_path):
    engine, step = settings(), 0.02
    ours = found(engine, molecule())
    above, below = (found(engine, molecule(shift), forces=False).energy_eV for shift in (step, -step))
    assert abs(ours.forces_eV_A[1, 2]) > 0.5
    assert ours.forces_eV_A[1, 2] == pytest.approx(-(above - below) / (2 * step), abs=0.02)

    (tmp_path / "cp2k.inp").write_text(engine.input_files(molecule(), ["dft"])["cp2k.inp"])
    printed = subprocess.run(["cp2k.psmp", "-i", "cp2k.inp"], cwd=tmp_path, capture_output=True, check=True).stdout
    (theirs,) = cp2k.steps(printed)
    assert ours.energy_eV == pytest.approx(theirs.energies["total_energy"], abs=1e-5)
    assert ours.forces_eV_A == pytest.approx(theirs.forces["forces"], abs=1e-5)
    assert ours.versions["cp2k"][0].isdigit()


def test_an_scf_that_does_not_converge_is_no_label():
    engine = settings(max_scf=1, outer_max_scf=1)
    uncorrected = {"job_type": "direct", "cp2k_cmd": "cp2k.psmp -i cp2k.inp -o cp2k.out"}  # without custodian
    failure = found(engine.model_copy(update={"run_arguments": {"run_cp2k_kwargs": uncorrected}}), molecule())
    assert "unconverged SCF" in failure.message
    assert failure.kind == "unconverged"
