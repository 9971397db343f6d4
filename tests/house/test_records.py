"""Records are a database schema: old documents are read for ever, and no public name or path moves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import records
from flows.keys import digest, job_uuid
from flows.records import Record

FOSSILS = sorted((Path(__file__).parent / "fossils").glob("*.json"))
NAMES = {
    *("Record", "Blob", "Structure", "Label", "SetAside", "LabelSet", "LevelAudit", "Errors", "EpochRecord"),
    *("Baseline", "TrainedModelFacts", "TrainedModel", "SummedModel", "Bands", "DensityOfStates", "PhononFacts"),
    *("Phonons", "ImaginaryMode", "Failure", "NonAnalyticalTerm"),
    *("Spectrum", "HarmonicSpectrum", "Band", "MDStart", "Vibrations"),
    *("Drawn", "Sweep", "LabelledChunk", "UnstableModes"),
    *("FittedForceConstants", "TriedForceConstants", "LeftOut", "Forecast", "Reach", "LearningPoint"),
    "BornCharges",
}
# stored in the queue: a job whose path moved cannot be run any more
JOBS = {
    "flows.training.jobs": ("train", "add"),
    "flows.labelling.jobs": ("label", "born"),
    "flows.forecast.jobs": ("forecast",),
    "flows.labelling.sampling.jobs": ("sweep",),
    "flows.phonons.jobs": ("phonons", "direct_phonons"),
    "flows.dynamics.jobs": ("vibrations",),
    "flows.toys": ("toy",),
    "campaign.submit": ("advance", "bring"),
}
TASKS = {
    "flows.training.settings": ("TrainingTask", "SummingTask", "TrainingSettings"),
    "flows.training.force_constants.settings": ("ForceConstantTask", "ForceConstantSettings"),
    "flows.forecast.settings": ("ForecastTask",),
    "flows.labelling.engines.task": ("LabelTask", "LabelItem", "BornTask"),
    "flows.labelling.sampling.settings": ("SweepTask", "SweepSettings"),
    "flows.phonons.settings": ("PhononTask", "DirectPhononTask", "PhononSettings"),
    "flows.dynamics.settings": ("DynamicsTask", "DynamicsSettings", "VibrationSettings"),
}


def record_classes() -> dict[str, type[Record]]:
    return {
        name: found
        for name, found in vars(records).items()
        if inspect.isclass(found) and issubclass(found, Record)
    }


def read(path: Path) -> tuple[type[Record], dict]:
    return getattr(records, path.stem.split("_v")[0]), json.loads(path.read_text())


def test_public_names() -> None:
    assert set(record_classes()) >= NAMES


def test_every_record_is_reached_from_the_package() -> None:
    """Stored documents name a class by the module it was in when they were stored: the package names them all."""
    assert set(records.__all__) >= set(subclasses(Record))


@pytest.mark.parametrize("module", ["flows.records", "flows.records.labels"])
def test_a_class_path_of_then_and_of_now_is_read(module: str) -> None:
    from monty.json import MontyDecoder

    label_set = {"key": "k", "system": "lih", "labels": {}, "forces": {}}
    found = MontyDecoder().process_decoded({"@module": module, "@class": "LabelSet", **label_set})
    assert found == records.LabelSet(**label_set)


def subclasses(kind: type[Record]) -> Iterator[str]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("flows.records"):
            yield one.__name__
        yield from subclasses(one)


def test_each_record_has_a_fossil() -> None:
    assert {path.stem.split("_v")[0] for path in FOSSILS} >= NAMES - {"Record"}


@pytest.mark.parametrize("path", FOSSILS, ids=lambda path: path.stem)
def test_old_documents_are_read(path: Path) -> None:
    """Every field of the fossil comes back with its value."""
    kind, document = read(path)
    found = kind.model_validate(document).model_dump(mode="json")
    assert {name: found.get(name) for name in document} == document


@pytest.mark.parametrize("path", FOSSILS, ids=lambda path: path.stem)
def test_documents_of_a_later_version_are_read(path: Path) -> None:
    kind, document = read(path)
    later = kind.model_validate(document | {"schema_version": 99, "a_field_of_the_future": {"of": ["any", "kind"]}})
    assert later.schema_version == 99
    assert "a_field_of_the_future" not in later.model_dump()


@pytest.mark.parametrize("path", FOSSILS, ids=lambda path: path.stem)
def test_a_fossil_is_a_whole_record(path: Path) -> None:
    """So that the next schema version is held to every field of this one."""
    kind, document = read(path)
    assert document["schema_version"] == 1
    assert set(document) <= set(kind.model_fields)


@pytest.mark.parametrize(("module", "names"), [*JOBS.items(), *TASKS.items()])
def test_import_paths_in_the_queue(module: str, names: tuple[str, ...]) -> None:
    from importlib import import_module

    found = import_module(module)
    assert all(callable(getattr(found, name)) for name in names)


def test_a_job_is_stored_under_its_frozen_path() -> None:
    from flows.toys import ToyTask, toy

    document = toy(ToyTask(key="k")).as_dict()
    assert document["function"] == {"@module": "flows.toys", "@callable": "toy", "@bound": None}


def test_keys_and_uuids_are_for_ever() -> None:
    assert digest("task", 1, b=1.5, a=["x", None]) == "4518ddd1845cd9f50ba08b2a3ace1777096f72a4"
    assert job_uuid("0" * 40) == "2190f966-5591-5569-ada9-2e60912fc880"
