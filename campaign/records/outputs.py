"""Parts of stored records, by the keys of what they are of, without the rest of the documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from campaign.planning.retraining import EarlierTraining
from campaign.planning.work import Coordinates
from flows.keys import job_uuid
from launchers.farm import Farm


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


def earlier_trainings(farm: Farm, systems: Iterable[str]) -> list[EarlierTraining]:
    """The models of systems of these names that any campaign has trained."""
    places = {
        one["metadata"]["key"]: Coordinates(*(one["metadata"].get(name) for name in Coordinates._fields))
        for one in farm.find(farm.launchpad.workflows, "metadata.system", systems, {"metadata": 1, "_id": 0})
        if one["metadata"].get("stage") == "train"
    }
    return [
        EarlierTraining(key, places[key], found["settings"], found["train_count"])
        for key, found in fields(farm, places, "settings", "train_count").items()
        if found["settings"]
    ]


def wall_times_s(farm: Farm, keys: Iterable[str]) -> dict[str, float]:
    """What each stored record has cost, by key."""
    return {key: found["wall_time_s"] or 0.0 for key, found in fields(farm, keys, "wall_time_s").items()}
