"""Why a table has no rows: nothing is done yet, or there is nothing that could come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.planning.work import is_model
from campaign.results.tables.agreement import levels_of_both
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.settings import TrainingTask

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

NOT_YET = "nothing yet"
_OF_WHAT_IS_LOST = ("set-aside", "failures", "gaps")


def why_empty(table: str, campaign: Outcomes) -> str:
    """What to say of the empty table of that name: `nothing yet`, `none`, or what the campaign does not ask for."""
    if table in _OF_WHAT_IS_LOST:
        return "none"
    if table == "vibrations" and campaign.spec.dynamics is None:
        return "not asked for, as the campaign has no dynamics"
    if table == "frozen" and not any(one.frozen_phonon for one in campaign.spec.systems.values()):
        return "not asked for, as no system has a frozen_phonon"
    if table == "reference" and not _has_references(campaign):
        return "nothing to compare with, as no system has a level with direct phonons, a reference of phonopy or a frozen_phonon"
    if table == "agreement" and not levels_of_both(campaign.spec.models):
        return "not asked for, as no level has a difference by MACE (hf-dft) and by force constants (hf-dft_fc)"
    if table == "learning" and _holds_nothing_out(campaign):
        return "nothing is held out, as no size of training.sizes leaves a structure"
    return NOT_YET


def _has_references(campaign: Outcomes) -> bool:
    direct = any(not is_model(work.model) for work in campaign.layout.of_stage("phonons"))
    return direct or any(one.reference or one.frozen_phonon for one in campaign.spec.systems.values())


def _holds_nothing_out(campaign: Outcomes) -> bool:
    tasks = [work.task for work in campaign.plan.of_stage("train")]
    return bool(tasks) and not any(isinstance(task, TrainingTask | ForceConstantTask) and task.test for task in tasks)
