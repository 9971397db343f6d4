"""What this process was given of its machine: cores, GPUs, memory; by the scheduler, the cgroup, or the machine itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

GB = 1e9
# in the order in which they are believed; each makes a process see these devices alone
DEVICE_VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
# a scheduler's, where no variable of the device's own is set
SCHEDULER_VARIABLES = ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "GPU_DEVICE_ORDINAL")
_NONE = {"", "-1", "none", "NoDevFiles", "void"}


@dataclass(frozen=True)
class Hardware:
    """`gpus` are names as `variable` takes them: indices, UUIDs, or parts of a GPU (MIG)."""

    cores: int
    gpus: tuple[str, ...]
    memory_GB: float
    variable: str = DEVICE_VARIABLES[0]


def hardware(environ: Mapping[str, str] = os.environ) -> Hardware:
    """What this process was given."""
    variable, gpus = _gpus(environ)
    return Hardware(cores(environ), gpus, memory_GB(environ), variable)


def cores(environ: Mapping[str, str] = os.environ, cgroup: Path | None = None) -> int:
    """The least of: the cores that it may run on, those of its task in Slurm, the quota of its cgroup."""
    found = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)]
    given = environ.get("SLURM_CPUS_PER_TASK") or environ.get("SLURM_CPUS_ON_NODE") or ""
    found += [int(given)] if given.isdigit() else []
    for folder in _folders(cgroup):
        quota, period = ([*_read(folder / "cpu.max").split(), "100000"] if (folder / "cpu.max").exists() else ["max", "1"])[:2]
        found += [max(1, int(quota) // int(period))] if quota.isdigit() else []
    return max(1, min(found))


def memory_GB(environ: Mapping[str, str] = os.environ, cgroup: Path | None = None) -> float:
    """The least of: the machine's, what Slurm gave on this node, the limit of its cgroup; in 1e9 bytes."""
    import psutil

    found = [psutil.virtual_memory().total / GB]
    on_node, per_core = environ.get("SLURM_MEM_PER_NODE", ""), environ.get("SLURM_MEM_PER_CPU", "")
    if on_node.isdigit() and int(on_node):
        found.append(int(on_node) * 2**20 / GB)
    elif per_core.isdigit() and int(per_core):
        found.append(int(per_core) * 2**20 / GB * cores(environ, cgroup))
    limits = (_read(folder / "memory.max").strip() for folder in _folders(cgroup))
    return min(found + [int(one) / GB for one in limits if one.isdigit()])


def oom_kills(vmstat: Path = Path("/proc/vmstat")) -> int:
    """How many processes this machine has killed for want of memory since it booted, in whatever cgroup (Linux; 0 elsewhere)."""
    return next((int(line.split()[1]) for line in _read(vmstat).splitlines() if line.startswith("oom_kill ")), 0)


def mps_runs(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether NVIDIA's multi-process service runs here: CUDA programs of this user find it by its pipe and share a GPU through it."""
    return (Path(environ.get("CUDA_MPS_PIPE_DIRECTORY") or "/tmp/nvidia-mps") / "control").exists()  # NVIDIA's default


def device_memory_GB(gpus: Collection[str]) -> float | None:
    """That of the smallest of these NVIDIA GPUs, in 1e9 bytes; None where one is a part (MIG), or its driver does not say."""
    found = {name: float(mebibytes) * 2**20 / GB for index, uuid, mebibytes in _said_by_nvidia("index,uuid,memory.total") for name in (index, uuid)}
    return min(found[one] for one in gpus) if gpus and found.keys() >= set(gpus) else None


def _gpus(environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    for variable in DEVICE_VARIABLES:
        if variable in environ:
            return variable, tuple(_names(environ[variable]))
    own = DEVICE_VARIABLES[1] if shutil.which("rocm-smi") and not shutil.which("nvidia-smi") else DEVICE_VARIABLES[0]
    for variable in SCHEDULER_VARIABLES:
        if variable in environ:
            return own, tuple(_names(environ[variable]))
    # an allocation without GPUs has none, whatever its node has
    return own, () if "SLURM_JOB_ID" in environ else _of_nvidia()


def _names(text: str) -> Iterator[str]:
    """CUDA reads up to the first that is no device."""
    for one in text.split(","):
        if one.strip() in _NONE:
            return
        yield one.strip()


def _of_nvidia() -> tuple[str, ...]:
    return tuple(uuid for (uuid,) in _said_by_nvidia("uuid") if uuid.startswith("GPU-"))


def _said_by_nvidia(fields: str) -> list[list[str]]:
    """The values of so many fields, of each GPU for which it has all."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[one.strip() for one in line.split(",")] for line in said.splitlines()]
    return [row for row in rows if len(row) == len(fields.split(",")) and not any(one.startswith("[") for one in row)]


def _folders(cgroup: Path | None) -> Iterator[Path]:
    """The cgroup (version 2) of this process, and those that it is in."""
    if cgroup is not None:
        yield cgroup
        return
    root = Path("/sys/fs/cgroup")
    inside = next((line[3:] for line in _read(Path("/proc/self/cgroup")).splitlines() if line.startswith("0::")), "/")
    folder = root / inside.lstrip("/")
    while folder != root and folder.is_relative_to(root):
        yield folder
        folder = folder.parent
    yield root


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
