"""The engines of a system, and what is known beforehand that they cannot do for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from campaign.spec.engine_files import EngineFiles
from campaign.spec.errors import Loc
from campaign.spec.parts import LevelSpec, SystemSpec
from flows.labelling.engines.known import EngineChoice

if TYPE_CHECKING:
    from ase import Atoms

    from campaign.spec.campaign import CampaignSpec

Unfit = list[tuple[Loc, str]]  # where in the campaign, and why


def engines_of(
    name: str, system: SystemSpec, spec: CampaignSpec, training: Atoms, files: EngineFiles
) -> tuple[dict[str, EngineChoice], Unfit]:
    """The engines that the levels of the system `name` name (the functional of a level is that of its engine) with
    their `files`, and what they cannot do in its `training` cell."""
    named = {**spec.engines, **system.engines}
    found: dict[str, EngineChoice] = {}
    unfit: Unfit = []
    for level, one in system.levels.items():
        if one.engine is None:
            continue
        engine = found.get(one.engine, named[one.engine])
        try:
            found[one.engine] = _with_functional(engine, one)
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            unfit.append((("systems", name, "levels", level, "functional"), message))
    for engine_name, engine in found.items():
        levels = {level: one.forces for level, one in system.levels.items() if one.engine == engine_name}
        if engine.time_limit_s is not None and engine.time_limit_s <= 0:
            why = f"should be greater than 0, got {engine.time_limit_s:g}: no structure would be done in time"
            unfit.append((_place(name, system, engine_name, "time_limit_s"), why))
        place = _place(name, system, engine_name, "")[:-1]
        found[engine_name] = given = files.resolved(engine.for_elements(set(training.symbols)).pinned(), place)
        for key, why in files.on_this_machine(given).troubles(training, levels):
            unfit.append((_place(name, system, engine_name, key), why))
        for key, what in given.lacking():
            files.note((*place, key), what)
    return found, unfit


def _with_functional(engine: EngineChoice, level: LevelSpec) -> EngineChoice:
    if level.functional is None or "functional" not in type(engine).model_fields:
        return engine
    return type(engine).model_validate({**engine.model_dump(), "functional": level.functional})


def _place(name: str, system: SystemSpec, engine: str, key: str) -> Loc:
    """Where a setting of an engine was written: at a level, in the system, or for all of the campaign."""
    if key == "functional":
        for level, one in system.levels.items():
            if one.engine == engine and one.functional is not None:
                return ("systems", name, "levels", level, "functional")
    return ("systems", name, "engines", engine, key) if engine in system.engines else ("engines", engine, key)
