"""Which class takes which job, each counted once, and what is said of jobs that fit nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from launchers.machines.capacities import keep_classes, known, of_slots, unfit
from launchers.machines.hardware import Hardware
from launchers.machines.need import ready
from launchers.machines.script import Task, script, work_arguments
from launchers.machines.site import Site
from launchers.machines.slots import slots
from launchers.queue.processes import ProcessName
from launchers.queue.resources import Offer
from launchers.workers.heartbeats import SlotBeat

SMALL = {"walltime": "1h", "cores": 4, "memory": "16G"}  # four slots of 4.3 GB
LARGE = {"walltime": "1h", "cores": 4, "memory": "64G", "slots": 1}
GPU = {"walltime": "1h", "cores": 4, "memory": "64G", "gpus": 2}
MPI = {"walltime": "1h", "cores": 64, "nodes": 4, "memory": "256G", "own": True}


def site(scheduler: str = "slurm", **classes: dict[str, Any]) -> Site:
    return Site(scheduler=scheduler, classes=classes)  # type: ignore[arg-type]


def counts(farm, **classes: dict[str, Any]) -> dict[str, int]:
    """How many ready jobs each class is to take."""
    return {kind: len(work) for kind, (work, _) in ready(farm, site(**classes).classes).items()}


def test_the_smallest_class_that_fits_takes_a_job(farm, add_ready):
    add_ready(farm, "a", "b")
    add_ready(farm, "c", _needs={"memory_GB": 4.0})
    add_ready(farm, "d", "e", "f", _needs={"memory_GB": 16.0})
    add_ready(farm, "g", _needs={"memory_GB": 100.0})
    assert counts(farm, large=LARGE, small=SMALL) == {"large": 3, "small": 3}
    assert counts(farm, large=LARGE) == {"large": 6}
    assert counts(farm, small=SMALL, same=SMALL) == {"small": 3, "same": 0}


def test_gpus_are_for_jobs_that_use_them_where_there_is_a_choice(farm, add_ready):
    add_ready(farm, "a", "b", _device="gpu")
    add_ready(farm, "c", _device="cpu")
    assert counts(farm, gpu=GPU, cpu=LARGE) == {"gpu": 2, "cpu": 1}
    assert counts(farm, gpu=GPU) == {"gpu": 3}
    assert counts(farm, cpu=LARGE) == {"cpu": 3}


def test_a_class_of_its_own_takes_what_names_it_alone(farm, add_ready):
    add_ready(farm, "a", "b")
    add_ready(farm, "c", _needs={"allocation": "mpi", "memory_GB": 9999.0})
    assert counts(farm, mpi=MPI, small=SMALL) == {"mpi": 1, "small": 2}
    assert counts(farm, mpi=MPI) == {"mpi": 1}
    assert counts(farm, small=SMALL) == {"small": 2}


def test_what_needs_longer_goes_where_there_is_time(farm, add_ready):
    add_ready(farm, "a", _needs={"longer_than_s": 2 * 3600.0})
    assert counts(farm, short=SMALL, long={**SMALL, "walltime": "3h"}) == {"short": 0, "long": 1}
    assert ready(farm, site(short=SMALL).classes) == {"short": ([], 1)}


def test_memory_of_a_class_is_what_the_scheduler_gives():
    """As Slurm tells it on the node: MB of 2**20 bytes."""
    from launchers.machines.hardware import memory_GB

    one = site(large=LARGE).classes["large"]
    on_node = memory_GB({"SLURM_MEM_PER_NODE": str(one.memory)})
    assert one.offer("large").memory_GB == pytest.approx(64 * 1024**3 / 1e9)
    assert on_node <= (one.offer("large").memory_GB or 0)  # less where the test's machine has less
    assert site(a={**SMALL, "memory": None}).classes["a"].offer("a").memory_GB == 0


def test_what_fits_nowhere_is_said_in_one_line(farm, add_ready):
    add_ready(farm, "a", "b", _needs={"memory_GB": 100.0})
    add_ready(farm, "c", _needs={"allocation": "vasp"})
    add_ready(farm, "d", _needs={"cores": 4})
    add_ready(farm, "e", _needs={"longer_than_s": 7200.0})
    assert unfit(farm, known(farm)) == []  # nobody knows of any place
    keep_classes(farm, "here", site(small=SMALL, large=LARGE, mpi=MPI))
    memory, named, longer = unfit(farm, known(farm))
    assert "and 1 more need 100 GB of memory; the largest, class large of here, has 4 cores and 68.72 GB" in memory
    assert "needs an allocation of class vasp; the classes are large, mpi, small: add it" in named
    assert "needs more than 2 h" in longer
    assert "the longest lasts 0.983 h" in longer  # an hour less the minute in which work is put back
    keep_classes(farm, "here", site(vasp={**MPI, "walltime": "3h"}, huge={**LARGE, "memory": "128G", "walltime": "3h"}))
    assert unfit(farm, known(farm)) == []  # the classes of before are gone


def test_slots_count_while_they_are_heard_of(farm, add_ready):
    add_ready(farm, "a", _needs={"memory_GB": 6.0})
    here = of_slots(slots(Hardware(4, (), 8.0)))
    (line,) = unfit(farm, here)
    assert "the largest, a slot here, has 1 core and 2 GB: give its machine fewer slots (`work --slots 1`)" in line
    assert unfit(farm, of_slots(slots(Hardware(4, (), 8.0), 1))) == []
    SlotBeat(farm, ProcessName.mine(), offer=Offer(1, 8.0)).appear()
    assert unfit(farm, [*known(farm), *here]) == []
    farm.heartbeats.update_one({}, [{"$set": {"beat": {"$subtract": ["$beat", 3600_000]}}}])
    assert len(unfit(farm, [*known(farm), *here])) == 1


def test_a_category_that_no_class_takes_fits_nowhere(farm, add_ready):
    keep_classes(farm, "here", site(small={**SMALL, "categories": ["label"]}))
    add_ready(farm, "a", category="label", _needs={"cores": 1})
    assert unfit(farm, known(farm)) == []
    add_ready(farm, "b", category="train", _needs={"cores": 1})
    assert len(unfit(farm, known(farm))) == 1


@pytest.mark.parametrize(
    ("scheduler", "head"),
    [
        ("slurm", ("#SBATCH --nodes=4\n", "#SBATCH --ntasks-per-node=64\n", "#SBATCH --cpus-per-task=1\n", "#SBATCH --mem=262144M\n")),
        ("pbs", ("select=4:ncpus=64:mem=262144mb:mpiprocs=64\n",)),
    ],
)
def test_an_allocation_of_its_own_is_one_worker_on_the_first_node(scheduler, head, tmp_path):
    where = site(scheduler, mpi=MPI)
    one = where.classes["mpi"]
    command = ("latticefarm", *work_arguments(where, one, "mpi"))
    text = script(where, one, Task("lf-a", tmp_path, command, {}))
    assert all(line in text for line in head)
    assert text.rstrip().endswith("exec latticefarm work --until-empty --slots 1 --own --class mpi")
    assert "srun" not in text
    assert (one.all_slots, one.all_cores, one.core_hours) == (1, 256, 256.0)
