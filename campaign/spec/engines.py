"""The engines of a system, and what is known beforehand that they cannot do for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from campaign.spec.engine_files import EngineFiles
from campaign.spec.errors import Loc
from campaign.spec.levels import method_of
from campaign.spec.parts import LevelSpec, SystemSpec
from flows.labelling.engines.known import EngineChoice
from flows.labelling.engines.protocol import BORN

if TYPE_CHECKING:
    from ase import Atoms

    from campaign.spec.campaign import CampaignSpec

Unfit = list[tuple[Loc, str]]  # where in the campaign, and why


class Computed(NamedTuple):
    """By which engine the labels of a level are computed, and what that computes."""

    engine: str
    method: str


def computed_levels(name: str, system: SystemSpec, spec: CampaignSpec) -> tuple[dict[str, Computed], Unfit]:
    """Of the levels of the system `name` that name an engine: an engine with several functionals is one for each of them,
    the further ones called after theirs. And those that ask for the labels of another level."""
    named = {**spec.engines, **system.engines}
    of_functional: dict[str, list[str]] = {}
    found: dict[str, Computed] = {}
    unfit: Unfit = []
    for level, one in system.levels.items():
        if one.engine is None:
            continue
        method = method_of(level, one.method, one.functional, named[one.engine].levels())
        assert method is not None  # `refuse_unfit`
        engine = one.engine
        if method == "dft" and (functional := _functional(named[engine], one)) is not None:
            several = of_functional.setdefault(engine, [])
            if functional not in several:
                several.append(functional)
            if functional != several[0]:
                engine = f"{engine}_{re.sub(r'[^a-z0-9+-]+', '_', functional)}"
        new = Computed(engine, method)
        if twice := next((other for other, before in found.items() if before == new), None):
            why = f"{one.engine} computes {method} for {twice} already: {level} would be the same labels; remove one, or say how they differ"
            unfit.append((("systems", name, "levels", level, "engine"), why))
        found[level] = new
    return found, unfit


def engines_of(
    name: str, system: SystemSpec, spec: CampaignSpec, cells: tuple[Atoms, Atoms], files: EngineFiles
) -> tuple[dict[str, EngineChoice], Unfit]:
    """The engines that the levels of the system `name` name (the functional of a level is that of its engine), and its `nac`,
    with their `files`, and what they cannot do in its training and its primitive cell, the `cells`."""
    training, primitive = cells
    named = {**spec.engines, **system.engines}
    found: dict[str, EngineChoice] = {}
    asked, unfit = computed_levels(name, system, spec)
    for level, (engine_name, _) in asked.items():
        one = system.levels[level]
        engine = found.get(engine_name, named[one.engine or ""])
        try:
            found[engine_name] = _with_functional(engine, one)
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            unfit.append((("systems", name, "levels", level, "functional"), message))
    born = system.nac.engine if system.nac is not None else None
    if born is not None:
        found.setdefault(born, named[born])
    for engine_name, engine in found.items():
        mine = [level for level, one in asked.items() if one.engine == engine_name]
        levels = {asked[level].method: system.levels[level].forces for level in mine}
        if engine.time_limit_s is not None and engine.time_limit_s <= 0:
            why = f"should be greater than 0, got {engine.time_limit_s:g}: no structure would be done in time"
            unfit.append((_place(name, system, mine, "time_limit_s", born), why))
        place = _place(name, system, mine, "", born)[:-1]
        found[engine_name] = given = files.resolved(engine.for_elements(set(training.symbols)).pinned(), place)
        asked_of = [(training, levels)] if levels else []
        if engine_name == born:
            asked_of.append((primitive, {BORN: False}))
            if mesh := getattr(given, "kpoints", None):
                files.note((*place, "kpoints"), f"{' x '.join(map(str, mesh))} are those of the primitive cell too, for nac; kspacing_per_A gives each cell its own")
        for atoms, wanted in asked_of:
            for key, why in files.on_this_machine(given).troubles(atoms, wanted):
                unfit.append((_place(name, system, mine, key, born), why))
        for key, what in given.lacking({one for _, wanted in asked_of for one in wanted}):
            files.note((*place, key), what)
    return found, unfit


def _functional(engine: EngineChoice, level: LevelSpec) -> str | None:
    """That of a level of DFT; None where an engine has no such setting."""
    own = getattr(engine, "functional", None)
    return None if own is None else (level.functional or own).strip().lower()


def _with_functional(engine: EngineChoice, level: LevelSpec) -> EngineChoice:
    if level.functional is None or "functional" not in type(engine).model_fields:
        return engine
    return type(engine).model_validate({**engine.model_dump(), "functional": level.functional})


def _place(name: str, system: SystemSpec, levels: Sequence[str], key: str, born: str | None = None) -> Loc:
    """Where a setting of the engine of `levels` (none: that called `born`) was written: at one of them, in the system, or for all of the campaign."""
    if key == "functional":
        for level in levels:
            if system.levels[level].functional is not None:
                return ("systems", name, "levels", level, "functional")
    engine = (system.levels[levels[0]].engine if levels else born) or ""
    return ("systems", name, "engines", engine, key) if engine in system.engines else ("engines", engine, key)
