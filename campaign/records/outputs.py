"""Parts of stored records, by the keys of what they are of, without the rest of the documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from campaign.planning.retraining import EarlierTraining
from campaign.planning.work import Coordinates
from flows.delivery import MADE_ON, PROCESSOR_S
from flows.keys import job_uuid
from flows.labelling.engines.known import EngineChoice
from flows.labelling.engines.protocol import EngineSettings
from launchers.farm import Farm
from launchers.queue.endings import as_time
from launchers.queue.launchpad import delivering

_ENGINE: TypeAdapter[EngineSettings] = TypeAdapter(EngineChoice)


def fields(farm: Farm, keys: Iterable[str], *names: str) -> dict[str, dict[str, Any]]:
    """The fields `names` of the stored records of `keys`, by key; a field that a record lacks is None."""
    by_uuid = {job_uuid(key): key for key in keys}
    projection = {"uuid": 1, "_id": 0, **{f"output.{name}": 1 for name in names}}
    return {
        by_uuid[one["uuid"]]: {name: one.get("output", {}).get(name) for name in names}
        for one in farm.find(farm.outputs, "uuid", by_uuid, projection)
    }


def label_energies(farm: Farm, keys: Iterable[str]) -> dict[str, float]:
    """Energies of labels (eV by label key), without their structures."""
    return {key: found["energy_eV"] for key, found in fields(farm, keys, "energy_eV").items()}


class Moment(NamedTuple):
    """When a label was stored (Unix time), what it took, and its level."""

    at_s: float
    took_s: float
    level: str


def label_moments(farm: Farm, keys: Iterable[str]) -> dict[str, Moment]:
    """Of each stored label, by key."""
    by_uuid = {job_uuid(key): key for key in keys}
    projection = {"_id": 0, "uuid": 1, "completed_at": 1, "output.level": 1, "output.wall_time_s": 1}
    found = {}
    for one in farm.find(farm.outputs, "uuid", by_uuid, projection):
        at = as_time(one["completed_at"])
        assert at is not None
        label = one["output"]
        found[by_uuid[one["uuid"]]] = Moment(at.timestamp(), label.get("wall_time_s") or 0.0, label.get("level", ""))
    return found


def label_sources(farm: Farm, keys: Iterable[str]) -> dict[str, str]:
    """File and frame of published labels, by label key."""
    return {key: found["source"] for key, found in fields(farm, keys, "source").items() if found["source"]}


def earlier_trainings(farm: Farm, systems: Iterable[str]) -> list[EarlierTraining]:
    """The models of systems of these names that any campaign has trained."""
    places = {
        one["metadata"]["key"]: Coordinates(*(one["metadata"].get(name) for name in Coordinates._fields))
        for one in farm.find(farm.launchpad.workflows, "metadata.system", systems, {"metadata": 1, "_id": 0})
        if one["metadata"].get("stage") == "train"
    }
    asked = dict.fromkeys(("key", "stage", *Coordinates._fields), 1)
    for one in farm.find(farm.plans, "system", systems, asked):  # of a campaign that was imported: no queue has ever had it
        if one["stage"] == "train":
            places.setdefault(one["key"], Coordinates(*(one[name] for name in Coordinates._fields)))
    return [
        EarlierTraining(key, places[key], found["settings"], found["train_count"])
        for key, found in fields(farm, places, "settings", "train_count").items()
        if found["settings"]
    ]


def earlier_engines(farm: Farm, systems: Iterable[str]) -> dict[str, list[EngineSettings]]:
    """The settings of the engines that any campaign was given for systems of these names, by system, each once."""
    fields = {"metadata": 1, "nodes": 1, "_id": 0}
    jobs = {
        delivering(one): one["metadata"]["system"]
        for one in farm.find(farm.launchpad.workflows, "metadata.system", systems, fields)
        if one["metadata"].get("stage") == "label"
    }
    found: dict[str, dict[str, EngineSettings]] = {}
    # of the jobs their settings alone: their structures are large
    projection = {"fw_id": 1, "spec._tasks.job.function_args.engine": 1}
    for one in farm.find(farm.launchpad.fireworks, "fw_id", jobs, projection):
        for engine in _engines(one):
            found.setdefault(jobs[one["fw_id"]], {})[engine.model_dump_json()] = engine
    return {system: list(engines.values()) for system, engines in found.items()}


def _engines(firework: dict[str, Any]) -> Iterator[EngineSettings]:
    for task in firework.get("spec", {}).get("_tasks", ()):
        for argument in task.get("job", {}).get("function_args", ()):
            try:
                yield _ENGINE.validate_python(argument["engine"])
            except (KeyError, ValidationError):
                continue  # of another version: it explains nothing


def stored(farm: Farm, keys: Iterable[str]) -> set[str]:
    """Those of `keys` whose records are there."""
    by_uuid = {job_uuid(key): key for key in keys}
    return {by_uuid[uuid] for uuid in farm.delivered(by_uuid)}


def wall_times_s(farm: Farm, keys: Iterable[str]) -> dict[str, float]:
    """What each stored record has cost, by key."""
    return {key: found["wall_time_s"] or 0.0 for key, found in fields(farm, keys, "wall_time_s").items()}


class Cost(NamedTuple):
    """What a stored record has taken: seconds of wall time, and of all processors, where its job said so."""

    wall_s: float
    processor_s: float | None


def costs(farm: Farm, keys: Iterable[str]) -> dict[str, Cost]:
    """Of each stored record, by key."""
    by_uuid = {job_uuid(key): key for key in keys}
    told = f"metadata.{MADE_ON}.{PROCESSOR_S}"
    projection = {"uuid": 1, "_id": 0, "output.wall_time_s": 1, told: 1}
    return {
        by_uuid[one["uuid"]]: Cost(
            one.get("output", {}).get("wall_time_s") or 0.0, one.get("metadata", {}).get(MADE_ON, {}).get(PROCESSOR_S)
        )
        for one in farm.find(farm.outputs, "uuid", by_uuid, projection)
    }
