"""Calculators by import path, and the engines that a campaign can name."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from pydantic import BaseModel, ValidationError

from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.known import EngineChoice
from flows.labelling.engines.pyscf.settings import PySCFSettings

COPPER = "ase.calculators.emt:EMT"


@pytest.fixture
def copper():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def test_numbers_are_those_of_the_calculator(copper):
    engine = ASESettings(calculator=COPPER, stands_for={"dft": True, "mp2": False})
    found = dict(engine.compute(copper, {"dft": True, "mp2": False}))
    copper.calc = EMT()
    assert found["dft"].energy_eV == found["mp2"].energy_eV == copper.get_potential_energy()
    assert np.array_equal(found["dft"].forces_eV_A, copper.get_forces())
    assert found["mp2"].forces_eV_A is None


def test_a_calculator_that_is_used_again_sees_the_new_structure(copper):
    engine = ASESettings(calculator=COPPER)
    moved = copper.copy()
    moved.rattle(0.1, seed=2)
    energies = [dict(engine.compute(a, {"dft": False}))["dft"].energy_eV for a in (copper, moved, copper)]
    assert energies[0] == energies[2] != energies[1]


def test_arguments_reach_the_calculator(copper):
    relaxed, rough = (
        dict(
            ASESettings(calculator="ase.calculators.lj:LennardJones", arguments=a).compute(
                copper, {"dft": False}
            )
        )
        for a in ({"epsilon": 1.0}, {"epsilon": 2.0})
    )
    assert rough["dft"].energy_eV == pytest.approx(2 * relaxed["dft"].energy_eV)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"calculator": "ase.calculators.emt:EMTT"}, "no calculator ase.calculators.emt:EMTT"),
        ({"calculator": "no_such_package.of:Calculator"}, "No module named 'no_such_package'"),
        ({"calculator": "ase.calculators.mixing:SumCalculator", "arguments": {"wings": 2}}, "does not take"),
    ],
)
def test_a_calculator_that_cannot_be_made_is_bad_input(copper, asked, says):
    (level, failure), *others = ASESettings(**asked).compute(copper, {"dft": True})
    assert not others
    assert (level, failure.kind, failure.level) == ("dft", "bad-input", "dft")
    assert says in failure.message


def test_levels_that_it_does_not_stand_for_are_refused_and_others_computed(copper):
    found = dict(ASESettings(calculator=COPPER).compute(copper, {"dft": True, "hf": False}))
    assert found["hf"].kind == "bad-input"
    assert found["dft"].forces_eV_A.shape == (4, 3)


def test_what_is_no_import_path_is_refused_at_once():
    with pytest.raises(ValidationError, match="write module:Class"):
        ASESettings(calculator="EMT")
    with pytest.raises(ValidationError, match="stands_for"):
        ASESettings(calculator=COPPER, stands_for={})


def test_identity_is_the_calculator_and_its_arguments():
    by_dots = ASESettings(
        calculator="ase.calculators.emt.EMT", time_limit_s=5, stands_for={"dft": True, "hf": False}
    )
    assert by_dots.identity_of("dft", True) == ASESettings(calculator=COPPER).identity_of("dft", True)
    other = ASESettings(calculator=COPPER, arguments={"asap_cutoff": True})
    assert other.identity_of("dft", True) != by_dots.identity_of("dft", True)


def test_versions_name_the_distribution_of_the_calculator():
    assert ASESettings(calculator=COPPER).versions() == {"ase": version("ase")}
    found = ASESettings(calculator="mace.calculators:MACECalculator").versions()
    assert found["mace-torch"] == version("mace-torch")


def test_a_calculator_leaves_no_files_behind(copper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dict(ASESettings(calculator=COPPER).compute(copper, {"dft": True}))
    assert not list(tmp_path.iterdir())


class Spec(BaseModel):
    engine: EngineChoice


def test_engines_are_told_apart_by_kind():
    assert isinstance(Spec.model_validate({"engine": {"kind": "pyscf"}}).engine, PySCFSettings)
    found = Spec.model_validate({"engine": {"kind": "ase", "calculator": COPPER}}).engine
    assert Spec.model_validate_json(Spec(engine=found).model_dump_json()).engine == found
    with pytest.raises(ValidationError, match="'pyscf', 'ase'"):
        Spec.model_validate({"engine": {"kind": "crystal"}})


def test_naming_engines_imports_none_of_their_programs():
    heavy = "[m for m in ('pyscf', 'ase', 'torch', 'mace') if m in sys.modules]"
    code = f"import sys, flows.labelling.engines.known; print({heavy})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
