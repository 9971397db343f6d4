"""How many jobs share a GPU where nobody says it: as many as fit its memory, by what jobs before them have held of theirs."""

from __future__ import annotations

from flows.delivery import DEVICE_MEMORY_GB, MADE_ON
from launchers.farm import Farm
from launchers.machines.hardware import DEVICE_VARIABLES, Hardware, device_memory_GB, mps_runs
from launchers.machines.slots import CORES_OF_A_GPU

MOST = 4  # each takes its share of the machine's memory, too
FILLED = 0.8  # jobs to come may need more than those that were measured
OF_A_DRIVER_GB = 0.6  # in each process, beside what PyTorch counts


def measured_GB(farm: Farm) -> float | None:
    """The most that a job of this database has held of a GPU, in 1e9 bytes; None where none has used one."""
    field = f"metadata.{MADE_ON}.{DEVICE_MEMORY_GB}"
    found = list(farm.outputs.find({field: {"$exists": True}}, {field: 1, "_id": 0}).sort(field, -1).limit(1))
    return float(found[0]["metadata"][MADE_ON][DEVICE_MEMORY_GB]) if found else None


def jobs_on_a_gpu(given: Hardware, needed_GB: float | None) -> tuple[int, str]:
    """How many that each hold so much may share one of these GPUs, and what is to be said of it.

    One, where nothing was measured, its driver does not say how much it has, or NVIDIA's MPS does not run: without it they take turns.
    """
    memory_GB = device_memory_GB(given.gpus) if given.gpus and given.variable == DEVICE_VARIABLES[0] else None
    if needed_GB is None or memory_GB is None:
        return 1, ""
    by_memory = int(memory_GB * FILLED / (needed_GB + OF_A_DRIVER_GB))
    fitting = min(by_memory, given.cores // (CORES_OF_A_GPU * len(given.gpus)), MOST)
    if fitting < 2:
        return 1, ""
    fit = f"jobs have held {needed_GB:.3g} GB at most of a GPU, of which these have {memory_GB:.3g} GB"
    if mps_runs():
        return fitting, f"{fitting} workers on each GPU: {fit}; --gpu-slots says otherwise"
    return 1, f"{fit}: nvidia-cuda-mps-control -d (NVIDIA's MPS), and {fitting} workers share one"
