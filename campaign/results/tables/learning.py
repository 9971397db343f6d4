"""Learning curves: errors on one common holdout, so that sizes differ in what they saw and in nothing else.

The holdout of a model is what no size of it has seen, of those sizes that leave something to test on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from campaign.planning.plan import Work
from campaign.records.outputs import label_energies
from campaign.results.columns import Column, Table
from campaign.results.tables.places import KEY, LEARNED, MODEL, SEED, SIZE, SYSTEM, TITLE, VERDICT, place
from flows.records import LabelSet
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.names import ModelName
from flows.training.settings import SummingTask, TrainingTask
from flows.training.sums import summed_energy_eV

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes


@dataclass(frozen=True)
class _Tested:
    """A model that has a test set, done: its plan, predictions (eV by structure key), atoms and verdict."""

    work: Work
    predictions: Mapping[str, float]
    atoms: int
    facts: dict[str, Any]


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    targets = _targets(campaign)
    for one in _tested(campaign):
        if holdout := targets.get((one.work.system, one.work.model)):
            yield {
                **place(one.work),
                **one.facts,
                "holdout_count": len(holdout),
                "holdout_energy_meV_atom": _rmse(one, holdout),
            }


def _targets(campaign: Outcomes) -> dict[tuple[str, str], dict[str, float]]:
    """By system and model: what it should say (eV) of each structure of its holdout."""
    needed = {
        (system, model): _label_keys(campaign.label_sets()[system], _levels(campaign, model), structures)
        for (system, model), structures in _holdouts(campaign).items()
    }
    energies = label_energies(
        campaign.farm, {key for labels in needed.values() for keys in labels.values() for key in keys}
    )
    return {
        where: {one: _target(keys, energies) for one, keys in labels.items()}
        for where, labels in needed.items()
    }


def _target(keys: tuple[str, ...], energies: Mapping[str, float]) -> float:
    """The energy of a level, less that of its base; of a composite those of its levels, + - + ..."""
    return sum((-1) ** number * energies[key] for number, key in enumerate(keys))


def _levels(campaign: Outcomes, model: str) -> tuple[str, ...]:
    """The levels whose energies, + - + ..., a model is to give."""
    name = ModelName.parse(model)
    return campaign.spec.chains.top(name.level) if name.kind == "sum" else name.levels


def _label_keys(labels: LabelSet, levels: Iterable[str], structures: Iterable[str]) -> dict[str, tuple[str, ...]]:
    known = [labels.labels[level] for level in levels]
    return {structure: tuple(level[structure] for level in known) for structure in structures}


def _holdouts(campaign: Outcomes) -> dict[tuple[str, str], frozenset[str]]:
    """By system and model: the structures that every size with a test set tests on, done or not.

    Where an engine still labels, the plan tests on structures that no label is known of: they are in no holdout.
    """
    common: dict[tuple[str, str], frozenset[str]] = {}
    structures: dict[tuple[str, str], Mapping[str, str]] = {}
    label_sets = campaign.label_sets()
    for work in campaign.of_one_seed.work.values():
        tested = _test_labels(work)
        if tested and work.system in label_sets:
            where = (work.system, work.model)
            if where not in structures:
                structures[where] = _structures(label_sets[work.system], _levels(campaign, work.model))
            known = structures[where]
            if tests := frozenset(known[label] for label in tested if label in known):
                common[where] = common.get(where, tests) & tests
    return common


def _test_labels(work: Work) -> tuple[str, ...]:
    """The keys of the labels, of the upper level, that it is tested on."""
    match work.task:
        case TrainingTask(test=test) | ForceConstantTask(test=test):
            return tuple(keys[0] for keys in test)
        case SummingTask(labels=of_splits):
            return tuple(of_splits.get("test", ()))
    return ()


def _structures(labels: LabelSet, levels: Iterable[str]) -> dict[str, str]:
    """By the key of its label at the first of `levels`: the structures that have labels at all of them."""
    upper, *others = (labels.labels.get(level, {}) for level in levels)
    return {label: one for one, label in upper.items() if all(one in level for level in others)}


def _tested(campaign: Outcomes) -> Iterator[_Tested]:
    """Every model and sum with a test set, in the order of the plan of trainings, then of sums."""
    models = campaign.predictions()
    trained = {one.work.key: one.record for one in models}
    for one in models:
        if one.record.test_count:
            facts = {"learned": one.record.learned, "verdict": one.record.verdict}
            facts["seen_count"] = one.record.train_count + one.record.valid_count
            yield _Tested(one.work, one.record.predictions_eV, one.record.atoms, facts)
    for both in campaign.sums():
        parts = [trained[key] for key in both.work.needs if key in trained]
        if len(parts) == len(both.work.needs) and "test" in both.record.errors:
            difference = parts[-1]
            shared = set.intersection(*(set(one.predictions_eV) for one in parts))
            added = {key: summed_energy_eV(key, parts) for key in shared}
            facts = {"learned": both.record.learned, "verdict": both.record.verdict}
            facts["seen_count"] = difference.train_count + difference.valid_count
            yield _Tested(both.work, added, difference.atoms, facts)


def _rmse(one: _Tested, targets: Mapping[str, float]) -> float | None:
    """meV/atom; None where a prediction is missing."""
    if not targets.keys() <= one.predictions.keys():
        return None
    squares = [(one.predictions[key] - target) ** 2 for key, target in targets.items()]
    return float(1e3 * (sum(squares) / len(squares)) ** 0.5 / one.atoms)


LEARNING = Table(
    "learning",
    "test errors of all sizes on one common holdout",
    (
        *(SYSTEM, MODEL, TITLE, SIZE, SEED, LEARNED, VERDICT),
        Column("seen_count", "int", "seen"),
        Column("holdout_count", "int", "holdout"),
        Column("holdout_energy_meV_atom", "float", "RMSE meV/atom", 3),
        KEY,
    ),
    _rows,
)
