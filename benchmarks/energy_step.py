"""One optimization step on energies alone: our loop against MACE's own step with `forces_weight` 0.

    OMP_NUM_THREADS=1 python benchmarks/energy_step.py [--preset small paper] [--quick]

Prints one Markdown table. Both begin with the same weights of a difference model of 32-atom diamond, and get the same
batches of the default size, with Adam, clipping and moving averages; turn about, in one process, so that a machine
that is busy slows both. MACE's step is its `take_step` as `mace_run_train` calls it, forces in the graph of the
gradient, weighed by zero. In the end the losses of both must agree. Times are medians in ms, with the quartiles of the
steps; the ratio is the median of the ratios of the steps, with theirs.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from diamonds import labelled, load_mace, settings, spread

from flows.training.architecture import batches, best_device, default_dtype
from flows.training.loss import Objective

# the loop itself, not a copy of its step
from flows.training.mace import _parameter_groups, _Training
from flows.training.settings import TrainingSettings

STRUCTURES, SEED, WARM_UP = 20, 861, 4
WITHIN = {"float64": 1e-6, "float32": 0.1}  # relative, of a loss after all steps


def main() -> None:
    asked = arguments()
    load_mace(asked.threads)
    presets, steps = (["small"], 4) if asked.quick else (asked.preset, asked.steps)
    batch_size = TrainingSettings().batch_size
    print(f"batches of {batch_size} x 32 atoms, r_max 3 Å, {asked.threads} thread(s)\n")
    print("| preset | dtype | steps | latticefarm, ms | MACE, forces_weight 0, ms | ratio | losses apart |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for preset in presets:
        for dtype in ("float64", "float32"):
            # a step of the paper's network takes a hundred times as long
            print(row(preset, dtype, steps if preset == "small" else max(4, steps // 10)), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", choices=("small", "paper"), default=["small"])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="four steps of the small preset")
    return parser.parse_args()


def row(preset: str, dtype: str, steps: int) -> str:
    asked = settings(preset).model_copy(update={"dtype": dtype})
    with default_dtype(dtype):
        training = _Training(labelled("ccsd(t)-dft", STRUCTURES), asked, SEED)
        data = [batch.to(training.device) for batch in batches(training.graphs, asked.batch_size)]
        model = copy.deepcopy(training.model)
        turns = (training._step, maces(model, training.objective, asked))
        times = np.empty((steps + WARM_UP, 2))
        for number in range(len(times)):
            for turn in (number % 2, 1 - number % 2):
                times[number, turn] = measured(turns[turn], data[number % len(data)])
        loss, other = (float(training.objective(predicted(m, data[0]), data[0])) for m in (training.model, model))
    apart = abs(loss - other) / other
    assert apart < WITHIN[dtype], f"{preset}, {dtype}: after {steps} steps, losses of {loss} and {other}"
    mine_ms, other_ms = 1e3 * times[WARM_UP:].T
    ratio = spread(other_ms / mine_ms)
    return f"| {preset} | {dtype} | {steps} | {spread(mine_ms)} | {spread(other_ms)} | {ratio} | {apart:.0e} |"


def measured(step: Callable[[Any], Any], data: Any) -> float:
    started = time.perf_counter()
    step(data)
    return time.perf_counter() - started


def maces(model: Any, objective: Objective, asked: TrainingSettings) -> Callable[[Any], Any]:
    """MACE's step with its weighted loss of our energy weight, which it would be given as a number of its own."""
    import torch
    from mace.modules.loss import WeightedEnergyForcesLoss
    from mace.tools.train import take_step
    from torch_ema import ExponentialMovingAverage

    return partial(
        take_step,
        model,
        WeightedEnergyForcesLoss(objective.energy_weight, 0.0),
        optimizer=torch.optim.Adam(**_parameter_groups(model, asked)),
        ema=ExponentialMovingAverage(model.parameters(), decay=asked.ema_decay),
        output_args={"forces": True, "virials": False, "stress": False},
        max_grad_norm=asked.max_grad_norm,
        device=torch.device(best_device()),
    )


def predicted(model: Any, data: Any) -> dict[str, Any]:
    return model(data.to_dict(), compute_force=False)


if __name__ == "__main__":
    main()
