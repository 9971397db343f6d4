"""What `latticefarm plan --show KEY` prints: of a job what it is told, of a label what its program reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.cli.errors import UsageError

if TYPE_CHECKING:
    from campaign.planning.plan import Plan
    from campaign.spec import ResolvedSpec
    from flows.settings import Settings


def shown(spec: ResolvedSpec, plan: Plan, start: str) -> dict[str, Any]:
    """Of the one key that starts with `start`, for JSON.

    Raises:
        UsageError: none does, or several do.
    """
    labels = {label: system for system, asked in plan.requests.items() for label in asked.places}
    found = [key for key in (*plan.work, *labels) if key.startswith(start)]
    if len(found) != 1:
        raise UsageError(f"{start!r} starts {len(found)} keys of this campaign; `plan --json` lists them")
    (key,) = found
    return _job(plan, key) if key in plan.work else _label(spec, plan, key, labels[key])


def lines(about: dict[str, Any]) -> Iterator[str]:
    """A label and what its program reads, to be read."""
    yield about["title"]
    if not about["inputs"]:
        yield "its engine reads no files"
    for name, text in about["inputs"].items():
        yield from (f"--- {name}", text.rstrip())


def _job(plan: Plan, key: str) -> dict[str, Any]:
    work = plan.work[key]
    about: dict[str, Any] = {"title": work.title, "needs": list(work.needs), "task": work.task.model_dump(mode="json")}
    if work.parts:
        about["labels"] = list(work.parts)
    if inputs := _first_inputs(work.task):
        about["inputs"] = inputs
    return about


def _first_inputs(task: Settings) -> dict[str, str]:
    """What the engine of a job reads for the first of its structures."""
    from flows.labelling.engines.protocol import BORN
    from flows.labelling.engines.task import BornTask, LabelTask
    from flows.labelling.sampling.settings import SweepTask

    if isinstance(task, LabelTask) and task.items:
        first = task.items[0]
        return task.engine.input_files(first.structure.atoms(), list(first.levels))
    if isinstance(task, BornTask):
        return task.engine.input_files(task.primitive.atoms(), [BORN])
    if isinstance(task, SweepTask) and task.engine is not None and task.level is not None:
        if task.engine.moves(task.level):
            from flows.labelling.sampling.stretches import beginning

            atoms, stretch = beginning(task)
            return task.engine.input_files(atoms, [task.level], stretch)
        return task.engine.input_files(task.structure.atoms(), [task.level])
    return {}


def _label(spec: ResolvedSpec, plan: Plan, key: str, system: str) -> dict[str, Any]:
    asked = plan.requests[system]
    structure, level = asked.places[key]
    cells = spec.systems[system]
    engine = cells.engines[cells.levels[level].engine or ""]
    return {
        "title": f"label {level} of {system}, {asked.name(structure)}, by {engine.text(level)}",
        "key": key,
        "structure_key": structure,
        "inputs": engine.input_files(asked.structures[structure].atoms(), [level]),
    }
