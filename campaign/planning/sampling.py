"""The MD that draws the structures of a system, as a piece of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from campaign.spec.labelling import ModelChoice
from flows.keys import digest
from flows.labelling.sampling.settings import SweepTask


def sampling(spec: ResolvedSpec, system: str, above: Mapping[str, Work]) -> list[Work]:
    """The sweep that `system` asks for, if any; a model that moves its atoms is of the work `above`."""
    cells = spec.systems[system]
    sweep = cells.sampling.sweep if cells.sampling is not None else None
    if sweep is None:
        return []
    needs: tuple[str, ...] = ()
    mover: dict[str, Any] = {}
    if sweep.level is not None:
        engine = cells.engines[cells.levels[sweep.level].engine or ""]
        mover = {"engine": engine, "level": sweep.level}
        potential: Any = engine.identity_of(sweep.level, True)
    else:
        assert sweep.model is not None
        needs = _models(sweep.model, above)
        if not needs:
            return []
        potential = list(needs)
    settings = sweep.settings()
    key = digest("sweep", 1, structure=cells.training.key(), settings=settings.identity(), potential=potential)
    task = SweepTask(key=key, system=system, structure=cells.training, settings=settings, **mover)
    model = sweep.level or (sweep.model.model if sweep.model is not None else "")
    return [Work(key, "sample", system, model, None, "", needs, task)]


def _models(choice: ModelChoice, above: Mapping[str, Work]) -> tuple[str, ...]:
    """The keys of the models that make up a potential: those that its phonons need."""
    for work in above.values():
        if work.stage == "phonons" and all(getattr(work, name) == value for name, value in choice):
            return work.needs
    return ()
