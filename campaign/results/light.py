"""Records as tables need them: without what is drawn, or is long, which the database leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pydantic import Field

from campaign.planning.work import Work
from campaign.results.result import Result
from flows.keys import job_uuid
from flows.records import Bands, DensityOfStates, PhononFacts, Record, TrainedModelFacts
from launchers.farm import Farm

R = TypeVar("R", bound=Record)

_NO_BANDS = Bands(labels=(), qpoints=(), distances=(), frequencies_cm1=())
_NO_STATES = DensityOfStates(frequencies_cm1=(), total=(), mesh=(1, 1, 1))
_DRAWN = {"bands", "dos", "imaginary"}
_PREDICTED = "predictions_eV"
_LONG = {"learning_curve", _PREDICTED, "settings", "versions"}


class UndrawnPhonons(PhononFacts):
    """Phonons whose bands and densities of states are empty, as they were not read."""

    bands: Bands = Field(default_factory=lambda: _NO_BANDS)  # a default would be copied deeply, each time
    dos: DensityOfStates = Field(default_factory=lambda: _NO_STATES)


def light_phonons(farm: Farm, works: Iterable[Work]) -> list[Result[PhononFacts]]:
    """Those that are there, undrawn; records of before version 0.2 are read whole, as they do not count unstable modes."""
    wanted = {job_uuid(work.key): work for work in works}
    found: dict[str, PhononFacts] = {
        uuid: UndrawnPhonons.model_validate(one)
        for uuid, one in farm.parts_of_records(wanted, PhononFacts.model_fields.keys() - _DRAWN).items()
    }
    old = farm.records(uuid for uuid, one in found.items() if one.unstable is None)
    found |= {uuid: PhononFacts.model_validate(one) for uuid, one in old.items()}
    return _in_order(wanted, found)


def light_trainings(farm: Farm, works: Iterable[Work], *, predicted: bool = False) -> list[Result[TrainedModelFacts]]:
    """Those that are there, without learning curves, settings, versions, and predictions unless these are asked for."""
    wanted = {job_uuid(work.key): work for work in works}
    left_out = _LONG - {_PREDICTED} if predicted else _LONG
    stored = farm.parts_of_records(wanted, TrainedModelFacts.model_fields.keys() - left_out)
    return _in_order(wanted, {uuid: TrainedModelFacts.model_validate(one) for uuid, one in stored.items()})


def _in_order(wanted: dict[str, Work], found: dict[str, R]) -> list[Result[R]]:
    return [Result(work, found[uuid]) for uuid, work in wanted.items() if uuid in found]
