"""docs/reference/mongodb.md says what a database really holds: collections, documents, every field of every record."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import time
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, table

from campaign.planning.stages import STAGES
from campaign.spec import load_spec
from campaign.steering.submit import submit
from flows import records
from flows.bulletins import Bulletin, News
from flows.keys import job_uuid
from flows.records import Record
from launchers.farm import Farm
from launchers.machines.allocations import Allocation
from launchers.machines.capacities import keep_classes
from launchers.machines.site import Site
from launchers.queue.debounce import debounced
from launchers.queue.processes import ProcessName
from launchers.queue.resources import Offer
from launchers.workers.heartbeats import SlotBeat

PAGE = PAGES["docs/reference/mongodb.md"]
SECTIONS = dict(re.findall(r"^#{2,3} `?(\w[^`\n]*?)`?\n(.*?)(?=^#{2,3} |\Z)", PAGE.text, re.MULTILINE | re.DOTALL))
RECORDS = {name: kind for name, kind in vars(records).items() if isinstance(kind, type) and issubclass(kind, Record)}
OF_FIREWORKS = {"workflows", "fireworks", "launches", "fw_gridfs.files", "fw_gridfs.chunks", "fw_id_assigner"}


def own_fields(kind: type[Record]) -> set[str]:
    """Those that a record has beside what it is made of."""
    (parent,) = (one for one in kind.__bases__ if issubclass(one, Record))
    return set(kind.model_fields) - set(parent.model_fields)


@pytest.fixture
def campaign(farm: Farm, tmp_path: Path, write_campaign: Callable[..., Path]) -> str:
    """A small campaign that was just submitted, a model that it asks for, and a call of `advance`."""
    loaded = load_spec(write_campaign(tmp_path))
    submit(farm, loaded)
    debounced(farm, lambda: None)
    farm.paces.insert_one({"_id": "phonons, dft_ef of copper", "count": 1, "total_s": 3.0})  # as a worker does
    SlotBeat(farm, ProcessName.mine(), offer=Offer(1, 4.0)).begins(1, 1)
    keep_classes(farm, "here", Site(scheduler="slurm", classes={"cpu": {"walltime": "1h", "cores": 4}}))  # type: ignore[dict-item]
    key = farm.launchpad.workflows.find_one({"metadata.stage": "train"})["metadata"]["key"]
    model = json.loads((Path(__file__).parent / "fossils" / "TrainedModel_v1.json").read_text())
    farm.store_records({job_uuid(key): model | {"key": key, "@class": "TrainedModel"}}, "train")
    return loaded.resolved.campaign


@pytest.mark.parametrize("name", sorted(RECORDS.keys() - {"Record"}))
def test_every_field_of_every_record_is_there_and_no_other(name: str) -> None:
    assert table(SECTIONS[name]).keys() == own_fields(RECORDS[name])


UNITS = ("_eV", "_meV", "_meV_A", "_meV_atom", "_eV_A", "_eV_A2", "_cm1", "_K", "_s", "_fs", "_A")


def holds_numbers(kind: Any) -> bool:
    """Whether a field of this type is a number that may have a unit, or holds some."""
    return kind is float or any(map(holds_numbers, typing.get_args(kind)))


def test_every_number_has_its_unit_in_its_name_or_on_the_page() -> None:
    listed = table(SECTIONS["Records"]).keys() - STAGES.keys()
    bare = {
        name
        for kind in RECORDS.values()
        for name, said in typing.get_type_hints(kind).items()
        if name in kind.model_fields and holds_numbers(said) and not name.endswith(UNITS)
    }
    assert len(bare) > 15
    assert bare <= listed
    assert listed - bare <= {"qpoints"}, "named, and no number"


def test_versions_are_those_that_the_page_says() -> None:
    assert "`schema_version` is 1 in every record there is" in PAGE.text
    assert {kind.model_fields["schema_version"].default for kind in RECORDS.values()} == {1}


def test_every_index_of_ours_is_on_the_page_and_there(farm: Farm) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (`.+?`) \| ", SECTIONS["Indexes"], re.MULTILINE)
    said = {(name, tuple(re.findall(r"`([^`]+)`", columns))) for name, columns in rows}
    assert len(said) == len(rows) == 22
    db = farm.launchpad.db
    there = {
        (name, tuple(column for column, _ in index["key"]))
        for name in db.list_collection_names()
        for index in db[name].index_information().values()
    }
    assert said <= there
    ours = {name for name, about in table(SECTIONS["Collections"]).items() if "latticefarm" in about or name in ("outputs", "blobs.files")}
    assert {one for one in there if one[0] in ours and one[1] != ("_id",) and "chunks" not in one[0]} <= said


def test_usual_questions_are_answered_by_an_index(farm: Farm) -> None:
    """As many records of others as there may be: the database must not read them."""
    farm.store_records({f"uuid-{number}": {"level": "dft", "key": str(number)} for number in range(3000)}, "label")
    farm.store_records({"wanted": {"@class": "Phonons", "system": "a", "model": "dft_ef"}}, "phonons a")
    farm.store_records({"hf": {"level": "hf"}}, "label")
    for asked in ({"output.@class": "Phonons", "output.system": "a", "output.model": "dft_ef"}, {"name": "label", "output.level": "hf"}):
        started = time.perf_counter()
        assert len(list(farm.outputs.find(asked, {"uuid": 1}))) == 1
        by_index = time.perf_counter() - started
        started = time.perf_counter()
        # the same answer by a question that no index begins with
        assert len(list(farm.outputs.find({"output.key": {"$exists": False}, **{f"output.{one}": {"$ne": 0} for one in ("level", "model")}}, {"uuid": 1}))) == 2
        assert by_index < (time.perf_counter() - started) / 3


def test_stages_deliver_what_the_page_says() -> None:
    rows = table(SECTIONS["Records"])
    assert {stage: re.findall(r"`(\w+)`", rows[stage])[0] for stage in STAGES} == {
        name: stage.record.__name__ for name, stage in STAGES.items()
    }


def test_collections(farm: Farm, campaign: str) -> None:
    rows = table(SECTIONS["Collections"])
    assert campaign
    found = set(farm.launchpad.db.list_collection_names())
    assert found <= rows.keys()
    # nothing that is ours is only on the page; blobs come with models, what is too large for the queue with large campaigns
    assert {name for name in rows if "latticefarm" in rows[name]} <= found
    assert {name for name in rows if "FireWorks" in rows[name]} == OF_FIREWORKS


def test_documents(farm: Farm, campaign: str) -> None:
    db = farm.launchpad.db
    of_jobflow = {"_id", "@module", "@class", "@version"}
    assert set(db.outputs.find_one({"name": "label"})) - of_jobflow == table(SECTIONS["outputs"]).keys()
    held = {"held", "notes"}  # of a campaign that somebody has steered
    assert set(db.campaigns.find_one({"_id": campaign})) | held == table(SECTIONS["campaigns"]).keys()
    waiting = db.plans.find_one({"stage": "sum"})
    assert set(waiting) == table(SECTIONS["plans"]).keys()
    assert set(db.classes.find_one()) == table(SECTIONS["classes"]).keys()
    assert set(db.heartbeats.find_one()) == table(SECTIONS["heartbeats"]).keys()
    bulletins: Any = farm.store.additional_stores["bulletins"]
    with Bulletin("work", bulletins, 0.01) as told:
        told.tell(News("epoch", 1, 2, {"epoch": [1]}))
        while (found := db.bulletins.find_one()) is None:
            time.sleep(0.01)
    assert set(found) - {"_id"} == {one.strip(" `") for row in table(SECTIONS["bulletins"]) for one in row.split(",")}
    parts = {"parts"}  # of labels by engines
    assert set(db.work.find_one()) | parts == table(SECTIONS["work"]).keys()
    workflow = db.workflows.find_one({"metadata.stage": "train"})
    metadata = {f"metadata.{name}" for name in workflow["metadata"]}
    named = table(SECTIONS["workflows"]).keys()
    assert {name for name in named if name.startswith("metadata.")} == metadata
    assert named - metadata <= set(workflow)


def test_allocations() -> None:
    fields = {one.name for one in dataclasses.fields(Allocation)}
    assert table(SECTIONS["allocations"]).keys() == fields - {"name"} | {"_id"}


def test_the_document_that_is_shown_has_fields_that_there_are() -> None:
    shown = json.loads(PAGE.blocks("json")[0])
    assert shown.keys() == table(SECTIONS["outputs"]).keys()
    output = shown["output"]
    fields = {name for name in output if not name.startswith("@")}
    assert fields <= set(RECORDS[output["@class"]].model_fields)
    assert output["@module"] == RECORDS[output["@class"]].__module__


def test_queries_name_fields_that_there_are() -> None:
    named = {name for text in PAGE.blocks("python") + PAGE.blocks("js") for name in re.findall(r"[\"$]output\.(\w+)", text)}
    assert len(named) > 6
    assert named <= {name for kind in RECORDS.values() for name in kind.model_fields}


def test_queries_run(farm: Farm, campaign: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign
    names: dict[str, Any] = {}
    for text in PAGE.blocks("python"):
        exec(text, names)
    assert names["db"].name == farm.launchpad.db.name
    assert names["waiting"] == farm.launchpad.workflows.count_documents({"metadata.stage": "train"}) > 0
    assert names["model"].blob.content() == b"a model"
    assert "TrainedModel 1 " in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("mongosh") is None, reason="no mongosh: npm install -g mongosh")
def test_queries_of_the_shell_run(farm: Farm, campaign: str) -> None:
    from launchers.database import ladder

    assert campaign
    found = ladder.find()
    assert found is not None
    (block,) = PAGE.blocks("js")
    shown = "".join(f"found = {line}; print(EJSON.stringify(found.toArray ? found.toArray() : found));\n" for line in block.splitlines())
    script = f"use({json.dumps(found.name)});\nlet found;\n{shown}"
    done = subprocess.run(["mongosh", found.uri, "--quiet", "--norc", "--eval", script], capture_output=True, text=True, timeout=120, check=True)
    models, kinds, waiting, failed = map(json.loads, done.stdout.splitlines())
    assert [one["output"]["model"] for one in models] == [farm.outputs.find_one({"output.@class": "TrainedModel"})["output"]["model"]]
    assert {one["_id"]: one["records"] for one in kinds}["TrainedModel"] == 1
    assert waiting == farm.launchpad.workflows.count_documents({"metadata.stage": "train"}) > 0
    assert failed == []


def test_a_marked_record_is_found_and_left_out(farm: Farm, campaign: str) -> None:
    assert campaign
    names: dict[str, Any] = {"db": farm.launchpad.db}
    every = farm.outputs.count_documents({})
    farm.mark({farm.outputs.find_one({"name": "label"})["uuid"]: "a-fault: what it is"})
    (text,) = (text for text in PAGE.blocks("python") if "sound = " in text)
    exec(text, names)
    assert names["wrong"] == ["a-fault: what it is"]
    assert farm.outputs.count_documents(names["sound"]) == every - 1
