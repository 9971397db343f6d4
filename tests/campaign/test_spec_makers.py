"""A maker of atomate2 in a campaign: the example of the documentation, what is said of it before anything runs, its label job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ase.calculators.emt import EMT
from jobflow import run_locally

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import plan
from campaign.spec import SpecError, load_spec
from flows.keys import job_uuid
from flows.labelling.engines.task import LabelTask
from flows.labelling.jobs import label

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "label-with-engines.md"
EMT_MAKER = {
    "kind": "atomate2",
    "maker": "atomate2.forcefields.jobs:ForceFieldStaticMaker",
    "arguments": {"force_field_name": {"@module": "ase.calculators.emt", "@callable": "EMT"}},
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (text,) = re.findall(r"```yaml\n(campaign: by-cp2k\n.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "by-cp2k.yaml"
    path.write_text(text)
    return path


def test_the_example_is_planned_and_shows_its_input(written):
    loaded = load_spec(written)
    asked = label_requests(loaded.resolved, "lih", Knowledge())
    assert len(asked.places) == 20
    structure, _ = next(iter(asked.places.values()))
    atoms = asked.structures[structure].atoms()
    shown = loaded.resolved.systems["lih"].engines["cp2k"].input_files(atoms, ["dft"])["cp2k.inp"]
    assert "CUTOFF 300" in shown
    assert "GTH-PBE-q3" in shown
    assert "KPOINTS" not in shown


@pytest.mark.parametrize(
    ("override", "place", "says"),
    [
        ("engines.cp2k.maker=atomate2.cp2k.jobs.core:Static", "engines.cp2k.maker", "no attribute 'Static'"),
        ("engines.cp2k.arguments.cutoff=300", "engines.cp2k.arguments", "unexpected keyword argument 'cutoff'"),
        ("engines.cp2k.arguments.input_set_generator.cutof=1", "engines.cp2k.arguments.input_set_generator", "'cutof'"),
    ],
)
def test_what_makes_no_maker_is_refused_in_its_place(written, override, place, says):
    with pytest.raises(SpecError) as caught:
        load_spec(written, [override])
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_a_program_that_is_not_here_is_noted(written):
    loaded = load_spec(written, ["engines.cp2k.programs=[no-such-cp2k]"])
    assert any("no-such-cp2k is not on this machine" in note for note in loaded.notes)


def test_labels_of_a_campaign_are_those_of_the_calculator(written, store):
    asked = yaml.safe_load(written.read_text())
    asked["systems"] = {
        "copper": {
            **asked["systems"]["lih"],
            "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": 3.6},
            "levels": {"dft": {"engine": "emt", "forces": True}},
            "sampling": {"rattles": {"count": 10, "displacements_A": [0.05]}},
        }
    }
    asked["engines"] = {"emt": EMT_MAKER}
    written.write_text(yaml.safe_dump(asked))
    work = plan(load_spec(written).resolved, Knowledge()).work.values()
    task = next(one.task for one in work if isinstance(one.task, LabelTask))
    job = label(task)
    job.set_uuid(job_uuid(task.key))
    run_locally(job, store=store, ensure_success=True)
    for item in task.items:
        atoms = item.structure.atoms()
        atoms.calc = EMT()
        (found,) = [one for one in store.query({}) if one.get("output", {}).get("structure_key") == item.structure.key()]
        assert found["output"]["energy_eV"] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert found["output"]["forces_eV_A"] == pytest.approx(atoms.get_forces(), abs=1e-9)
