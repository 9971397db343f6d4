"""From a task and its labels to the record of a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flows.failure import CalculationFailed
from flows.forecast.crystal import BaseCrystal
from flows.forecast.learning import learning_points
from flows.forecast.prediction import Expectation, counts_to
from flows.records import Forecast
from flows.training.datasets import label_pairs
from flows.training.force_constants.choice import Undetermined, choose, fewest_labels
from flows.training.force_constants.design import order
from flows.training.force_constants.difference import fitted_difference
from flows.training.force_constants.frames import Frames
from flows.versions import versions as installed

if TYPE_CHECKING:
    from flows.forecast.settings import ForecastTask
    from flows.records import Label
    from flows.training.settings import LabelRows

STAGE = "forecast"
PACKAGES = ("symfc", "spglib", "numpy", "scipy", "ase")

bad_input = partial(CalculationFailed.of, STAGE, "bad-input")


def forecast_of(task: ForecastTask, labels: Mapping[str, Label]) -> Forecast:
    """Fit what is labelled, and predict what more would give.

    Raises:
        CalculationFailed: `bad-input`: no structure near the sites of the crystal, or a base without forces.
    """
    started = perf_counter()
    primitive = task.primitive.atoms()
    try:
        keys, rows = _ordered(task, labels)
        pool = Frames.of(primitive, ((labels[key], labels[key]) for key in keys))
        crystal = BaseCrystal.of(pool)
        labelled = Frames.of(primitive, label_pairs(task.model, rows, labels, task.labelled_as)) if rows else None
    except ValueError as why:
        raise bad_input(f"{task.model}: {why}", advice="check the labels and the crystal") from why
    return Forecast(
        **{name: getattr(task, name) for name in ("key", "system", "model")},
        pool=len(pool.keys),
        labelled=0 if labelled is None else len(labelled.keys),
        least=(fewest := fewest_labels(crystal.cell, task.settings)),
        left_out=len(pool.left_out),
        **_reached(task, crystal, pool, labelled, fewest),
        versions=installed(PACKAGES),
        wall_time_s=perf_counter() - started,
    )


def _ordered(task: ForecastTask, labels: Mapping[str, Label]) -> tuple[tuple[str, ...], LabelRows]:
    """The pool and what is labelled of it, in the order in which structures are to be labelled."""
    if task.draw == "given":
        return task.pool, task.labelled
    structures = [labels[key].structure for key in task.pool]
    pool = tuple(task.pool[at] for at in order(task.primitive, structures, task.draw))
    place = {key: at for at, key in enumerate(pool)}
    return pool, tuple(sorted(task.labelled, key=lambda row: place[row[-1]]))


def _reached(task: ForecastTask, crystal: BaseCrystal, pool: Frames, labelled: Frames | None, fewest: int) -> dict[str, Any]:
    atoms, with_base = len(pool.sites), task.settings.base
    try:
        choice = None if labelled is None else choose(labelled, crystal.cell, task.settings)
    except Undetermined:
        choice = None
    if choice is None or labelled is None:
        expected = Expectation.before(crystal, 1e-3 * task.noise_meV_atom * atoms, with_base)
        ahead = tuple(expected.ahead(pool, counts_to(len(pool.keys), fewest)))
        return {"noise_meV_atom": task.noise_meV_atom, "assumed": True, "ahead": ahead}
    model, count = fitted_difference(labelled, choice), len(labelled.keys)
    expected = Expectation.after(crystal, model, choice.chosen, labelled, with_base)
    points = learning_points(crystal, labelled, task.settings, crystal.frequencies_cm1(model), fewest)
    return {
        "noise_meV_atom": 1e3 * choice.chosen.posterior.noise.sigma / atoms,
        "assumed": False,
        "reached": crystal.reach(model, count),
        "ahead": tuple(expected.ahead(pool, counts_to(len(pool.keys), count + 1))),
        "behind": tuple(points),
    }
