"""The slots of a machine: who gets which GPU, how many cores, how much memory, and what each can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from launchers.machines.hardware import Hardware

GPU, CPU = "gpu", "cpu"
CORES_OF_A_GPU = 2  # one feeds it, one helps
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Slot:
    """What one worker process has: it takes jobs for the `devices` that it names (`gpu`, `cpu`)."""

    number: int
    cores: int
    memory_GB: float
    devices: tuple[str, ...]
    gpu: str | None = None
    variable: str = ""

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """That of its process. A number of threads that the user has set rules all thread pools."""
        given = environ.get("OMP_NUM_THREADS", "")
        threads = given if given.isdigit() else str(self.cores)
        made = {name: environ.get(name) or threads for name in THREADS}
        made |= {"OMP_NUM_THREADS": threads, "LATTICEFARM_SLOT": str(self.number)}
        if self.gpu is not None:
            made |= {self.variable: self.gpu, "LATTICEFARM_DEVICE": self.gpu}
        elif self.variable:
            made[self.variable] = ""  # a job for CPUs beside jobs for GPUs must not see these
        return {**environ, **made}


def slots(given: Hardware, wanted: int | None = None, gpu_slots: int = 1, cpu_slots: int | None = None) -> list[Slot]:
    """A slot for each GPU (or `gpu_slots` on each), and slots for what needs none on the cores that are left.

    `wanted` is the number of all of them; `cpu_slots` that of those beside GPUs. Without GPUs every slot takes every
    job; without a core to spare for a slot beside them, those with a GPU do.
    """
    if not given.gpus:
        return _equal(given, wanted or cpu_slots or default_slots(given.cores))
    with_gpu = [gpu for _ in range(gpu_slots) for gpu in given.gpus][:wanted]
    spare = given.cores - CORES_OF_A_GPU * len(with_gpu)
    beside = default_slots(spare) if spare > 0 else 0
    if cpu_slots is not None:
        beside = cpu_slots
    elif wanted is not None:
        beside = min(beside, wanted - len(with_gpu))
    memory = given.memory_GB / (len(with_gpu) + beside)
    of_gpu = max(1, min(CORES_OF_A_GPU, given.cores // len(with_gpu)) if beside else given.cores // len(with_gpu))
    of_cpu = max(1, (given.cores - of_gpu * len(with_gpu)) // beside) if beside else 0
    takes = (GPU,) if beside else (GPU, CPU)
    made = [Slot(number, of_gpu, memory, takes, gpu, given.variable) for number, gpu in enumerate(with_gpu)]
    return made + [Slot(len(made) + one, of_cpu, memory, (CPU,), None, given.variable) for one in range(beside)]


def default_slots(cores: int) -> int:
    """A worker for each core of up to four, for each two of more: a small model gains little from a second thread."""
    return cores if cores <= 4 else cores // 2


def _equal(given: Hardware, count: int) -> list[Slot]:
    share = max(1, given.cores // count)
    return [Slot(number, share, given.memory_GB / count, (GPU, CPU)) for number in range(count)]
