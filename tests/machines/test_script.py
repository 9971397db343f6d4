"""Scripts: every key of a class is in them, and none is lost without a word."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from launchers.machines.hardware import Hardware
from launchers.machines.script import (
    OURS,
    ScriptError,
    Task,
    job_id,
    names,
    script,
    submit_command,
    template,
    work_arguments,
)
from launchers.machines.site import ResourceClass, Site
from launchers.machines.slots import slots

KINDS = ("slurm", "pbs", "lsf", "sge")
FULL: dict[str, Any] = {
    "walltime": "1-02:03:00",
    "cores": 8,
    "nodes": 2,
    "memory": "64G",
    "gpus": 4,
    "gpu_slots": 2,
    "partition": "fast",
    "account": "abc",
    "qos": "high",
    "categories": ["train", "analyse"],
    "setup": ["module load cuda"],
}
HEADS = {
    "slurm": """\
#SBATCH --job-name=lf-a
#SBATCH --output=/h/allocations/lf-a/allocation.log
#SBATCH --open-mode=append
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=65536M
#SBATCH --gres=gpu:4
#SBATCH --time=1-02:03:00
#SBATCH --partition=fast
#SBATCH --account=abc
#SBATCH --qos=high
""",
    "pbs": """\
#PBS -N lf-a
#PBS -j oe
#PBS -o /h/allocations/lf-a/allocation.log
#PBS -l select=2:ncpus=8:mem=65536mb:ngpus=4
#PBS -l walltime=26:03:00
#PBS -l qos=high
#PBS -q fast
#PBS -A abc
""",
    "lsf": """\
#BSUB -J lf-a
#BSUB -o /h/allocations/lf-a/allocation.log
#BSUB -n 16
#BSUB -R "span[ptile=8]"
#BSUB -R "rusage[mem=65536MB]"
#BSUB -gpu "num=4"
#BSUB -W 26:03
#BSUB -q fast
#BSUB -P abc
#BSUB -sla high
""",
    "sge": """\
#$ -S /bin/bash
#$ -N lf-a
#$ -j y
#$ -o /h/allocations/lf-a/allocation.log
#$ -pe smp 16
#$ -l h_rt=26:03:00
#$ -l mem_free=65536M
#$ -l gpu=4
#$ -q fast
#$ -A abc
#$ -P high
""",
}
TASK = Task("lf-a", Path("/h/allocations/lf-a"), ("/v/bin/latticefarm", "work", "a b"), {"LATTICEFARM_HOME": "/h"})


def site(kind: str = "slurm", *, launcher: str | None = "each", template: str | None = None, **changed: Any) -> tuple[Site, ResourceClass]:
    options = {"pe": "smp"} if kind == "sge" else {}
    one = ResourceClass(**{**FULL, "options": options, **changed})
    return Site(scheduler=kind, classes={"gpu": one}, launcher=launcher, template=template), one  # type: ignore[arg-type]


def written(*arguments: Any, **changed: Any) -> str:
    return script(*site(*arguments, **changed), TASK)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_says_all_that_the_class_says(kind: str) -> None:
    head, _, body = written(kind).partition("\n\n")
    assert head == "#!/bin/bash\n" + HEADS[kind].strip()
    assert body.strip().splitlines() == [
        "unset LATTICEFARM_MONGO_URI",
        "export LATTICEFARM_HOME=/h",
        "module load cuda",
        'cd "/h/allocations/lf-a"',
        "exec each /v/bin/latticefarm work 'a b'",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_are_scripts(kind: str) -> None:
    subprocess.run(["bash", "-n"], input=written(kind), text=True, check=True)


def test_slurm_starts_one_command_on_each_node() -> None:
    assert "exec srun --nodes=2 --ntasks-per-node=1 --cpus-per-task=8 --kill-on-bad-exit=0 /v" in written(launcher=None)
    assert "exec /v/bin/latticefarm" in written(launcher=None, nodes=1)
    with pytest.raises(ValidationError, match="gpu has several nodes: say with launcher"):
        site("pbs", launcher=None)


def test_all_of_it_may_be_left_out_but_cores_and_walltime() -> None:
    bare = ResourceClass(walltime="90m", cores=1)  # type: ignore[arg-type]
    for kind in KINDS[:3]:
        text = script(Site(scheduler=kind, classes={"cpu": bare}), bare, TASK)  # type: ignore[arg-type]
        assert "$" not in text.replace("#$", "")
        assert "None" not in text
    assert "--time=01:30:00\n" in script(Site(scheduler="slurm", classes={"cpu": bare}), bare, TASK)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_template_reaches_the_script(kind: str) -> None:
    """With all of them given, as many lines of the head as the template has; FireWorks' own loses gpu-bind so."""
    where, one = site(kind)
    known = names(template(where)) - set(OURS)
    asked = {**{name: f"value-of-{name}" for name in known}}
    text = script(where, one.model_copy(update={"options": asked}), TASK)
    assert all(f"value-of-{name}" in text for name in known)
    assert len(known) > 10
    assert len(text.split("\n\n")[0].splitlines()) == len(template(where).split("\n\n")[0].splitlines())


def test_fireworks_own_template_loses_gpu_bind() -> None:
    """The reason for ours: when this fails, FireWorks has mended it."""
    from fireworks.user_objects.queue_adapters.common_adapter import CommonAdapter

    text = CommonAdapter("SLURM", **{"gpu-bind": "closest", "gres": "gpu:1"}).get_script_str("/tmp")
    assert "--gres=gpu:1" in text
    assert "closest" not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpu-bind": "closest"}, "has no 'gpu-bind'; did you mean gpu_bind?"),
        ({"constrain": "a100"}, "did you mean constraint?"),
        ({"zzz": 1}, "known: "),
        ({"rocket_launch": "rm"}, "is set by latticefarm"),
        ({"comment": "a\n#SBATCH --uid=0"}, "more than one line"),
        ({"comment": "$$"}, r"holds \$\$"),
    ],
)
def test_what_would_be_lost_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptError, match=message.replace("?", r"\?")) as found:
        written(options=options)
    assert found.value.key == next(iter(options))


def test_a_line_of_shell_that_would_be_lost_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"\$\$"):
        written(setup=["echo $$"])


def test_a_key_that_needs_another_says_which() -> None:
    with pytest.raises(ScriptError, match=r"slots goes into the script together with pe: give options: \{pe: "):
        written("sge", options={})


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.sh"
    path.write_text("#!/bin/bash\n#SBATCH -t $${walltime} -J $${job_name} -o $${log}\n$${pre_rocket}\ncd $${launch_dir}\n$${rocket_launch}\n")
    one = ResourceClass(walltime="1h", cores=1)  # type: ignore[arg-type]
    with pytest.raises(ScriptError, match="no line for nodes, which is '1'"):
        script(Site(scheduler="slurm", classes={"a": one}, template=str(path)), one, TASK)
    path.write_text(path.read_text() + "# $${nodes} $${ntasks_per_node} $${cpus_per_task}\n")
    assert "-t 01:00:00 -J lf-a" in script(Site(scheduler="slurm", classes={"a": one}, template=str(path)), one, TASK)
    path.write_text("#SBATCH --gpu-bind=$${gpu-bind}\n")
    with pytest.raises(ScriptError, match=r"\$\$\{gpu-bind\}"):
        written(template=str(path))
    with pytest.raises(ScriptError, match="cannot be read: No such file"):
        written(template=str(tmp_path / "none.sh"))


def test_a_log_that_no_scheduler_bears() -> None:
    where, one = site()
    with pytest.raises(ScriptError, match="set LATTICEFARM_HOME"):
        script(where, one, Task("lf-a", Path("/my home/lf-a"), ("x",), {}))


def test_what_works_in_an_allocation() -> None:
    arguments = ["work", "--until-empty", "--gpu-slots", "2", "--cpu-slots", "0", "--class", "a", "--category", "train", "--category", "analyse"]
    assert list(work_arguments(*site(), "a")) == arguments
    assert list(work_arguments(*site("sge"), "a")) == [*arguments, "--deadline", "93720s"]  # 26:03:00, less a minute


def test_slots() -> None:
    """Those of a node, of all nodes, and of a node those with a GPU: two cores for each, the rest for slots beside."""

    def slots(**changed: Any) -> tuple[int, int, int]:
        one = ResourceClass(**{"walltime": "1h", "cores": 16, **changed})
        return len(one.slots_of_node), one.all_slots, sum(slot.gpu is not None for slot in one.slots_of_node)

    assert slots() == (8, 8, 0)
    assert slots(cores=3) == (3, 3, 0)
    assert slots(gpus=4) == (8, 8, 4)
    assert slots(gpus=4, cpu_slots=0) == (4, 4, 4)
    assert slots(gpus=4, gpu_slots=2, nodes=3) == (8, 24, 8)
    assert slots(gpus=4, slots=5) == (5, 5, 4)


@pytest.mark.parametrize("changed", [{}, {"gpus": 4}, {"gpus": 4, "gpu_slots": 2}, {"gpus": 4, "slots": 5}, {"gpus": 2, "cpu_slots": 1}, {"slots": 3}])
def test_an_allocation_makes_the_slots_that_it_was_reckoned_with(changed: dict[str, Any]) -> None:
    """The arguments of its `latticefarm work`, on the hardware that was asked for, and on another core more."""
    where, one = site(**{"gpus": 0, "gpu_slots": 1, "cores": 16, **changed})
    told = list(work_arguments(where, one, "a"))
    number = {name: int(told[told.index(name) + 1]) if name in told else None for name in ("--slots", "--gpu-slots", "--cpu-slots")}
    for cores in (16, 17):
        given = Hardware(cores, tuple(map(str, range(one.gpus))), 64.0)
        made = slots(given, number["--slots"], number["--gpu-slots"] or 1, number["--cpu-slots"])
        assert [slot.gpu for slot in made] == [slot.gpu for slot in one.slots_of_node]


@pytest.mark.parametrize(
    ("text", "seconds"), [("24:00:00", 86400), ("1-12:00:00", 129600), ("90m", 5400), ("1.5h", 5400), ("2d", 172800)]
)
def test_walltimes(text: str, seconds: int) -> None:
    assert ResourceClass(walltime=text, cores=1).walltime == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["24", 3600, "long", "90s", "10:00"])
def test_wrong_walltimes(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        ResourceClass(walltime=wrong, cores=1)


@pytest.mark.parametrize(
    ("kind", "said", "number"),
    [
        ("slurm", "Submitted batch job 17 on cluster x\n", "17"),
        ("pbs", "1234.pbs01\n", "1234"),
        ("lsf", "Job <101> is submitted to queue <normal>.\n", "101"),
        ("sge", 'Your job 7 ("lf-123") has been submitted\n', "7"),
        ("slurm", "sbatch: hello 17\n", None),
    ],
)
def test_numbers_of_jobs(kind: str, said: str, number: str | None) -> None:
    assert job_id(site(kind)[0], said) == number


def test_lsf_reads_the_script(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("#BSUB -n 1\n")
    assert submit_command(site("lsf")[0], tmp_path / "s") == (["bsub"], "#BSUB -n 1\n")
    assert submit_command(site("slurm")[0], tmp_path / "s") == (["sbatch", str(tmp_path / "s")], None)


def test_variables_are_quoted() -> None:
    text = script(*site(), Task("lf-a", Path("/h/lf-a"), ("x",), {"LATTICEFARM_HOME": "/a b/$HOME"}))
    line = next(line for line in text.splitlines() if line.startswith("export"))
    assert shlex.split(line) == ["export", "LATTICEFARM_HOME=/a b/$HOME"]
