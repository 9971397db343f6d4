"""A campaign of real cheap jobs in allocations of a real Slurm that are too short, cancelled, killed and held up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import psutil
import pytest
import yaml
from schedulers import real_slurm
from sources import ROOT, module_at

from launchers.farm import Farm
from launchers.machines import allocations
from launchers.machines.allocations import Allocation
from launchers.machines.overview import overview
from launchers.queue.endings import as_time

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]
GPUS = ["0", "1", "2", "3"]
CLASS = {"walltime": "2m", "cores": 4, "gpus": 4, "cpu_slots": 0, "partition": "gpu", "max_allocations": 1}


def command(*words: str) -> str:
    done = subprocess.run([*COMMAND, *words], check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Witness:
    """Looks, all the time, which GPU each worker process was started with, by the name that its launches have."""

    def __init__(self) -> None:
        self.gpus: dict[tuple[int, int], str] = {}
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.3):
            for one in psutil.process_iter():
                with suppress(psutil.Error):
                    if "launchers.workers.slot" in one.cmdline() and (variables := one.environ()).get("SLURM_JOB_ID"):
                        self.gpus[one.pid, int(one.create_time())] = variables["CUDA_VISIBLE_DEVICES"]

    def gpu(self, worker: str) -> str:
        _, pid, started = worker.rsplit(":", 2)
        (found,) = {gpu for (number, moment), gpu in self.gpus.items() if number == int(pid) and abs(moment - int(started)) < 2}
        return found


@pytest.fixture
def calm(home: Path, tmp_path: Path, write_campaign: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict]:
    """The campaign, and what came of it undisturbed, in a database of its own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "calm"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec = write_campaign(tmp_path / "campaign", seeds=4, epochs=60)
    with monkeypatch.context() as patch:
        patch.setenv("LATTICEFARM_MONGO_DATABASE", f"test_{uuid4().hex[:12]}")
        command("run", str(spec), "--no-report")
        found = module_at("benchmarks/kills.py").snapshot(home)
    return spec, found


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with real_slurm() as configuration:
        monkeypatch.setenv("SLURM_CONF", configuration)
        yield


class Site:
    """What cron does, and what befalls the allocations."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm

    def running(self) -> Allocation | None:
        return next((one for one in allocations.live(self.farm) if one.state == "running"), None)

    def wait(self, what: Callable[[], object], seconds: float = 240.0) -> None:
        """Until it holds, with a pass of `launch` every few seconds."""
        end = time.monotonic() + seconds
        while True:
            command("launch", "--local")
            for _ in range(12):
                if what():
                    return
                time.sleep(0.25)
            assert time.monotonic() < end, f"waited in vain: {self.states()}, {overview(self.farm).lines()}"

    def states(self) -> list[str]:
        return [one["state"] for one in self.farm.launchpad.fireworks.find({}, {"state": 1})]

    def next_at_work(self, others: set[str]) -> Allocation:
        """An allocation that is none of those, once it has finished a job and has others in hand."""
        def found() -> bool:
            one = self.running()
            return one is not None and one.name not in others and self.states().count("COMPLETED") > done and "RUNNING" in self.states()

        done = self.states().count("COMPLETED")
        self.wait(found)
        one = self.running()
        assert one is not None
        others.add(one.name)
        return one


def slurm_says(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.usefixtures("slurm")
def test_it_ends_with_the_results_of_an_undisturbed_run(calm, farm, home, tmp_path, monkeypatch):
    spec, undisturbed = calm
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (home / "sites.yaml").write_text(yaml.safe_dump({"sites": {"here": {"scheduler": "slurm", "classes": {"gpu": CLASS}}}}))
    site, had = Site(farm), set[str]()
    command("submit", str(spec))
    with Witness() as witness:
        for signal in ("TERM", "KILL"):
            one = site.next_at_work(had)
            slurm_says("scancel", "--full", f"--signal={signal}", str(one.job_id))
            site.wait(lambda one=one: not any(each.name == one.name for each in allocations.live(farm)))
        node = slurm_says("sinfo", "-h", "-N", "-o", "%N").split()[0]
        last = site.next_at_work(had)
        slurm_says("scontrol", "update", f"nodename={node}", "state=drain", "reason=broken fan")
        # it works on until its walltime; the next waits, and says for what
        site.wait(lambda: any("pending" in line and "Drain" in line.title() for line in overview(farm).lines()))
        slurm_says("scontrol", "update", f"nodename={node}", "state=resume")
        site.wait(lambda: all(state == "COMPLETED" for state in site.states()) and not allocations.live(farm), 600)
    kills = module_at("benchmarks/kills.py")
    found = kills.snapshot(home)
    assert [what for what, holds in kills.checked(undisturbed, found).items() if not holds] == []
    every = {one.name: one for one in allocations.all_of(farm)}
    assert len(every) >= 4
    assert every[last.name].hours * 3600 < 120  # it went before Slurm would have ended it
    assert_one_job_a_gpu(farm, witness)
    models = farm.outputs.find({"uuid": {"$in": list(found["models"])}}, {"metadata.made_on": 1})
    made = [one["metadata"]["made_on"] for one in models]
    assert len(made) == len(undisturbed["models"])
    assert {one["device"] for one in made} <= set(GPUS)
    assert {one["allocation"] for one in made} <= {f"slurm:{one.job_id}" for one in every.values()}


def assert_one_job_a_gpu(farm: Farm, witness: Witness) -> None:
    """No two jobs that saw the same GPU ran at the same time."""
    spans = defaultdict(list)
    for launch in farm.launchpad.launches.find({}, {"fworker.name": 1, "state_history": 1}):
        times = [as_time(one["created_on"]) for one in launch["state_history"] if one["state"] in ("RUNNING", "COMPLETED", "FIZZLED")]
        spans[witness.gpu(launch["fworker"]["name"])].append((min(times), max(times)))
    assert sorted(spans) == GPUS
    for each in spans.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(each)))
