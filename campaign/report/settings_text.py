"""What was asked for: every setting of every kind of work, once, and what of it is not done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from campaign.planning.plan import Work
from campaign.report.engines import listed
from campaign.report.harvest import Harvest, is_model, title_of
from campaign.results.campaign import Campaign
from campaign.spec.campaign import ResolvedSystem
from campaign.steering.status import State
from flows.dynamics.settings import DynamicsTask
from flows.phonons.settings import PhononTask
from flows.training.settings import TrainingTask


def missing(harvest: Harvest) -> Iterator[str]:
    """Work that is asked for and not done: the seeds of a model, the structures of labels, phonons of a level."""
    works = harvest.campaign.plan.work
    left: dict[str, list[tuple[Work, str]]] = {}
    for key, state in harvest.states.items():
        if state != State.DONE:
            left.setdefault(_kind(works[key]), []).append((works[key], state))
    lost = Counter(one.work.key for one in harvest.campaign.failures())
    for kind, found in left.items():
        yield f"{kind}: {_parts(found, lost)}"


def _kind(work: Work) -> str:
    match work.stage:
        case "label":
            levels, _, engine = work.model.partition(" by ")
            return f"label {listed(map(title_of, levels.split(', ')))} of {work.system} by {engine}"
        case "sample":
            return f"draw structures of {work.system} by MD with {title_of(work.model)}"
        case _ if not is_model(work.model):
            return f"{work.stage} of {title_of(work.model)} itself, {work.system}"
        case _:
            return f"{work.stage} {title_of(work.model)} of {work.system}, {work.size}"


def _parts(found: Iterable[tuple[Work, str]], lost: Mapping[str, int]) -> str:
    """`seed 861 (failed)`; of labels `6 structures (running), 1 label (failed)`; else the state."""
    counted: Counter[tuple[str, str]] = Counter()
    seeds, states = [], []
    for work, state in found:
        if work.stage == "label":
            failed = state == State.FAILED  # of a job that failed most labels may be there
            counted["label" if failed else "structure", state] += lost[work.key] if failed else work.count
        elif work.seed is not None:
            seeds.append(f"{work.seed} ({state})")
        else:
            states.append(state)
    numbers = [
        f"{count} {what}{'' if count == 1 else 's'} ({state})" for (what, state), count in counted.items()
    ]
    return ", ".join([*numbers, *([f"seed {', '.join(seeds)}"] if seeds else []), *states])


def settings(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Engines and sampling, then those of the work; work with the same settings is named together."""
    found: dict[str, list[str]] = {}
    for name, cells in campaign.spec.systems.items():
        for about, one in _of_labels(name, cells):
            _note(found, about, one)
    for work in campaign.plan.work.values():
        about, asked = _of_work(work)
        if about:
            _note(found, about, asked)
    for text, names in found.items():
        yield "; ".join(names), text


def _of_labels(name: str, cells: ResolvedSystem) -> Iterator[tuple[str, Any]]:
    for engine, one in cells.engines.items():
        levels = listed(title_of(level) for level, asked in cells.levels.items() if asked.engine == engine)
        yield f"labels of {levels} by {engine}, {name}", one
    if cells.sampling is not None:
        yield f"structures to label, {name}", cells.sampling
    if cells.frozen_phonon is not None:
        yield f"frozen phonons, {name}", cells.frozen_phonon


def _of_work(work: Work) -> tuple[str, Any]:
    title = title_of(work.model)
    match work.task:
        case TrainingTask():
            return f"training of {title}, {work.system}", work.task.settings
        case PhononTask():
            itself = "" if is_model(work.model) else " itself"
            return f"phonons of {title}{itself}, {work.system}", work.task.settings
        case DynamicsTask():
            return f"MD of {title}, {work.system}", {
                "dynamics": work.task.dynamics, "vibrations": work.task.vibrations
            }
        case _:
            return "", None


def _note(found: dict[str, list[str]], about: str, asked: BaseModel | Mapping[str, BaseModel]) -> None:
    plain: Any = (
        asked.model_dump(mode="json")
        if isinstance(asked, BaseModel)
        else {name: one.model_dump(mode="json") for name, one in asked.items()}
    )
    names = found.setdefault(json.dumps(plain, ensure_ascii=False), [])
    if about not in names:
        names.append(about)
