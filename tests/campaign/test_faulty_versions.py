"""Numbers that a version computed wrongly: named, marked, never used again, computed anew once, and nothing else is."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from test_labelling_stage import ASKED

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.plan import plan
from campaign.spec import load_spec
from campaign.steering.submit import advance, planned, submit
from flows import faults
from flows.failure import CalculationFailed
from flows.faults import FAULTS, Fault, fault_of, faults_of, refuse_faulty, version_of
from flows.keys import digest, job_uuid
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.pyscf.levels import LEVELS
from flows.labelling.engines.pyscf.settings import PySCFSettings
from flows.records import Label

WRONG = Fault("emt-hf-sign", "energies of hf with the wrong sign", "9.9.0")
HF = "label by ase, hf"


def test_versions_count_the_faults(monkeypatch):
    second = Fault("emt-hf-unit", "in Hartree", "10.0.0")
    monkeypatch.setitem(FAULTS, HF, (WRONG, second))
    assert [version_of(HF), version_of("label by ase, dft")] == [3, 1]
    assert [faults_of(HF, version) for version in (1, 2, 3)] == [(WRONG, second), (second,), ()]


def test_coupled_cluster_by_pyscf_has_keys_of_a_second_version_and_no_other_level():
    """The keys of the first version are what databases have: `digest("label", 1, ...)`."""
    engine = PySCFSettings()
    for level, forces in LEVELS.items():
        first = digest("label", 1, structure="s", engine=engine.identity_of(level, forces))
        assert (computed_label_key("s", level, engine, forces) == first) is (level not in ("ccsd", "ccsd(t)"))
        assert computed_label_key("s", level, engine, forces, version=1) == first


def label(level: str, **fields: object) -> Label:
    structure = {"symbols": ["C"], "cell": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "positions": [[0, 0, 0]]}
    about = {"key": "k", "structure_key": "s", "structure": structure, "level": level, "energy_eV": 1.0}
    return Label.model_validate(about | {"engine": "pyscf"} | fields)


def test_a_label_of_a_faulty_version_is_known_without_a_mark():
    """Documents of before have no version: they are of the first."""
    fault = fault_of(label("ccsd(t)"))
    assert fault is not None
    assert fault.name == "pyscf-ccsd-fock"
    assert fault_of(label("ccsd(t)", version=2)) is None
    assert fault_of(label("mp2")) is None
    assert fault_of(label("ccsd(t)", engine="published")) is None


def test_what_rests_on_a_fault_is_refused_as_an_input():
    refuse_faulty([label("hf"), label("ccsd", version=2)], "training")
    for wrong in (label("ccsd"), label("hf", faulty="x: marked")):
        with pytest.raises(CalculationFailed, match="faulty version") as error:
            refuse_faulty([wrong], "training")
        assert error.value.failure.kind == "faulty-input"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    document = yaml.safe_load(ASKED)
    document["systems"]["copper"]["sampling"]["rattles"]["count"] = 4
    document["systems"]["copper"]["levels"]["hf"] = {"engine": "other"}
    document |= {"labelling": {"structures_per_job": 2}, "mace": {"preset": "small", "max_epochs": 1}}
    path = tmp_path / "labels.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


class TestCampaign:
    """Finished by a version whose `hf` was wrong, met by the one that mended it."""

    @pytest.fixture
    def old(self, farm, written, tmp_path):
        """The campaign, done by the old version; and its records by uuid."""
        loaded = load_spec(written)
        submit(farm, loaded, timedelta(0))
        self.work(farm, tmp_path)
        return {document["uuid"]: document["output"] for document in farm.outputs.find({})}

    def work(self, farm, tmp_path, *categories: str) -> int:
        from launchers.workers.settings import WorkerSettings
        from launchers.workers.worker import Worker

        settings = WorkerSettings(tmp_path / "runs", categories=categories, until_empty=True, then=advance)
        return Worker(farm, settings).run()

    def test_faulty_labels_are_named_and_computed_again_once(self, farm, written, tmp_path, monkeypatch, old):
        from campaign.steering.status import State, status_of

        spec = load_spec(written).resolved
        assert planned(farm, spec).faulty == ()
        assert not any(record.get("faulty") for record in old.values())

        before = plan(spec, Knowledge())
        monkeypatch.setitem(FAULTS, HF, (WRONG,))
        (said,) = planned(farm, spec).faulty
        assert (said.system, said.level, said.fault, said.count, said.queued) == ("copper", "hf", WRONG, 4, False)
        assert "4 labels of HF, copper, were computed by a faulty version (emt-hf-sign" in said.text()
        assert said.text().endswith("submit again")

        added = submit(farm, load_spec(written), timedelta(0)).added
        assert len(added) == 4  # pilots, of one structure each
        (said,) = planned(farm, spec).faulty
        assert said.queued
        assert said.text().endswith("they are being computed again")
        self.work(farm, tmp_path)

        now = planned(farm, spec)
        assert now.faulty == ()
        assert set(status_of(farm, now).states.values()) == {State.DONE}
        new = {key for key in now.work if key not in before.work and now.work[key].stage != "label"}
        assert {now.work[key].model for key in new} == {"hf-dft", "delta_hf"}
        records = {document["uuid"]: document["output"] for document in farm.outputs.find({})}
        labels = [one for one in records.values() if one.get("level") == "hf"]
        assert sorted(one["version"] for one in labels) == [1] * 4 + [2] * 4
        assert [one["faulty"] for one in labels if one["version"] == 2] == [""] * 4
        assert submit(farm, load_spec(written), timedelta(0)).added == ()

    @pytest.mark.slow
    @pytest.mark.usefixtures("old")
    def test_status_results_and_the_page_say_so(self, farm, monkeypatch, tmp_path, latticefarm):
        from campaign.report.write import write_report
        from campaign.results import open_campaign

        monkeypatch.setattr("campaign.cli.connect.open_farm", lambda **_: farm)
        said = "4 labels of HF, copper, were computed by a faulty version (emt-hf-sign"
        for arguments in (("status", "labels"), ("results", "labels", "training", "--json")):
            assert said not in "".join(map(str, latticefarm(*arguments)))
        monkeypatch.setitem(FAULTS, HF, (WRONG,))
        assert said in latticefarm("status", "labels").out
        (fault,) = json.loads(latticefarm("status", "labels", "--json").out)["labels"]["faulty"]
        assert (fault["fault"], fault["labels"], fault["level"]) == ("emt-hf-sign", 4, "hf")
        answer = latticefarm("results", "labels", "training", "--json")
        assert said in answer.error
        assert {row["model"] for row in json.loads(answer.out)} == {"dft_ef"}  # what rests on them is not shown
        index = write_report(open_campaign(farm, "labels"), tmp_path / "report").index
        assert said in index.read_text()

    @pytest.mark.slow
    def test_the_database_says_what_rests_on_them_and_all_else_stays(self, farm, written, monkeypatch, old):
        spec = load_spec(written).resolved
        rests = {
            job_uuid(key)
            for key, work in planned(farm, spec).work.items()
            if work.model in ("hf-dft", "delta_hf") and work.stage != "label"
        }
        rests |= set(map(job_uuid, label_requests(spec, "copper", Knowledge()).labels["hf"].values()))
        monkeypatch.setitem(FAULTS, HF, (WRONG,))
        submit(farm, load_spec(written), timedelta(0))
        for document in farm.outputs.find({}):
            output = dict(document["output"])
            if document["uuid"] in rests:
                assert output["faulty"] == f"{WRONG.name}: {WRONG.about}"
                output.pop("faulty")
            expected = dict(old[document["uuid"]])
            if document["uuid"] in rests:
                expected.pop("faulty", None)
            assert output == expected

    def test_what_an_old_version_had_queued_is_left_out_or_refused(self, farm, written, tmp_path, monkeypatch):
        """A chunk computes the levels that are as they were, and no other."""
        spec = load_spec(written).resolved
        submit(farm, load_spec(written), timedelta(0))
        monkeypatch.setitem(FAULTS, HF, (WRONG,))
        self.work(farm, tmp_path, "label")
        stored = [document["output"] for document in farm.outputs.find({})]
        assert {one["version"] for one in stored if one.get("level") == "hf"} <= {2}
        assert {one["version"] for one in stored if one.get("level") == "dft"} == {1}
        asked = label_requests(spec, "copper", Knowledge())
        assert farm.delivered(map(job_uuid, asked.places)) == set(map(job_uuid, asked.places))


@pytest.fixture(autouse=True)
def _faults_of_now():
    """Whatever a test adds is gone after it."""
    before = dict(FAULTS)
    yield
    assert before == faults.FAULTS
