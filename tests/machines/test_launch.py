"""A pass: how many allocations, what forbids more, and that none is submitted twice, whatever is killed."""

from __future__ import annotations

import getpass
import math
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from schedulers import FakeSlurm

from launchers.farm import Farm
from launchers.machines import allocations
from launchers.machines.allocations import Allocation, facts_of, live, move
from launchers.machines.answers import Job, State, Unanswered
from launchers.machines.launch import Order, Outcome, count, launch
from launchers.machines.need import Purse, parts, ready
from launchers.machines.overview import overview
from launchers.machines.site import Site
from launchers.queue.lease import sole

pytestmark = pytest.mark.usefixtures("slurm")
SECRET = "mongodb://farm:kumquat@db.site:27017/lf"
KEYS = [f"key{number}" for number in range(10)]


def order(place: Path, *, site: dict[str, Any] | None = None, others: dict[str, Any] | None = None, uri: str | None = None, **kind: Any) -> Order:
    """One class of two slots and one core hour an allocation, three allocations at once."""
    gpu = {"walltime": "30m", "cores": 2, "max_allocations": 3, **kind}
    made = Site(scheduler="slurm", classes={"gpu": gpu, **(others or {})}, **(site or {}))  # type: ignore[arg-type]
    return Order("here", made, ("/v/latticefarm",), place, {"LATTICEFARM_HOME": str(place)}, uri)


def one_class(outcomes: list[Outcome] | None) -> Outcome:
    assert outcomes is not None
    (outcome,) = outcomes
    return outcome


def age(farm: Farm, seconds: float = 3600) -> None:
    """Have all that was claimed and submitted be so long ago."""
    for one in farm.allocations.find():
        times = {name: one[name] - seconds for name in ("claimed", "submitted") if one.get(name)}
        farm.allocations.update_one({"_id": one["_id"]}, {"$set": times})


def test_nothing_is_ready(farm, slurm, tmp_path):
    outcome = one_class(launch(farm, order(tmp_path)))
    assert outcome.text() == "here gpu: nothing is ready"
    assert slurm.jobs == []


def test_as_many_as_the_ready_work_needs_less_those_that_live(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS[:3])
    assert one_class(launch(farm, order(tmp_path))).text() == "here gpu: 3 jobs ready, 2 slots an allocation; submitted 2 (1, 2)"
    again = one_class(launch(farm, order(tmp_path)))
    assert again.text() == "here gpu: 3 jobs ready, 2 slots an allocation; 2 pending; no more are needed"
    add_ready(farm, *KEYS[3:])
    limited = one_class(launch(farm, order(tmp_path)))
    assert limited.text() == "here gpu: 10 jobs ready, 2 slots an allocation; 2 pending; submitted 1 (3); at its limit of 3 allocations at once"
    assert [one[4] for one in slurm.jobs] == [one.name for one in live(farm)]
    slurm.say("1", "CANCELLED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")
    assert one_class(launch(farm, order(tmp_path))).submitted == ["4"]


def test_a_class_takes_its_categories(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS[:4], category="label")
    add_ready(farm, *KEYS[4:6], category="train")
    add_ready(farm, *KEYS[6:8], category="train", _rests_until=time.time() + 60)
    others = {"cpu": {"walltime": "1h", "cores": 1, "categories": "label", "max_allocations": 9}}
    gpu, cpu = launch(farm, order(tmp_path, others=others, categories=["train"])) or ()
    assert (len(gpu.submitted), len(cpu.submitted)) == (1, 4)
    assert "--category label" in (slurm.place / "script-5").read_text()
    alone = launch(farm, replace(order(tmp_path, others=others), classes=("cpu",)))
    assert [one.kind for one in alone or ()] == ["cpu"]


def test_what_does_not_fit_into_the_walltime_justifies_no_allocation(farm, tmp_path, add_ready):
    """It would begin, find nothing that fits, and end, again and again."""
    add_ready(farm, "a", "b", _expects={"kind": "long", "guess_s": 3600.0, "resumes": False})
    assert one_class(launch(farm, order(tmp_path))).text() == "here gpu: nothing is ready; 2 more take longer than its walltime"
    add_ready(farm, "c", _expects={"kind": "long", "guess_s": 3600.0, "resumes": True})
    outcome = one_class(launch(farm, order(tmp_path)))
    assert outcome.text() == "here gpu: 1 job ready, 2 slots an allocation; 2 more take longer than its walltime; submitted 1 (1)"
    assert ready(farm, order(tmp_path, walltime="2h").site.classes) == {"gpu": ([frozenset()] * 3, 0)}


def test_the_record(farm, slurm, tmp_path, add_ready):
    add_ready(farm, "a")
    launch(farm, order(tmp_path, nodes=2, gpus=1))
    (one,) = live(farm)
    assert (one.scheduler, one.job_id, one.site, one.kind, one.state) == ("slurm", "1", "here", "gpu", "pending")
    assert (one.nodes, one.cores, one.slots, one.core_hours, one.node_hours) == (2, 4, 2, 2.0, 1.0)
    from hashlib import sha256

    assert one.digest == sha256((slurm.place / "script-1").read_bytes()).hexdigest()
    assert (Path(one.folder) / "script.sh").read_bytes() == (slurm.place / "script-1").read_bytes()
    assert len(one.name) <= 15  # what the oldest PBS takes


def test_the_uri_is_in_a_private_file_alone(farm, slurm, tmp_path, add_ready, monkeypatch):
    add_ready(farm, "a")
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", SECRET)
    launch(farm, order(tmp_path, uri=SECRET))
    (one,) = live(farm)
    path = Path(one.folder) / "mongo_uri"
    assert path.read_text() == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    script, seen = ((slurm.place / f"{name}-1").read_text() for name in ("script", "environment"))
    assert "kumquat" not in script + seen + str(farm.allocations.find_one())
    assert f"export LATTICEFARM_MONGO_URI_FILE={path}\n" in script
    slurm.say("1", "COMPLETED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")
    launch(farm, order(tmp_path))
    assert not path.exists()


def test_a_refusal_is_one_line_and_leaves_nothing(farm, slurm, tmp_path, add_ready):
    add_ready(farm, "a")
    slurm.set("refusal", "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n")
    outcome = one_class(launch(farm, order(tmp_path)))
    assert outcome.failed
    assert outcome.text().endswith("; sbatch: invalid partition specified: nope")
    assert live(farm) == []
    assert list((tmp_path / "allocations").iterdir()) == []


def test_no_answer_submits_nothing_and_ends_nothing(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    launch(farm, order(tmp_path, max_allocations=1))
    slurm.set("silent")
    age(farm)
    with pytest.raises(Unanswered, match="scontrol: slurm_load_ctl_conf error: Unable to contact"):
        launch(farm, order(tmp_path))
    assert len(slurm.jobs) == len(live(farm)) == 1
    shown = overview(farm).lines()
    assert shown[0] == "allocations of here gpu: 1 pending (1)"
    assert "as they were last seen: scontrol:" in shown[1]


def test_budget_of_a_site_counts_what_was_used_and_what_is_promised(farm, slurm, tmp_path, add_ready):
    """Core hours by hand: 2 cores x 10 min of the first that ended, and 1 for each that lives."""
    add_ready(farm, *KEYS)
    told = order(tmp_path, site={"max_core_hours": 2.3})
    assert len(one_class(launch(farm, told)).submitted) == 2
    slurm.say("1", "COMPLETED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")
    outcome = one_class(launch(farm, told))  # 1/3 used, 1 promised, and 1 more are 2.33
    assert outcome.submitted == []
    assert outcome.notes == ["over budget: 1.333 of the 2.3 core hours of here are spent or promised, and an allocation takes 1"]
    assert one_class(launch(farm, order(tmp_path, site={"max_core_hours": 2.34}))).submitted == ["3"]


def test_node_hours_of_a_class(farm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    outcome = one_class(launch(farm, order(tmp_path, max_node_hours=1.2)))
    assert outcome.submitted == ["1", "2"]
    assert outcome.notes == ["over budget: 1 of its 1.2 node hours are spent or promised, and an allocation takes 0.5"]


def test_budget_of_a_campaign(farm, tmp_path, add_ready):
    """Four jobs of `rich`, four of `poor`, half an allocation's core hour each: `poor` can pay one, not a second."""
    add_ready(farm, *KEYS[:4], _asked_by=["rich"])
    add_ready(farm, *KEYS[4:8], _asked_by=["poor"])
    told = replace(order(tmp_path, max_allocations=9), limits={"poor": 0.7})
    outcome = one_class(launch(farm, told))
    # the first is for all (half of it poor's), the second for rich alone, whose four jobs are then served
    assert len(outcome.submitted) == 2
    assert [one.asked_by for one in live(farm)] == [{"poor": 0.5, "rich": 0.5}, {"rich": 1.0}]
    assert outcome.notes == ["over budget: campaign poor: 0.5 of its 0.7 core hours are spent or promised, and an allocation takes 1"]
    again = one_class(launch(farm, told))
    assert again.submitted == []
    assert "campaign poor" in again.text()


def test_work_that_another_asks_for_too_is_done_and_counts_for_it_alone(farm, tmp_path, add_ready):
    add_ready(farm, "a", _asked_by=["rich", "poor"])
    add_ready(farm, "b", _asked_by=["poor"])
    outcome = one_class(launch(farm, replace(order(tmp_path), limits={"poor": 0.5})))
    assert len(outcome.submitted) == 1
    assert live(farm)[0].asked_by == {"rich": 1.0}


def test_hours_are_compared_without_their_rounding(farm, tmp_path, add_ready):
    """Three times 0.1 h are more than 0.3 h to a computer."""
    add_ready(farm, *KEYS)
    assert len(one_class(launch(farm, order(tmp_path, walltime="6m", max_node_hours=0.3))).submitted) == 3


def test_for_one_campaign_alone(farm, tmp_path, add_ready):
    for key, askers in ((KEYS[0], ["one", "two"]), (KEYS[1], ["two"]), (KEYS[2], ["one"]), (KEYS[3], [])):
        add_ready(farm, key, _asked_by=askers)
    outcome = one_class(launch(farm, replace(order(tmp_path), campaign="one")))
    assert (outcome.ready, len(outcome.submitted)) == (2, 1)
    assert live(farm)[0].asked_by == {"one": 1.0}


def test_a_scheduler_is_not_believed_of_jobs_of_another_cluster_or_user(farm, slurm, tmp_path, add_ready):
    """Two clusters with a site of the same name, one database: on each its own are counted, and none is called gone."""
    add_ready(farm, *KEYS)
    told = order(tmp_path, max_allocations=1, site={"max_core_hours": 2.5})
    assert one_class(launch(farm, told)).submitted == ["1"]
    slurm.set("cluster", "other")
    slurm.forget()
    age(farm)
    assert one_class(launch(farm, told)).submitted == ["1"]
    farm.allocations.update_many({}, {"$set": {"user": "nobody-of-this-name"}})
    assert one_class(launch(farm, told)).notes[0].startswith("over budget: 2 of the 2.5 core hours of here")  # of all
    assert [(one.cluster, one.state) for one in live(farm)] == [("fake", "pending"), ("other", "pending")]
    assert overview(farm).lines() == ["allocations of here gpu: 2 pending (1, 1)"]


def test_a_dry_pass_writes_nothing(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    told = order(tmp_path)
    launch(farm, replace(told, classes=("gpu",)))
    slurm.say("1", "COMPLETED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")
    before = list(farm.allocations.find())
    (outcome,) = count(farm, told)
    assert (outcome.live, outcome.submitted) == ({"pending": 2}, [])
    assert list(farm.allocations.find()) == before
    assert len(slurm.jobs) == 3


def test_purse():
    work = [frozenset({"a"})] * 3 + [frozenset({"a", "b"})] + [frozenset()]
    assert parts(work) == {"a": 0.8, "b": 0.2}
    purse = Purse({"a": 1.0}, {"a": 0.5})
    assert purse.open_work(work, 0.6) == (work, set())
    left, closed = purse.open_work(work, 10)
    assert (left, closed) == ([frozenset({"a", "b"}), frozenset()], {"a"})
    assert Purse().open_work([], 1) == ([], set())


def test_two_at_once_submit_once(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    told = order(tmp_path, max_allocations=1)

    def call(number: int) -> list[Outcome] | None:
        return launch(replace(farm, token=f"cron {number}"), told)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(call, range(8)))
    assert len(slurm.jobs) == len(live(farm)) == 1
    assert sum(len(one_class(one).submitted) for one in found if one is not None) == 1


def test_while_another_is_at_work(farm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    with sole(farm, "launch here") as lease:
        assert lease is not None
        assert launch(farm, order(tmp_path)) is None
        assert lease.renew()
    assert launch(farm, order(tmp_path)) is not None


def test_a_lease_of_the_dead_ends(farm):
    with sole(farm, "x", timedelta(seconds=-1)) as first, sole(farm, "x") as second:
        assert first is not None
        assert second is not None
        assert not first.renew()
        assert second.renew()
    with sole(farm, "x") as third:
        assert third is not None


def test_a_lease_of_a_process_that_died_here_is_free_at_once(farm):
    """As where the database was away when it ended, and could not be told."""
    take = "import os, sys; from launchers.database.ladder import find; from launchers.farm import Farm; from launchers.queue.lease import sole"
    keep = f"{take}\nwith sole(Farm.open(find()), 'x') as lease:\n    os.write(1, bytes([lease is not None])); sys.stdin.read(1); os._exit(9)"
    with subprocess.Popen([sys.executable, "-c", keep], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.read(1) == b"\x01"
        with sole(farm, "x") as lease:
            assert lease is None
        other.communicate(b"\n")
    with sole(farm, "x") as lease:
        assert lease is not None


def claimed(place: Path, **changed: Any) -> Allocation:
    facts: dict[str, Any] = {"nodes": 1, "cores": 2, "slots": 2, "walltime_s": 1800, "host": "h", "folder": str(place / "lf-x"), "digest": "", "asked_by": {}}
    return Allocation("lf-x", "slurm", "fake", getpass.getuser(), "here", "gpu", **{**facts, "claimed": time.time(), **changed})


@pytest.mark.parametrize("state", [allocations.CLAIMED, allocations.SUBMITTING])
def test_a_claim_of_the_dead_that_was_submitted_is_found_by_its_name(farm, slurm, tmp_path, add_ready, state):
    add_ready(farm, *KEYS)
    allocations.claim(farm, claimed(tmp_path, state=state))
    slurm.set("jobs", "77|RUNNING|2026-11-26T16:00:00|2026-11-26T16:30:00|lf-x|None\n")
    assert one_class(launch(farm, order(tmp_path, max_allocations=1))).submitted == []
    (one,) = live(farm)
    assert (one.job_id, one.state) == ("77", "running")


@pytest.mark.parametrize("state", [allocations.CLAIMED, allocations.SUBMITTING])
def test_a_claim_of_the_dead_that_was_not_submitted_is_given_up_after_a_while(farm, tmp_path, add_ready, state):
    add_ready(farm, *KEYS)
    allocations.claim(farm, claimed(tmp_path, state=state))
    told = order(tmp_path, max_allocations=1)
    assert one_class(launch(farm, told)).submitted == []  # its process may only be slow
    age(farm, allocations.GRACE_S + 1)
    assert one_class(launch(farm, told)).submitted == ["1"]
    assert farm.allocations.find_one({"_id": "lf-x"})["state"] == allocations.VOID
    assert not move(farm, "lf-x", allocations.CLAIMED, allocations.SUBMITTING)  # if it was only slow, it may not go on


def test_one_that_was_given_up_and_submitted_after_all_is_withdrawn(farm, slurm, tmp_path, add_ready, monkeypatch):
    add_ready(farm, *KEYS)
    from launchers.machines import launch as module

    def slow(*arguments: Any) -> str:
        farm.allocations.update_many({}, {"$set": {"state": allocations.VOID}})  # by another, who waited long enough
        return real(*arguments)

    real = module.submit
    monkeypatch.setattr(module, "submit", slow)
    assert one_class(launch(farm, order(tmp_path))).submitted == []
    assert (slurm.place / "cancelled").read_text() == "1\n"


def test_one_without_a_number_is_found_by_its_name(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    slurm.set("mute")
    told = order(tmp_path, max_allocations=1)
    outcome = one_class(launch(farm, told))
    assert outcome.failed
    assert "sbatch said no job number" in outcome.text()
    assert one_class(launch(farm, told)).submitted == []
    assert [one.job_id for one in live(farm)] == ["1"]


def test_what_a_scheduler_forgot_has_ended_at_its_walltime_at_the_latest(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    launch(farm, order(tmp_path, max_allocations=1))
    slurm.forget()
    assert one_class(launch(farm, order(tmp_path, max_allocations=1))).submitted == []  # too young to be believed gone
    age(farm, 7200)
    assert one_class(launch(farm, order(tmp_path, max_allocations=1))).submitted == ["1"]
    (gone,) = (one for one in allocations.all_of(farm) if not one.is_live)
    assert (gone.state, gone.word, gone.core_hours) == ("ended", "gone", 1.0)


def test_times_of_an_allocation(tmp_path):
    now = 1_000_000.0
    one = claimed(tmp_path, claimed=now - 500, submitted=now - 499, job_id="1", state="pending")
    assert one.core_hours == 1.0
    running = facts_of(one, {"lf-x": Job("1", "lf-x", State.RUNNING, "RUNNING", "", now - 300, now + 1500)}, now)
    assert (running["state"], running["started"]) == ("running", now - 300)
    one = replace(one, **running)
    assert (one.core_hours, one.ends) == (1.0, now + 1500)
    ended = replace(one, **facts_of(one, {"lf-x": Job("1", "lf-x", State.ENDED, "TIMEOUT", "", now - 300, now)}, now))
    assert math.isclose(ended.core_hours, 2 * 300 / 3600)
    gone = replace(one, **facts_of(one, {}, now + 100))
    assert math.isclose(gone.core_hours, 2 * 400 / 3600)
    waiting = replace(one, started=None, state="pending")
    cancelled = replace(waiting, **facts_of(waiting, {"lf-x": Job("1", "lf-x", State.ENDED, "CANCELLED", "", now, now)}, now))
    assert cancelled.core_hours == 0


def test_allocations_that_fail_at_once_are_not_followed_by_more_for_an_hour(farm, slurm, tmp_path, add_ready):
    add_ready(farm, *KEYS)
    told = order(tmp_path, max_allocations=1)
    now = time.time()
    for number in range(1, 4):
        assert one_class(launch(farm, told)).submitted == [str(number)]
        began, ended = (time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now + one)) for one in (-60, -55))
        slurm.say(str(number), "FAILED", began, ended)
    outcome = one_class(launch(farm, told))
    assert outcome.submitted == []
    assert "the last 3 failed within a minute: see " in outcome.text()
    farm.allocations.update_many({}, {"$set": {"ended": now - 4000, "started": now - 4005}})
    assert one_class(launch(farm, told)).submitted == ["4"]


def test_status_says_what_waits_and_why(farm, slurm: FakeSlurm, tmp_path, add_ready: Callable[..., None]):
    add_ready(farm, *KEYS)
    launch(farm, order(tmp_path))
    slurm.say("1", "RUNNING", "2026-11-26T16:00:00", "2026-11-26T16:30:00")
    slurm.say("3", "COMPLETED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")
    assert overview(farm).lines() == [
        "allocations of here gpu: 1 pending: Resources (2)",
        "allocations of here gpu: 1 running, the first ends at 2026-11-26 16:30 (1)",
    ]
    assert [one.state for one in live(farm)] == ["pending"] * 3  # to look changes nothing
