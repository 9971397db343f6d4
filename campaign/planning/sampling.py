"""The MD that draws the structures of a system, as a piece of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaign.planning.knowledge import Knowledge
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec, ResolvedSystem
from campaign.spec.labelling import ModelChoice, SweepSpec
from flows.keys import digest
from flows.labelling.engines.known import EngineChoice
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.sampling.settings import SweepTask


def sampling(spec: ResolvedSpec, system: str, above: Mapping[str, Work], known: Knowledge) -> list[Work]:
    """The sweep that `system` asks for, if any; a model that moves its atoms is of the work `above`."""
    cells = spec.systems[system]
    sweep = cells.sampling.sweep if cells.sampling is not None else None
    if sweep is None:
        return []
    if sweep.level is not None:
        engine = _engine(cells, sweep.level)
        before = engine.by_path()
        if before is not None and engine_sweep_key(cells, sweep, sweep.level, before) in known.by_path:
            engine = before
        key = engine_sweep_key(cells, sweep, sweep.level, engine)
        return [_work(key, system, cells, sweep, engine=engine)]
    assert sweep.model is not None
    needs = _models(sweep.model, above)
    return [_work(_key(cells, sweep, list(needs)), system, cells, sweep, needs)] if needs else []


def engine_sweep_key(cells: ResolvedSystem, sweep: SweepSpec, level: str, engine: EngineSettings) -> str:
    """The key of a sweep that `engine` moves at `level`."""
    return _key(cells, sweep, engine.identity_of(cells.method(level), True))


def by_path(spec: ResolvedSpec, system: str) -> str | None:
    """The key of the sweep of `system` if files that its engine reads were known by their paths; None: that is no other."""
    cells = spec.systems[system]
    sweep = cells.sampling.sweep if cells.sampling is not None else None
    if sweep is None or sweep.level is None:
        return None
    before = _engine(cells, sweep.level).by_path()
    return None if before is None else engine_sweep_key(cells, sweep, sweep.level, before)


def _engine(cells: ResolvedSystem, level: str) -> EngineChoice:
    return cells.engines[cells.levels[level].engine or ""]


def _key(cells: ResolvedSystem, sweep: SweepSpec, potential: Any) -> str:
    settings = sweep.settings().identity()
    return digest("sweep", 1, structure=cells.training.key(), settings=settings, potential=potential)


def _work(
    key: str,
    system: str,
    cells: ResolvedSystem,
    sweep: SweepSpec,
    needs: tuple[str, ...] = (),
    engine: EngineChoice | None = None,
) -> Work:
    mover: dict[str, Any] = {} if engine is None or sweep.level is None else {"engine": engine, "level": cells.method(sweep.level)}
    task = SweepTask(key=key, system=system, structure=cells.training, settings=sweep.settings(), **mover)
    model = sweep.level or (sweep.model.model if sweep.model is not None else "")
    return Work(key, "sample", system, model, None, "", needs, task)


def _models(choice: ModelChoice, above: Mapping[str, Work]) -> tuple[str, ...]:
    """The keys of the models that make up a potential: those that its phonons need."""
    for work in above.values():
        if work.stage == "phonons" and all(getattr(work, name) == value for name, value in choice):
            return work.needs
    return ()
