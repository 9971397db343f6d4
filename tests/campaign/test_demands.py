"""What a campaign says that its jobs need: in the queue, never in a key, and of programs how they are started."""

from __future__ import annotations

import stat
import sys
from typing import get_args

import pytest
from ase.build import bulk
from pydantic import ValidationError

from campaign.planning.stages import STAGES
from campaign.spec.demands import Demands, RetrySpec, StageName
from campaign.steering.seal import envelope
from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.pyscf.settings import PySCFSettings
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.records import Structure
from flows.resources import Resources
from launchers.queue.resources import Needs

EMT = "ase.calculators.emt:EMT"
COPPER = bulk("Cu", cubic=True)


def test_stages_that_can_be_named_are_those_that_there_are():
    assert set(get_args(StageName)) == set(STAGES)


@pytest.mark.parametrize(("text", "bytes_"), [("64G", 64 * 2**30), ("8000M", 8000 * 2**20), ("1.5 T", 1.5 * 2**40), ("2GiB", 2 * 2**30)])
def test_memory(text, bytes_):
    assert Resources(memory=text).memory_GB == pytest.approx(bytes_ / 1e9)


@pytest.mark.parametrize("wrong", ["64", 64, "much", "0G", "-1G"])
def test_wrong_memory(wrong):
    with pytest.raises(ValidationError, match="write 64G or 8000M"):
        Resources(memory=wrong)


def labelling(engine):
    from campaign.planning.work import Work

    item = LabelItem(structure=Structure.from_atoms(COPPER), levels={"dft": True})
    task = LabelTask(key="k" * 64, system="copper", engine=engine, items=(item,))
    return Work("k" * 64, "label", "copper", "dft by emt", None, "", (), task, parts=("a",))


def test_an_engine_goes_before_its_stage():
    demands = Demands(resources={"label": Resources(cores=2, memory="8G"), "train": Resources(cores=9)}, retry=RetrySpec(calculation=3))
    silent, own = ASESettings(calculator=EMT), ASESettings(calculator=EMT, resources=Resources(memory="64G", allocation="large"))
    of_stage, of_engine = envelope(labelling(silent), 0, demands), envelope(labelling(own), 0, demands)
    assert of_stage.needs == Needs(2, 8 * 2**30 / 1e9, "")
    assert of_engine.needs == Needs(2, 64 * 2**30 / 1e9, "large")
    spec = of_engine.workflow().fws[0].spec
    assert spec["_needs"] == {"cores": 2, "memory_GB": 64 * 2**30 / 1e9, "allocation": "large"}
    assert spec["_retry"] == 3
    plain = envelope(labelling(silent), 0, Demands()).workflow().fws[0].spec
    assert not {"_needs", "_retry"} & plain.keys()


@pytest.mark.parametrize("made", [PySCFSettings, lambda **more: ASESettings(calculator=EMT, **more)])
def test_no_key_knows_of_it(made):
    plain, asking = made(), made(resources=Resources(cores=4, memory="9G"))
    for level, forces in plain.levels().items():
        assert plain.identity_of(level, forces) == asking.identity_of(level, forces)
        assert EngineSettings.identity_of(plain, level, forces) == EngineSettings.identity_of(asking, level, forces)


def test_how_a_program_is_started_is_no_part_of_a_key():
    plain, started = ASESettings(calculator=EMT), ASESettings(calculator=EMT, command="srun vasp_std")
    assert plain.identity_of("dft", True) == started.identity_of("dft", True)
    with pytest.raises(ValidationError, match="given twice"):
        ASESettings(calculator=EMT, command="a", arguments={"command": "b"})


PROGRAM = """#!{python}
import pathlib, sys
pathlib.Path("gulp.got").write_text("  Total lattice energy       =          -7.25000000 eV\\n")
print(sys.argv[1], file=open({said!r}, "w"))
"""


def test_a_real_calculator_starts_its_program_by_the_command(tmp_path):
    """ASE's GULP, whose program is a script that writes an energy: as `srun` would be, with an argument of its own."""
    said = tmp_path / "said"
    program = tmp_path / "program"
    program.write_text(PROGRAM.format(python=sys.executable, said=str(said)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    engine = ASESettings(
        calculator="ase.calculators.gulp:GULP",
        arguments={"keywords": "conp", "library": None},
        stands_for={"dft": False},
        command=f"{program} launched < PREFIX.gin",
    )
    ((level, found),) = list(engine.compute(COPPER, {"dft": False}))
    assert (level, getattr(found, "energy_eV", found)) == ("dft", -7.25)
    assert said.read_text() == "launched\n"


def test_a_campaign_says_it_in_yaml_and_its_work_keeps_its_keys(farm, tmp_path, write_campaign):
    from campaign.spec import load_spec
    from campaign.steering.submit import submit

    path = write_campaign(tmp_path)
    plain = submit(farm, load_spec(path)).status.plan
    said = "resources:\n  train: {memory: 3G, cores: 2}\nretry: {calculation: 2}\n"
    path.write_text(path.read_text() + said)
    assert list(submit(farm, load_spec(path)).status.plan.work) == list(plain.work)
    specs = {one["spec"]["_category"]: one["spec"] for one in farm.launchpad.fireworks.find({"spec._device": {"$exists": True}})}
    assert specs["train"]["_needs"] == {"cores": 2, "memory_GB": 3 * 2**30 / 1e9}
    assert specs["train"]["_retry"] == 2
    assert all("_needs" not in spec for category, spec in specs.items() if category != "train")
    begun = {"spec._category": "train", "spec._device": "gpu"}
    chosen = farm.launchpad.fireworks.find_one(begun)["fw_id"]
    farm.launchpad.fireworks.update_one({"fw_id": chosen}, {"$set": {"spec._needs.memory_GB": 99.0, "archived_launches": [1]}})
    path.write_text(path.read_text().removesuffix(said))
    submit(farm, load_spec(path))
    left = {one["fw_id"]: one["spec"] for one in farm.launchpad.fireworks.find(begun)}
    assert left.pop(chosen)["_needs"]["memory_GB"] == 99.0  # what it was found to need
    assert left
    assert not any({"_needs", "_retry"} & spec.keys() for spec in left.values())
