"""Slots: as many as there are GPUs and cores, each device bound once, whatever form its name has."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from jobflow import run_locally

from flows.delivery import delivers
from flows.records import Record
from launchers.machines.hardware import Hardware, cores, hardware, memory_GB, mps_runs
from launchers.machines.sharing import jobs_on_a_gpu, measured_GB
from launchers.machines.slots import CPU, GPU, Slot, slots
from launchers.workers.node import Node, NodeSettings
from launchers.workers.settings import WorkerSettings

UUIDS = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-1f2e3d4c-0000-4106-c12f-20bd9faed9f6"
MIGS = "MIG-GPU-8932f937/1/0,MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"


class Blank(Record):
    """A record of nothing."""

    key: str


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, ("CUDA_VISIBLE_DEVICES", ("0", "1", "2", "3"))),
        ({"CUDA_VISIBLE_DEVICES": "3"}, ("CUDA_VISIBLE_DEVICES", ("3",))),
        ({"CUDA_VISIBLE_DEVICES": UUIDS}, ("CUDA_VISIBLE_DEVICES", tuple(UUIDS.split(",")))),
        ({"CUDA_VISIBLE_DEVICES": MIGS}, ("CUDA_VISIBLE_DEVICES", tuple(MIGS.split(",")))),
        ({"CUDA_VISIBLE_DEVICES": "0, 1"}, ("CUDA_VISIBLE_DEVICES", ("0", "1"))),
        ({"CUDA_VISIBLE_DEVICES": ""}, ("CUDA_VISIBLE_DEVICES", ())),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, ("CUDA_VISIBLE_DEVICES", ())),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, ("CUDA_VISIBLE_DEVICES", ())),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, ("CUDA_VISIBLE_DEVICES", ("1",))),
        ({"ROCR_VISIBLE_DEVICES": "0,1"}, ("ROCR_VISIBLE_DEVICES", ("0", "1"))),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2,3"}, ("CUDA_VISIBLE_DEVICES", ("2", "3"))),
        ({"SLURM_JOB_ID": "7", "SLURM_STEP_GPUS": "1", "SLURM_JOB_GPUS": "1,2"}, ("CUDA_VISIBLE_DEVICES", ("1",))),
        ({"SLURM_JOB_ID": "7"}, ("CUDA_VISIBLE_DEVICES", ())),
    ],
)
def test_gpus_in_every_form(environ, expected):
    found = hardware(environ)
    assert (found.variable, found.gpus) == expected


def test_a_workstation_asks_its_driver(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-1\necho GPU-2\necho 'No devices'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert hardware({}).gpus == ("GPU-1", "GPU-2")
    program.write_text("#!/bin/sh\nexit 9\n")
    assert hardware({}).gpus == ()


def test_cores_and_memory_are_those_of_the_cgroup(tmp_path: Path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text("2000000000\n")
    assert cores({}, tmp_path) == 1
    assert memory_GB({}, tmp_path) == 2.0
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert cores({}, tmp_path) == cores({}, tmp_path / "none")
    assert memory_GB({}, tmp_path) == memory_GB({}, tmp_path / "none")


def test_slurm_gives_less_than_the_machine_has(tmp_path: Path):
    assert cores({"SLURM_CPUS_PER_TASK": "1", "SLURM_CPUS_ON_NODE": "64"}, tmp_path) == 1
    assert memory_GB({"SLURM_MEM_PER_NODE": "100"}, tmp_path) == pytest.approx(0.104857600)
    assert memory_GB({"SLURM_MEM_PER_CPU": "100", "SLURM_CPUS_PER_TASK": "1"}, tmp_path) == pytest.approx(0.104857600)
    assert memory_GB({"SLURM_MEM_PER_NODE": "0"}, tmp_path) == memory_GB({}, tmp_path)  # 0: all of the node's


def devices(made: list[Slot]) -> Counter:
    return Counter(one.gpu for one in made if one.gpu is not None)


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 16, 64])
def test_every_gpu_has_one_slot_however_few_the_cores(count, number):
    made = slots(Hardware(number, tuple(map(str, range(count))), 64.0))
    assert devices(made) == Counter(map(str, range(count)))
    assert [one.number for one in made] == list(range(len(made)))
    assert sum(one.memory_GB for one in made) == pytest.approx(64.0)
    if number >= len(made):
        assert sum(one.cores for one in made) <= number
    for device in (GPU, CPU):
        assert any(device in one.devices for one in made)


def test_slots_for_labels_stand_beside_those_for_gpus():
    made = slots(Hardware(32, ("0", "1", "2", "3"), 256.0))
    assert [one.devices for one in made] == [(GPU,)] * 4 + [(CPU,)] * 12
    assert slots(Hardware(32, ("0",), 256.0), cpu_slots=2)[1].cores == 15


def test_small_trainings_share_a_gpu():
    made = slots(Hardware(16, ("0", "1"), 64.0), gpu_slots=4)
    assert devices(made) == Counter({"0": 4, "1": 4})


def nvidia(monkeypatch: pytest.MonkeyPatch, folder: Path, *gpus: str) -> None:
    """An nvidia-smi that says these, MiB each, and MPS that runs."""
    rows = "\n".join(f"{number}, GPU-{number}, {mebibytes}" for number, mebibytes in enumerate(gpus))
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat << END\n{rows}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / "control").touch()
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(folder))


@pytest.mark.parametrize(
    ("gpus", "cores_given", "needed_GB", "expected"),
    [
        (("GPU-0",), 32, 5.0, 4),  # never more
        (("0",), 32, 12.0, 2),  # 0.8 of 42.9 GB
        (("GPU-0", "1"), 32, 5.0, 3),  # the smaller has 21.5 GB
        (("0",), 5, 1.0, 2),  # by the cores that feed it
        (("0",), 32, 40.0, 1),
        (("0",), 32, None, 1),  # nothing was measured
        (("MIG-GPU-0/1/0",), 32, 1.0, 1),  # of a part nobody says how much it has
        (("2",), 32, 1.0, 1),
    ],
)
def test_measured_memory_says_how_many_share_a_gpu(gpus, cores_given, needed_GB, expected, tmp_path, monkeypatch):
    nvidia(monkeypatch, tmp_path, "40960", "20480", "[N/A]")
    given = Hardware(cores_given, gpus, 64.0)
    count, why = jobs_on_a_gpu(given, needed_GB)
    assert count == expected
    assert why.startswith(f"{expected} workers on each GPU") == (expected > 1)
    (tmp_path / "control").unlink()
    alone, advice = jobs_on_a_gpu(given, needed_GB)
    assert alone == 1
    assert advice.endswith(f"and {expected} workers share one") == (expected > 1)


def test_the_largest_job_on_a_gpu_is_known(farm):
    assert measured_GB(farm) is None
    made = [{}, {"processor_s": 3.0}, {"device_memory_GB": 1.5}, {"device_memory_GB": 2.5}, {"device_memory_GB": 0.5}]
    farm.outputs.insert_many([{"uuid": str(number), "index": 1, "metadata": {"made_on": one}} for number, one in enumerate(made)])
    assert measured_GB(farm) == 2.5


class Cuda:
    """PyTorch's counts, which no machine without a GPU has."""

    def __init__(self) -> None:
        self.begun, self.held = False, 0

    def is_initialized(self) -> bool:
        return self.begun

    def reset_peak_memory_stats(self) -> None:
        self.held = 0

    def max_memory_reserved(self) -> int:
        return self.held


def test_a_record_says_how_much_of_a_gpu_it_took(store, monkeypatch):
    cuda = Cuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))

    def said(held: int) -> dict:
        def work() -> Blank:
            cuda.begun, cuda.held = cuda.begun or held > 0, cuda.held + held
            return Blank(key="blank")

        job = delivers(Blank)(work)()
        run_locally(job, store=store, ensure_success=True)
        return store.query_one({"uuid": job.uuid})["metadata"]["made_on"]

    assert "device_memory_GB" not in said(0)
    assert said(3_000_000_000)["device_memory_GB"] == 3.0
    assert said(1_000_000_000)["device_memory_GB"] == 1.0  # of its own, not of the one before
    assert "device_memory_GB" not in said(0)


def test_without_gpus_every_slot_takes_every_job():
    made = slots(Hardware(2, (), 16.0))
    assert [(one.cores, one.devices, one.memory_GB) for one in made] == [(1, (GPU, CPU), 8.0)] * 2
    assert len(slots(Hardware(32, (), 16.0))) == 16
    assert len(slots(Hardware(2, (), 16.0), wanted=5)) == 5


def test_a_slot_sees_its_own_device_and_no_other():
    with_gpu, beside = slots(Hardware(4, ("GPU-a",), 8.0))[:2]
    environ = {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b", "PATH": "/bin"}
    assert with_gpu.environment(environ)["CUDA_VISIBLE_DEVICES"] == "GPU-a"
    assert beside.environment(environ)["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in slots(Hardware(1, (), 8.0))[0].environment({})


def test_threads_of_the_user_rule_all_pools():
    (slot,) = slots(Hardware(1, (), 8.0))
    assert slot.environment({"OMP_NUM_THREADS": "3"})["MKL_NUM_THREADS"] == "3"
    assert slot.environment({"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2"})["MKL_NUM_THREADS"] == "2"
    assert slots(Hardware(8, (), 8.0), wanted=2)[0].environment({})["OPENBLAS_NUM_THREADS"] == "4"


def environment(pid: int) -> dict[str, str]:
    """Of a process that was just begun: for a moment the system shows none."""
    end = time.monotonic() + 10
    while not (found := psutil.Process(pid).environ()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


@pytest.mark.usefixtures("farm")
def test_processes_of_a_node_have_a_device_each(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    given = slots(Hardware(6, ("0", "1"), 8.0))
    node = Node(NodeSettings(given, WorkerSettings(tmp_path / "runs", patience_s=0.5)))
    node.start()
    try:
        environments = [environment(pid) for _, pid in sorted(node.processes.items())]
        assert [one["CUDA_VISIBLE_DEVICES"] for one in environments] == ["0", "1", "", ""]
        assert [one["OMP_NUM_THREADS"] for one in environments] == ["2", "2", "1", "1"]
        commands = [psutil.Process(pid).cmdline() for _, pid in sorted(node.processes.items())]
        assert [[word for word in one if word.startswith("--device")] for one in commands] == [
            ["--device=gpu"], ["--device=gpu"], ["--device=cpu"], ["--device=cpu"],
        ]  # fmt: skip
        assert all(node.log(slot).exists() for slot in given)
    finally:
        node.drain()
        node.wait()


def test_whether_mps_runs_is_seen_by_its_pipe(tmp_path: Path):
    environ = {"CUDA_MPS_PIPE_DIRECTORY": str(tmp_path)}
    assert not mps_runs(environ)
    os.mkfifo(tmp_path / "control")
    assert mps_runs(environ)
