"""Makers of atomate2: numbers against ASE, flows and orders of atoms, what goes wrong, keys."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from pydantic import ValidationError

from flows.labelling.computed import computed_label_key
from flows.labelling.engines.guarded import Guarded
from flows.labelling.engines.makers.document import read
from flows.labelling.engines.makers.flow import structure_of
from flows.labelling.engines.makers.settings import MakerSettings

FORCE_FIELD = "atomate2.forcefields.jobs:ForceFieldStaticMaker"
BY_EMT = {"force_field_name": {"@module": "ase.calculators.emt", "@callable": "EMT"}}
CP2K = "atomate2.cp2k.jobs.core:StaticMaker"
TOY = "maker_toys:ToyMaker"


@pytest.fixture
def alloy():
    """Elements in turns, an atom outside of the cell."""
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[[1, 3]] = "Au"
    atoms.rattle(0.1, seed=1)
    atoms.positions[2] += atoms.cell[0]
    return atoms


def toy(does: str, **more: object) -> MakerSettings:
    return MakerSettings.model_validate({"maker": TOY, "arguments": {"does": does, **more}})


def found(engine, atoms, forces=True):
    ((_, result),) = engine.compute(atoms, {"dft": forces})
    return result


def assert_by_emt(result, atoms):
    atoms = atoms.copy()
    atoms.calc = EMT()
    assert result.energy_eV == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert result.forces_eV_A == pytest.approx(atoms.get_forces(), abs=1e-9)


class TestNumbers:
    def test_a_force_field_of_atomate2_is_its_calculator(self, alloy, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        engine = MakerSettings(maker=FORCE_FIELD, arguments=BY_EMT, scratch=str(tmp_path))
        with Guarded(engine) as guarded:  # as labels are computed
            for seed in (2, 3):
                alloy.rattle(0.05, seed=seed)
                assert_by_emt(guarded.compute(alloy, {"dft": True})["dft"], alloy)
        assert not list(tmp_path.iterdir())
        assert engine.versions().keys() == {"atomate2"}

    @pytest.mark.parametrize("does", ["document", "sorted", "two", "two_with_output"])
    def test_numbers_are_of_the_last_job_in_the_order_of_the_atoms(self, alloy, does):
        assert_by_emt(found(toy(does), alloy), alloy)

    def test_forces_come_where_they_are_wanted(self, alloy):
        engine = MakerSettings(maker=TOY, stands_for={"dft": True, "mp2": False})
        both = dict(engine.compute(alloy, {"dft": True, "mp2": False}))
        assert both["mp2"].forces_eV_A is None
        assert both["dft"].energy_eV == both["mp2"].energy_eV

    def test_the_energy_is_that_which_belongs_to_the_forces(self, alloy):
        """VASP's, whose `output.energy` is extrapolated to no smearing."""
        steps = [{"e_fr_energy": -1.5, "e_0_energy": -1.25}, {"e_fr_energy": -3.5, "e_0_energy": -3.25}]
        calculation = {"output": {"ionic_steps": steps}, "vasp_version": "6.4.2"}
        output = {"energy": -3.25, "forces": np.zeros((4, 3)), "structure": structure_of(alloy)}
        document = {"output": output, "state": "successful", "calcs_reversed": [calculation]}
        assert read(document, alloy, True).energy_eV == -3.5
        assert read(document, alloy, True).versions == {"vasp": "6.4.2"}


@pytest.mark.parametrize(
    ("does", "changes", "kind", "says"),
    [
        ("raises", {}, "crashed", "no such orbital"),
        ("stops", {}, "crashed", "left no output"),
        ("warns", {}, "unconverged", "unconverged SCF cycle"),
        ("moved", {}, "garbage", "one is 0.01 Å off"),
        ("doubled", {}, "garbage", "of 8 atoms, and the structure has 4"),
        ("document", {"state": "failed", "analysis": {"errors": ["180 cycles"]}}, "unconverged", "failed; 180 cycles"),
        ("document", {"converged": False}, "unconverged", "not converged"),
        ("document", {"output": {"forces": None}}, "garbage", "its output has energy, forces, structure"),
        ("document", {"output": {"energy": None}}, "garbage", "no energy"),
        ("document", {"output": {"energy": "low"}}, "garbage", "'low'"),
        ("document", {"output": {"forces": [[0.0, 0.0, 0.0]]}}, "garbage", "(1, 3)"),
        ("document", {"output": {"structure": None}}, "garbage", "no structure"),
    ],
)
def test_what_is_no_label_is_a_failure_with_its_reason(alloy, does, changes, kind, says):
    failure = found(toy(does, changes=changes), alloy)
    assert (failure.kind, failure.level) == (kind, "dft")
    assert says in failure.message


def test_without_a_program_nothing_is_run(alloy):
    failure = found(MakerSettings(maker=TOY, programs=["no-such-program"]), alloy)
    assert failure.kind == "no-program"
    assert "no-such-program" in failure.message


def test_what_changes_inputs_and_is_in_no_key_is_refused(alloy, monkeypatch):
    from atomate2 import SETTINGS

    monkeypatch.setattr(SETTINGS, "CP2K_INPUT_UPDATES", {"cutoff": 10})
    failure = found(toy("document"), alloy)
    assert failure.kind == "bad-input"
    assert "CP2K_INPUT_UPDATES" in failure.message


class TestSettings:
    @pytest.mark.parametrize(
        ("asked", "place", "says"),
        [
            ({"maker": "atomate2.cp2k.jobs.core:StatickMaker"}, "maker", "no attribute 'StatickMaker'"),
            ({"maker": "atomate2.cp2k.jobs.cores:StaticMaker"}, "maker", "No module named 'atomate2.cp2k.jobs.cores'"),
            ({"maker": CP2K, "arguments": {"input_sets": 1}}, "arguments", "it takes name, input_set_generator"),
            ({"maker": "maker_toys:WithoutMake"}, "maker", "has no make"),
            ({"maker": "maker_toys:NeedsMore"}, "maker", "is given a structure alone"),
            (
                {"maker": CP2K, "arguments": {"input_set_generator": {"@module": "atomate2.cp2k.sets.core", "@class": "StaticSetGenerator", "cutoff": 2}}},
                "arguments.input_set_generator",
                "unexpected keyword argument 'cutoff'",
            ),
            ({"maker": TOY, "arguments": {"inner": [{"@module": "maker_toys", "@class": "NoSuch"}]}}, "arguments.inner[0]", "maker_toys:NoSuch"),
        ],
    )
    def test_what_makes_no_maker_is_named_before_anything_runs(self, alloy, asked, place, says):
        engine = MakerSettings.model_validate(asked)
        ((setting, why),) = engine.troubles(alloy, {"dft": True})
        assert setting == place
        assert says in why
        assert found(engine, alloy).kind == "bad-input"

    def test_what_only_this_machine_lacks_is_said_and_does_not_stop_it(self, alloy):
        engine = MakerSettings(maker="no_such_package.jobs:Maker", programs=["no-such-program"])
        assert engine.troubles(alloy, {"dft": True}) == ()
        (programs, first), (maker, second) = engine.lacking()
        assert (programs, maker) == ("programs", "maker")
        assert "no-such-program is not on this machine" in first
        assert "No module named 'no_such_package'" in second

    def test_objects_among_arguments_are_made(self):
        inner = {"@module": "maker_toys", "@class": "ToyMaker", "does": "two"}
        made = toy("document", inner={"deep": [inner]})._made({"inner": {"deep": [inner]}})
        assert made.inner["deep"][0].does == "two"

    def test_what_is_no_import_path_is_refused_at_once(self):
        with pytest.raises(ValidationError, match=r"as atomate2\.cp2k\.jobs\.core:StaticMaker"):
            MakerSettings(maker="StaticMaker")
        with pytest.raises(ValidationError, match="does: given in arguments and in run_arguments"):
            MakerSettings(maker=TOY, arguments={"does": "two"}, run_arguments={"does": "two"})

    def test_keys_are_of_the_maker_and_its_arguments(self):
        def key(**more: object) -> str:
            return computed_label_key("structure", "dft", MakerSettings.model_validate({"maker": CP2K, **more}), True)

        alike = [{"programs": ["cp2k.psmp"]}, {"scratch": "/scratch"}, {"time_limit_s": 5}, {"maker": "atomate2.cp2k.jobs.core.StaticMaker"}]
        alike.append({"run_arguments": {"run_cp2k_kwargs": {"cp2k_cmd": "srun cp2k.psmp"}}})
        assert {key(**one) for one in alike} == {key()}
        assert key(arguments={"name": "other"}) != key() != key(maker="atomate2.cp2k.jobs.core:RelaxMaker")

    def test_settings_survive_json(self):
        engine = MakerSettings(maker=FORCE_FIELD, arguments=BY_EMT, programs=["cp2k.psmp"])
        assert MakerSettings.model_validate(json.loads(engine.model_dump_json())) == engine


def test_input_files_are_those_of_its_input_set(alloy):
    settings = {"xc_functionals": "PBE", "cutoff": 123, "basis_and_potential": {"basis_filenames": ["B"], "potential_filename": "P"}}
    generator = {"@module": "atomate2.cp2k.sets.core", "@class": "StaticSetGenerator", "user_input_settings": settings}
    shown = MakerSettings(maker=CP2K, arguments={"input_set_generator": generator}).input_files(alloy, ["dft"])
    assert "CUTOFF 123" in shown["cp2k.inp"]
    assert toy("document").input_files(alloy, ["dft"]) == {}
    assert not os.path.exists("cp2k.inp")
