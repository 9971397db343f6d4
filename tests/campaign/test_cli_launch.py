"""`latticefarm launch` as its user sees it: one line for whatever is wrong, and nothing twice whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from schedulers import FakeSlurm

from campaign.cli import launch_commands
from campaign.cli.sites import read_sites
from campaign.spec.errors import SpecError
from launchers.database.ladder import Database
from launchers.farm import Farm
from launchers.machines.allocations import GRACE_S, live
from launchers.machines.reach import Reach, of_this_host

pytestmark = pytest.mark.usefixtures("slurm")
GPU: dict[str, Any] = {"walltime": "30m", "cores": 2, "max_allocations": 1}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A Slurm that only writes down what it is told."""
    fake = FakeSlurm.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", fake.path)
    return fake


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the file of sites; a `latticefarm` is beside this Python, installed or not."""
    monkeypatch.setenv("LATTICEFARM_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.setattr(launch_commands, "program", lambda: "/v/latticefarm")

    def write(text: str | None = None, **classes: Any) -> Path:
        whole = {"sites": {"here": {"scheduler": "slurm", "classes": classes or {"gpu": GPU}}}}
        (tmp_path / "sites.yaml").write_text(yaml.safe_dump(whole) if text is None else text)
        return tmp_path / "sites.yaml"

    return write


@pytest.fixture
def toy(farm: Farm, toy_folder: Path, latticefarm: Callable[..., Any]) -> Farm:
    """The toy campaign in the queue: eight trainings are ready."""
    assert toy_folder.is_dir()
    assert "8 jobs added" in latticefarm("submit", "toy.yaml").out
    return farm


def lines(said: Any) -> list[str]:
    assert said.code == 0, said
    return said.out.splitlines()


@pytest.mark.usefixtures("sites")
def test_init_writes_a_file_that_can_be_read(latticefarm, tmp_path):
    assert "wrote" in latticefarm("launch", "--init").out
    assert "is there already: edit it" in latticefarm("launch", "--init").complaint
    found = read_sites(tmp_path / "sites.yaml").sites["here"]
    assert (found.scheduler, found.classes["gpu"].walltime, found.classes["gpu"].max_allocations) == ("slurm", 43200, 2)
    doctor = latticefarm("doctor").out
    assert "site here, class gpu: sbatch would take it: 8 slots (2 with a GPU)" in doctor


@pytest.mark.usefixtures("sites")
def test_all_that_is_commented_out_in_the_example_is_allowed(tmp_path, latticefarm):
    latticefarm("launch", "--init")
    text = (tmp_path / "sites.yaml").read_text()
    whole = "\n".join(line.replace("# ", "", 1) if line.strip().startswith("# ") and line.startswith("  ") else line for line in text.splitlines())
    (tmp_path / "sites.yaml").write_text(whole.replace("~/slurm.sh", str(_ours())))
    site = read_sites(tmp_path / "sites.yaml").sites["here"]
    assert site.classes["gpu"].options == {"constraint": "a100", "signal": "TERM@120"}
    assert site.classes["cpu"].categories == ("label",)
    assert {name for name, one in site if one is None} == set()
    assert {name for name, one in site.classes["gpu"] if one is None} == set()


def _ours() -> Path:
    from launchers.machines import site

    return Path(site.__file__).parent / "templates" / "slurm.sh"


WRONG = {
    "sites: {here: {scheduler: slurn, classes: {gpu: {walltime: 1h, cores: 1}}}}": "sites.yaml:1: sites.here.scheduler: .*'slurm', 'pbs', 'lsf' or 'sge'",
    "sites:\n  here:\n    scheduler: slurm\n    classes:\n      gpu:\n        walltime: 1h\n        cores: 1\n        acount: x\n": "sites.yaml:8: sites.here.classes.gpu.acount: unknown key; did you mean account?",
    "sites: {here: {scheduler: slurm, classes: {gpu: {walltime: 24, cores: 1}}}}": "walltime: write 24:00:00, 1-12:00:00, 90m or 36h, got 24",
    "sites: {here: {scheduler: slurm, classes: {gpu: {walltime: 1h, cores: 1, memory: 64}}}}": "memory: write 64G or 8000M, got 64",
    "sites: {here: {scheduler: slurm, classes: {gpu: {walltime: 1h}}}}": "sites.here.classes.gpu.cores: missing; add it",
    "sites: {here: {scheduler: slurm, classes: {gpu: {walltime: 1h, cores: 1, categories: [trian]}}}}": "no category 'trian'; did you mean train?",
    "sites:\n  here:\n    scheduler: slurm\n    classes:\n      gpu:\n        walltime: 1h\n        cores: 1\n        options:\n          gpu-bind: closest\n": "sites.yaml:9: sites.here.classes.gpu.options.gpu-bind: .*did you mean gpu_bind?",
    "sites: {here: {scheduler: slurm, template: /none, classes: {gpu: {walltime: 1h, cores: 1}}}}": "sites.here.template: the template /none cannot be read",
    "sites: {here: {scheduler: pbs, classes: {gpu: {walltime: 1h, cores: 1, nodes: 2}}}}": "sites.here: gpu has several nodes: say with launcher",
    "- a": "a file of sites is a mapping",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_in_the_file_is_one_line_with_its_place(text, sites, latticefarm):
    sites(text)
    message = WRONG[text].replace("?", r"\?")
    with pytest.raises(SpecError, match=message) as found:
        read_sites(sites(text))
    assert latticefarm("launch").complaint == str(found.value)


@pytest.mark.usefixtures("farm")
def test_what_a_user_may_get_wrong(sites, latticefarm, monkeypatch):
    assert "`latticefarm launch --init` writes one" in latticefarm("launch").complaint
    sites()
    assert latticefarm("launch", "hre").complaint == "no site 'hre'; did you mean here?"
    assert latticefarm("launch", "--class", "gpus").complaint == "here has no class 'gpus'; did you mean gpu?"
    assert "no campaign 'x'" in latticefarm("launch", "--campaign", "x").complaint
    sites("sites: {a: {scheduler: slurm, classes: {g: {walltime: 1h, cores: 1}}}, b: {scheduler: slurm, classes: {g: {walltime: 1h, cores: 1}}}}")
    assert latticefarm("launch").complaint == "several sites: name one of a, b"
    sites()
    monkeypatch.setenv("PATH", "/nowhere")
    assert latticefarm("launch").complaint.startswith("no sbatch on the PATH: run this on a login node")


@pytest.mark.usefixtures("farm")
def test_a_database_of_this_machine_is_out_of_reach_for_other_nodes(sites, latticefarm, slurm):
    sites()
    assert lines(latticefarm("launch"))[0] == "here gpu: nothing is ready"  # the node is this machine
    (slurm.place / "bin" / "sinfo").write_text("#!/bin/bash\necho node1\necho node2\n")
    assert "is out of reach for the nodes of here: set up a MongoDB that all machines reach" in latticefarm("launch").complaint
    assert lines(latticefarm("launch", "--local"))[0] == "here gpu: nothing is ready"


def test_how_an_allocation_finds_the_database(monkeypatch, tmp_path):
    monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path))
    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS", raising=False)
    given = Database("given", "mongodb://farm:kumquat@db.site/lf", "lf")
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", given.uri)
    common = {"LATTICEFARM_HOME": str(tmp_path), "LATTICEFARM_MONGO_DATABASE": "lf"}
    assert Reach.of(given) == Reach(common, given.uri)
    monkeypatch.delenv("LATTICEFARM_MONGO_URI")
    assert Reach.of(given) == Reach({**common, "LATTICEFARM_MONGO_URI_FILE": str(tmp_path / "mongo_uri")})
    assert Reach.of(Database("embedded", "mongodb://%2Fx", "lf")) == Reach(common)
    assert of_this_host(given) == ""
    for hosts in ("localhost", "127.0.0.1:27018", "[::1]:27017", "%2Ftmp%2Fmongodb.sock", "localhost:1,localhost:2"):
        assert of_this_host(Database("given", f"mongodb://{hosts}/lf", "lf")), hosts
    assert of_this_host(Database("given", "mongodb://localhost,db.site/lf", "lf")) == ""


def test_launch_limit_and_status(toy, sites, latticefarm, slurm):
    sites()
    dry = lines(latticefarm("launch", "--dry-run"))
    assert dry[0] == "# here gpu: 8 jobs ready, 2 slots an allocation; at its limit of 1 allocation at once"
    assert "exec /v/latticefarm work --until-empty --slots 2 --class gpu" in dry
    assert slurm.jobs == []
    assert live(toy) == []
    assert "no worker is heard of" in latticefarm("status").out
    assert lines(latticefarm("launch"))[0].endswith("submitted 1 (1); at its limit of 1 allocation at once")
    (second, _) = lines(latticefarm("launch"))
    assert second == "here gpu: 8 jobs ready, 2 slots an allocation; 1 pending; at its limit of 1 allocation at once"
    said = latticefarm("status").out
    assert "allocations of here gpu: 1 pending: Resources (1)" in said
    assert "no worker is heard of" not in said  # it is waited for


def test_what_fits_nowhere_is_said(toy, sites, latticefarm):
    """Once a site is known; `work` and `status` say it too, and a class that is large enough takes it."""
    toy.launchpad.fireworks.update_many({"state": "READY"}, {"$set": {"spec._needs": {"memory_GB": 5000.0}}})
    assert "fits nowhere" not in latticefarm("status").out
    sites()
    *_, line = [one for one in lines(latticefarm("launch", "--local")) if "fits nowhere" in one]
    assert "need 5000 GB of memory; the largest, class gpu of here, has 1 core and 0 GB" in line
    assert "and 7 more" in line
    for command in (("status",), ("work", "--slots", "1", "--until-empty")):
        assert "need 5000 GB of memory" in " ".join(latticefarm(*command).out.split())
    sites(gpu=GPU, huge={**GPU, "memory": "9T", "slots": 1})
    said = latticefarm("launch", "--local").out
    assert "here gpu: nothing is ready" in said
    assert "here huge: 8 jobs ready" in said
    assert "fits nowhere" not in said
    assert "--own takes what names a --class" in latticefarm("work", "--own").complaint


@pytest.mark.usefixtures("toy")
def test_unknown_partition(sites, latticefarm, slurm):
    sites()
    slurm.set("refusal", "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n")
    said = latticefarm("launch")
    assert said.code == 2
    assert said.out == "here gpu: 8 jobs ready, 2 slots an allocation; sbatch: invalid partition specified: nope\n"


@pytest.mark.usefixtures("toy")
def test_a_scheduler_that_does_not_answer(sites, latticefarm, slurm):
    sites()
    latticefarm("launch")
    slurm.set("silent")
    assert latticefarm("launch").complaint == "scontrol: slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)"


@pytest.mark.usefixtures("farm", "toy_folder")
def test_over_the_budget_of_a_campaign(sites, latticefarm):
    """One core hour an allocation, of a campaign that may spend one and a half."""
    sites(gpu={**GPU, "max_allocations": 9})
    latticefarm("submit", "toy.yaml", "--set", "budget.core_hours=1.5")
    assert lines(latticefarm("launch"))[0] == (
        "here gpu: 8 jobs ready, 2 slots an allocation; submitted 1 (1);"
        " over budget: campaign toy: 1 of its 1.5 core hours are spent or promised, and an allocation takes 1"
    )
    latticefarm("submit", "toy.yaml")
    assert lines(latticefarm("launch", "--campaign", "toy"))[0].endswith("; 1 pending; submitted 3 (2, 3, 4)")


def killed(cwd: Path) -> int:
    """The exit code of a launch of its own process."""
    script = "from campaign.cli import launch_commands, run_main; launch_commands.program = lambda: '/v/latticefarm'; run_main()"
    return subprocess.run([sys.executable, "-c", script, "launch"], cwd=cwd, env=dict(os.environ), check=False, capture_output=True).returncode


@pytest.mark.parametrize("moment", ["kill-before", "kill-after"])
def test_killed_beside_sbatch(toy, sites, latticefarm, slurm, tmp_path, moment):
    """Before it was called, the next pass submits once its claim is old; after, the job is found by its name."""
    sites()
    slurm.set(moment)
    assert killed(tmp_path) == -signal.SIGKILL
    submitted = [] if moment == "kill-before" else ["1"]
    assert [one[0] for one in slurm.jobs] == submitted
    (claim,) = live(toy)
    assert claim.job_id is None
    lines(latticefarm("launch"))
    assert [one[0] for one in slurm.jobs] == submitted
    toy.allocations.update_many({}, {"$inc": {"claimed": -GRACE_S}})
    lines(latticefarm("launch"))
    assert [one[0] for one in slurm.jobs] == ["1"]
    assert [one.job_id for one in live(toy)] == ["1"]


@pytest.mark.usefixtures("toy")
def test_after_a_kill_the_next_does_not_wait_for_the_lease(farm, sites, latticefarm, slurm, tmp_path):
    sites()
    slurm.set("kill-after")
    killed(tmp_path)
    held = farm.leases.find_one({"until": {"$ne": None}})
    assert lines(latticefarm("launch"))[0].endswith("1 pending; at its limit of 1 allocation at once")
    assert len(slurm.jobs) == 1
    # of a process of another host nobody here knows whether it lives
    farm.leases.replace_one({"_id": held["_id"]}, {**held, "by": "word elsewhere:1:1700000000"})
    assert lines(latticefarm("launch"))[0] == "here: another `latticefarm launch` is at work on this site: it does what there is to do"


@pytest.mark.usefixtures("toy")
def test_two_crons_at_once(sites, slurm, tmp_path):
    sites()
    script = "from campaign.cli import launch_commands, run_main; launch_commands.program = lambda: '/v/latticefarm'; run_main()"
    crons = [subprocess.Popen([sys.executable, "-c", script, "launch"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=60)[0].splitlines()[0] for one in crons]
    assert [one.returncode for one in crons] == [0, 0]
    assert len(slurm.jobs) == 1
    assert sum("submitted 1 (1)" in one for one in said) == 1


@pytest.mark.usefixtures("toy")
def test_watch_stays_until_there_is_nothing_to_do(farm, sites, latticefarm, slurm, monkeypatch):
    """A scheduler that is silent for a while is waited for; what is unchanged is not said again."""
    sites()
    passes = []

    def meanwhile(seconds: float) -> None:
        passes.append(seconds)
        if len(passes) == 2:
            slurm.set("silent")
        if len(passes) == 3:
            (slurm.place / "silent").unlink()
            farm.launchpad.fireworks.update_many({}, {"$set": {"state": "COMPLETED"}})
            slurm.say("1", "COMPLETED", "2026-11-26T16:00:00", "2026-11-26T16:10:00")

    monkeypatch.setattr(launch_commands, "time", SimpleNamespace(sleep=meanwhile))
    said = lines(latticefarm("launch", "--watch"))
    assert [line.split("; ")[-1] for line in said] == [
        "at its limit of 1 allocation at once",
        "at its limit of 1 allocation at once",
        "here: scontrol: slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)",
        "here gpu: nothing is ready",
        "next: latticefarm status",
    ]
    assert len(passes) == 3
