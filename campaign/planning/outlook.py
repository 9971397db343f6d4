"""What forecasts say, in a sentence for each model by force constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from campaign.planning.plan import Plan
from campaign.planning.rounds import enough
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec, UntilSpec
from flows.records import Forecast, Reach
from flows.training.names import ModelName, level_title

Made = tuple[Work, Forecast]


class Outlook(NamedTuple):
    """What is said of a level, and whether it has a target."""

    text: str
    has_target: bool


def outlook(spec: ResolvedSpec, plan: Plan, made: Iterable[Made]) -> Iterator[Outlook]:
    """One for each system and model: by the forecast from most labels that there is, or that none is there yet."""
    last: dict[tuple[str, str], Forecast | None] = {(work.system, work.model): None for work in plan.of_stage("forecast")}
    for work, found in made:
        before = last.get((work.system, work.model))
        if before is None or found.labelled >= before.labelled:
            last[work.system, work.model] = found
    for (system, model), one in last.items():
        level = ModelName.parse(model).level
        until = spec.systems[system].levels[level].until
        if one is not None:
            said = _said(one, until, _asked(plan, system, level, one))
        elif plan.requests.get(system) is not None:
            said = "how many labels it takes is said when the level below it is labelled"
        else:
            continue
        yield Outlook(f"{level_title(level)} of {system}: {said}", until is not None)


def _asked(plan: Plan, system: str, level: str, found: Forecast) -> int:
    requests = plan.requests.get(system)
    labels = {} if requests is None else requests.labels.get(level, {})
    return len(labels) or found.pool


def _said(found: Forecast, until: UntilSpec | None, asked: int) -> str:
    noise = f"{found.noise_meV_atom:.2g} meV/atom of noise"
    if found.reached is not None:
        return f"{found.labelled} labels: {errors_text(found.reached)} ({noise}){_target(found, until)}"
    there = next((one for one in found.ahead if one.count >= asked), found.ahead[-1] if found.ahead else None)
    if there is None:
        return f"{found.pool} structures are too few; the smallest model needs {found.least} labels"
    return f"{there.count} labels would give {errors_text(there)}, with {noise} (assumed: the first labels measure it){_target(found, until)}"


def errors_text(one: Reach) -> str:
    """`all modes within 2.1 cm^-1, Γ within 1.8`: one standard error each."""
    gamma = "" if one.gamma_cm1 is None else f", Γ within {one.gamma_cm1:.1f}"
    return f"all modes within {one.modes_cm1:.1f} cm^-1{gamma}"


def _target(found: Forecast, until: UntilSpec | None) -> str:
    if until is None:
        return ""
    count = enough(found, until)
    if count is None:
        return f"; {until.modes_cm1:g} cm^-1 is out of reach with {found.pool} structures"
    if count < found.labelled:
        return f"; {count} would have been enough for {until.modes_cm1:g} cm^-1"
    reached = count == found.labelled
    return f"; {until.modes_cm1:g} cm^-1 {'is reached' if reached else f'takes about {count}'}"
