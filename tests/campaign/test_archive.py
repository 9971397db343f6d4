"""A finished campaign as one file, out of a database and into an empty one on another socket: nothing is left to do, and the
same numbers come out."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import results_world as world

from campaign.results import TABLES, open_campaign
from campaign.spec import load_spec
from flows.keys import job_uuid
from launchers.farm import Farm

ARCHIVE = "toy.crate.zip"


@pytest.fixture
def finished(farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, latticefarm) -> Farm:
    """A campaign with a record for each of its jobs, submitted in the working directory."""
    monkeypatch.chdir(tmp_path)
    world.write_labels(tmp_path)
    (tmp_path / "toy.yaml").write_text(world.YAML)
    assert latticefarm("submit", "toy.yaml").code == 0
    world.everything(farm, open_campaign(farm, "toy").plan)
    return farm


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Farm]]:
    """From its call on, commands use an empty database of another socket; returns the farm in it."""
    from launchers.database import ladder

    place = Path(mkdtemp(prefix="lf-"))
    moved: list[Any] = []

    def move() -> Farm:
        monkeypatch.setenv("LATTICEFARM_HOME", str(place))
        monkeypatch.delenv("LATTICEFARM_MONGO_URI", raising=False)
        moved.append(ladder.start())
        return Farm.open(moved[0])

    yield move
    if moved:
        ladder.stop()
    shutil.rmtree(place, ignore_errors=True)


def tables(latticefarm) -> dict[str, str]:
    return {name: latticefarm("results", "toy", name, "--csv").out for name in TABLES}


def content(farm: Farm) -> dict[str, Any]:
    """All that an import writes, but for when, and by whom."""
    db, found = farm.launchpad.db, {}
    late = {"_id", "uploadDate", "files_id", "token", "claimed_at"}
    for name in ("outputs", "blobs.files", "blobs.chunks", "inputs.files", "inputs.chunks"):
        found[name] = sorted(repr({key: value for key, value in one.items() if key not in late}) for one in db[name].find())
    for name in ("campaigns", "work", "plans"):
        found[name] = sorted(repr({key: one[key] for key in sorted(one) if key not in late - {"_id"}}) for one in db[name].find())
    return found


def test_another_database_has_nothing_to_do_and_the_same_tables(finished, latticefarm, elsewhere) -> None:
    before = tables(latticefarm)
    said = latticefarm("export", "toy", "archive")
    assert said.code == 0, said
    assert f"{ARCHIVE}: " in said.out
    assert "without figures and page" in said.out
    records = finished.outputs.count_documents({})
    jobs = len(open_campaign(finished, "toy").plan.work)
    there = elsewhere()
    assert f"toy: {records} records added; {jobs} of {jobs} jobs are done" in latticefarm("import", ARCHIVE).out
    assert there.outputs.count_documents({}) == records
    assert tables(latticefarm) == before
    assert latticefarm("export", "toy", "archive", "again.zip").code == 0
    assert Path("again.zip").read_bytes() == Path(ARCHIVE).read_bytes()
    said = latticefarm("submit", "toy.yaml")
    assert f"toy: 0 jobs added; before: {jobs} of {jobs} jobs done" in said.out
    assert tables(latticefarm) == before
    for name in ("workflows", "fireworks", "launches"):
        assert there.launchpad.db[name].count_documents({}) == 0
    latticefarm("export", "toy", "models", "trained", "--seed", "1", "--size", "full")
    assert Path("trained/carbon_dft_ef_full_1.model").read_bytes() == world.MODEL_BYTES


@pytest.mark.usefixtures("finished")
def test_twice_changes_nothing(latticefarm, elsewhere) -> None:
    latticefarm("export", "toy", "archive")
    there = elsewhere()
    latticefarm("import", ARCHIVE)
    before = content(there)
    assert "toy: 0 records added" in latticefarm("import", ARCHIVE).out
    assert content(there) == before


def test_what_is_there_stays_and_the_rest_is_added(finished, latticefarm, elsewhere) -> None:
    latticefarm("export", "toy", "archive")
    records = finished.outputs.count_documents({})
    there = elsewhere()
    latticefarm("submit", "toy.yaml")  # labels, and a queue
    plan = open_campaign(there, "toy").plan
    train = plan.of_stage("train")[0]
    original = finished.records([job_uuid(train.key)], blobs=True)[job_uuid(train.key)]
    from flows.records import TrainedModel

    world.store(there, TrainedModel.model_validate(original))
    kept = {one["uuid"]: one["_id"] for one in there.outputs.find()}
    queued = there.launchpad.workflows.count_documents({})
    assert f"toy: {records - len(kept)} records added, {len(kept)} were there" in latticefarm("import", ARCHIVE).out
    after = {one["uuid"]: one["_id"] for one in there.outputs.find()}
    assert len(after) == records
    assert {uuid: after[uuid] for uuid in kept} == kept
    assert there.launchpad.workflows.count_documents({}) == queued


def test_plan_says_there_too_why_it_would_train_again(finished, latticefarm, elsewhere) -> None:
    finished.outputs.update_many({"output.predictions_eV": {"$exists": True}}, {"$set": {"output.settings": {"max_epochs": 3}}})
    latticefarm("export", "toy", "archive")
    elsewhere()
    latticefarm("import", ARCHIVE)
    said = latticefarm("plan", "toy.yaml", "--set", "mace.max_epochs=7").out
    assert "ML(DFT_EF) of carbon, full: trained before with max_epochs 3, now 7 (seed 1, 2); the old models are kept" in said


def test_another_content_under_a_key_is_named_and_nothing_is_written(finished, latticefarm, elsewhere) -> None:
    latticefarm("export", "toy", "archive")
    key = finished.outputs.find_one({"name": "label"})["output"]["key"]
    label = finished.records([job_uuid(key)])[job_uuid(key)]
    there = elsewhere()
    there.store_records({job_uuid(key): label | {"energy_eV": label["energy_eV"] + 1e-9}}, "label")
    before = content(there)
    said = latticefarm("import", ARCHIVE)
    assert f"the record {key} has another content in this database: nothing was imported" in said.complaint
    assert content(there) == before
    # what each database marks for itself is no other content
    there.outputs.update_one({}, {"$set": {"output.energy_eV": label["energy_eV"], "output.faulty": "a-fault"}})
    assert latticefarm("import", ARCHIVE).code == 0
    assert there.outputs.find_one({"uuid": job_uuid(key)})["output"]["faulty"] == "a-fault"


def test_another_file_of_a_model_is_another_content(finished, latticefarm, elsewhere) -> None:
    from flows.records import Blob, TrainedModel

    latticefarm("export", "toy", "archive")
    train = open_campaign(finished, "toy").plan.of_stage("train")[0]
    model = TrainedModel.model_validate(finished.records([job_uuid(train.key)], blobs=True)[job_uuid(train.key)])
    there = elsewhere()
    world.store(there, model.model_copy(update={"blob": Blob.of(b"another")}))
    assert f"the record {train.key} has another content" in latticefarm("import", ARCHIVE).complaint
    assert there.outputs.count_documents({}) == 1


@pytest.mark.usefixtures("finished")
def test_a_campaign_of_that_name_that_asks_for_something_else(latticefarm, elsewhere) -> None:
    latticefarm("export", "toy", "archive")
    there = elsewhere()
    latticefarm("submit", "toy.yaml", "--set", "training.seeds=[7]")
    before = content(there)
    assert "a campaign toy that asks for something else is in this database already" in latticefarm("import", ARCHIVE).complaint
    assert content(there) == before


KILLED = """
import os, signal, sys
from datetime import timedelta
from launchers import transfer
from launchers.farm import Farm
from campaign.archive import importing
from campaign.cli import main

importing.LEASE, importing.BATCH = timedelta(seconds=1), 3
left = int(sys.argv[2])

def dying(action):
    def act(*given, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return action(*given, **named)
    return act

transfer.put_blob, transfer.put_file = dying(transfer.put_blob), dying(transfer.put_file)
Farm.put_new = staticmethod(dying(Farm.put_new))
main(["import", sys.argv[1]])
"""


@pytest.mark.parametrize("writes", [1, pytest.param(9, marks=pytest.mark.slow), pytest.param(21, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("finished")
def test_a_kill_in_the_middle_and_again_ends_in_the_same(latticefarm, elsewhere, writes: int, monkeypatch) -> None:
    from datetime import timedelta

    from campaign.archive import importing

    latticefarm("export", "toy", "archive")
    there = elsewhere()
    latticefarm("import", ARCHIVE)
    whole = content(there)
    for name in ("outputs", "blobs.files", "blobs.chunks", "inputs.files", "inputs.chunks", "campaigns", "plans", "work"):
        there.launchpad.db[name].delete_many({})
    done = subprocess.run([sys.executable, "-c", KILLED, ARCHIVE, str(writes)], check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    assert there.outputs.count_documents({}) < len(whole["outputs"])
    assert there.campaigns.count_documents({}) == 0  # a part is not a campaign
    monkeypatch.setattr(importing, "LEASE", timedelta(seconds=1))
    _when_free(there)
    assert latticefarm("import", ARCHIVE).code == 0
    assert content(there) == whole


def _when_free(farm: Farm) -> None:
    import time

    while time.time() < farm.leases.find_one({"_id": "import"})["until"].timestamp() - time.timezone:
        time.sleep(0.1)


def test_what_is_not_done_is_asked_for_by_submit_and_not_before(finished, latticefarm, elsewhere) -> None:
    from campaign.steering.submit import advance

    plan = open_campaign(finished, "toy").plan
    lost = [job_uuid(work.key) for work in plan.of_stage("phonons")]
    finished.outputs.delete_many({"uuid": {"$in": lost}})
    said = latticefarm("export", "toy", "archive", "--json")
    assert json.loads(said.out)["done"] == len(plan.work) - len(lost)
    latticefarm("pause", "toy", "--seed", "2")
    latticefarm("export", "toy", "archive")
    there = elsewhere()
    latticefarm("import", ARCHIVE)
    assert there.campaigns.find_one({"_id": "toy"})["held"] == [{"seed": 2}]
    advance(there)
    assert there.launchpad.workflows.count_documents({}) == 0
    assert f"toy: {len(lost) // 2} jobs added" in latticefarm("submit", "toy.yaml").out


def test_the_crate_is_one_and_says_what_there_is(finished, latticefarm) -> None:
    from rocrate.rocrate import ROCrate

    assert finished is not None
    latticefarm("report", "toy")
    assert "without figures" not in latticefarm("export", "toy", "archive").out
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall("unpacked")
    checked = subprocess.run(["sha256sum", "--check", "--strict", "manifest-sha256.txt"], cwd="unpacked", capture_output=True, check=False)
    assert checked.returncode == 0
    assert Path("unpacked/campaign.yaml").read_text() == world.YAML
    assert Path("unpacked/report/index.html").read_text() == Path("toy-report/index.html").read_text()
    crate = ROCrate("unpacked")
    files = {one.id: one for one in crate.data_entities}
    there = {path.relative_to("unpacked").as_posix() for path in Path("unpacked").rglob("*") if path.is_file()}
    assert files.keys() == there - {"ro-crate-metadata.json", "manifest-sha256.txt"}
    assert files["models/carbon_dft_ef_full_1.model"]["contentSize"] == str(len(world.MODEL_BYTES))
    root = crate.root_dataset
    assert all(root.get(name) for name in ("name", "description", "datePublished", "license", "citation"))
    assert all(one.get("name") for one in root["citation"])  # each is an entity of the crate
    assert files["campaign.yaml"]["encodingFormat"] == "application/yaml"
    # the same data files as those that the campaign names, to submit it from
    names = {path.parent.name: path.name for path in Path("unpacked/inputs").rglob("*") if path.is_file()}
    assert names == {sha256: path.name for sha256, path in load_spec("toy.yaml").files.items()}


def test_no_secret_and_no_path_of_the_machine_is_in_it(finished, latticefarm, tmp_path: Path, home: Path) -> None:
    latticefarm("report", "toy")
    latticefarm("export", "toy", "archive")
    store: Any = finished.store
    secret = [str(tmp_path), str(home), str(Path.home()) + "/", store.docs_store.uri, "mongodb:", os.environ.get("LATTICEFARM_MONGO_URI", "mongodb:")]
    with zipfile.ZipFile(ARCHIVE) as archive:
        for name in archive.namelist():
            text = archive.read(name)
            assert not [one for one in secret if one.encode() in text], name


@pytest.mark.usefixtures("farm", "toy_folder")
def test_a_password_in_the_yaml_is_refused(latticefarm) -> None:
    text = re.sub("^campaign:", "# see https://me:hunter2@db.example.org/x\ncampaign:", Path("toy.yaml").read_text())
    Path("toy.yaml").write_text("# labels of ~/project/labels\n" + text)
    latticefarm("submit", "toy.yaml")
    said = latticefarm("export", "toy", "archive").complaint
    assert said.startswith("campaign.yaml, line 2, holds a URI with a password")
    assert "hunter2" not in said
    assert not list(Path().glob("*.zip*"))
    Path("toy.yaml").write_text(text.partition("\n")[2].replace("campaign:", "# of ~/project/labels\ncampaign:", 1))
    latticefarm("submit", "toy.yaml")
    assert "its YAML names paths of this machine, which are in the archive as they are written: ~/project/labels" in latticefarm("export", "toy", "archive").out


def test_what_the_database_has_lost_is_named(finished, latticefarm) -> None:
    train = open_campaign(finished, "toy").plan.of_stage("train")[0]
    where = finished.outputs.find_one({"uuid": job_uuid(train.key)})["output"]["blob"]["blob_uuid"]
    found = finished.launchpad.db["blobs.files"].find_one({"metadata.blob_uuid": where})
    finished.launchpad.db["blobs.files"].delete_one({"_id": found["_id"]})
    assert f"(key {train.key}) cannot be archived: the database has lost its file" in latticefarm("export", "toy", "archive").complaint
    finished.launchpad.db["inputs.files"].delete_many({})
    assert "the database has lost the data file" in latticefarm("export", "toy", "archive").complaint
    assert not list(Path().glob("*.zip*"))


def test_an_archive_is_of_the_whole_campaign(latticefarm) -> None:
    assert "an archive is of the whole campaign; remove --seed" in latticefarm("export", "toy", "archive", "--seed", "1").complaint


LABELLED = """
campaign: made
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1]}
    levels: {dft: {engine: emt, forces: true}, ccsd(t): {engine: other, structures: 4}}
    sampling: {rattles: {count: 6, displacements_A: [0.03, 0.06], seed: 3}}
engines:
  emt: {kind: ase, calculator: "file_calculators:Shifted", arguments: {shift: shift.json, folder: more}, files: {folder: content}, stands_for: {dft: true}}
  other: {kind: ase, calculator: "ase.calculators.emt:EMT", stands_for: {"ccsd(t)": false}}
models: [dft_ef, ccsd(t)-dft]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""


def test_labels_of_engines_travel_with_their_jobs_and_files(farm, tmp_path: Path, monkeypatch, latticefarm, elsewhere) -> None:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.yaml").write_text(LABELLED)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "shift.json").write_text(json.dumps({"shift_eV": 2.5}))
    (tmp_path / "more" / "inside").mkdir(parents=True)
    (tmp_path / "more" / "inside" / "shift.json").write_text("0.5")
    assert latticefarm("submit", "made.yaml").code == 0
    Worker(farm, WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True)).run()
    latticefarm("submit", "made.yaml")
    before = json.loads(latticefarm("status", "made", "--json").out)["made"]
    labels = {one["uuid"] for one in farm.outputs.find({"name": "label"})}
    labels |= {one["uuid"] for one in farm.outputs.find({"output.energy_eV": {"$exists": True}})}
    assert len(labels) == 6 + 4
    assert latticefarm("export", "made", "archive").code == 0
    there = elsewhere()
    latticefarm("import", "made.crate.zip")
    after = json.loads(latticefarm("status", "made", "--json").out)["made"]
    assert after["counts"]["done"] == before["counts"]["done"] > 0
    assert sum(after["counts"].values()) == sum(before["counts"].values())
    files = load_spec("made.yaml").files
    assert len(files) == 2  # of the same name
    assert {sha256: there.read_file(sha256) for sha256 in files} == {sha256: path.read_bytes() for sha256, path in files.items()}
    said = json.loads(latticefarm("submit", "made.yaml", "--json").out)
    stages = {one["metadata"]["stage"] for one in there.launchpad.workflows.find({}, {"metadata": 1})}
    assert said["added"]
    assert stages == {"train"}
    assert {one["uuid"] for one in there.outputs.find({"output.energy_eV": {"$exists": True}})} == labels
