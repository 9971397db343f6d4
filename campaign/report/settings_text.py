"""Every setting of every kind of work, once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from campaign.planning.plan import Work
from campaign.planning.work import is_model
from campaign.report.titles import listed, title_of
from campaign.results.campaign import Campaign
from campaign.spec.campaign import ResolvedSystem
from flows.dynamics.settings import DynamicsTask
from flows.phonons.settings import PhononTask
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.settings import TrainingTask


def settings(campaign: Campaign) -> Iterator[tuple[str, str]]:
    """Engines and sampling, then those of the work; work with the same settings is named together."""
    found: dict[str, list[str]] = {}
    for name, cells in campaign.spec.systems.items():
        for about, one in _of_labels(name, cells):
            _note(found, about, one)
    for work in campaign.plan.work.values():
        about, asked = _of_work(work)
        if asked is not None:
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
        case TrainingTask() | ForceConstantTask():
            return f"training of {title}, {work.system}", work.task.settings
        case PhononTask():
            itself = "" if is_model(work.model) else " itself"
            return f"phonons of {title}{itself}, {work.system}", work.task.settings
        case DynamicsTask():
            return f"MD of {title}, {work.system}", {
                "dynamics": work.task.dynamics, "vibrations": work.task.vibrations
            }
        case _:
            return f"{work.stage} of {title}, {work.system}", getattr(work.task, "settings", None)


def _note(found: dict[str, list[str]], about: str, asked: BaseModel | Mapping[str, BaseModel]) -> None:
    plain: Any = (
        asked.model_dump(mode="json")
        if isinstance(asked, BaseModel)
        else {name: one.model_dump(mode="json") for name, one in asked.items()}
    )
    names = found.setdefault(json.dumps(plain, ensure_ascii=False), [])
    if about not in names:
        names.append(about)
