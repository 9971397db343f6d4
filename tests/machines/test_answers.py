"""What schedulers print, as recorded (Slurm 22.05 here; the others from their manuals), and what is read of it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pytest

from launchers.machines import lsf, pbs, sge, slurm
from launchers.machines.answers import Job, NoScheduler, State, Unanswered, ask, environment
from launchers.machines.scheduler import SCHEDULERS, Place, end_time, here


def at(*moment: int) -> float:
    return datetime(*moment).timestamp()


SQUEUE = """\
11|PENDING|2026-11-26T17:31:59|2026-11-26T17:36:59|lf-b|BeginTime
12|PENDING|N/A|N/A|lf-c|PartitionTimeLimit
1|RUNNING|2026-11-26T16:31:46|2026-11-26T16:36:46|lf-a|None
9|COMPLETING|2026-11-26T16:31:46|2026-11-26T16:36:46|lf-e|None
10|CANCELLED|2026-11-26T16:32:00|2026-11-26T16:32:00|lf-d|JobHeldUser
13|PENDING|N/A|N/A|lf-f|(ReqNodeNotAvail, UnavailableNodes:n1|n2)
"""
QSTAT = """\
Job Id: 1234.pbs01
    Job_Name = lf-a
    Job_Owner = me@login
    job_state = R
    queue = workq
    Resource_List.select = 1:ncpus=8
    Resource_List.walltime = 24:00:00
    stime = Thu Nov 26 14:04:06 2026
    Variable_List = PBS_O_HOME=/home/me,
\tPBS_O_LANG=C
    comment = Job run at Thu Nov 26 at 14:04 on (n1:ncpus=8)

Job Id: 1235.pbs01
    Job_Name = lf-b
    job_state = Q
    Resource_List.walltime = 24:00:00
    comment = Not Running: Insufficient amount of resource: ngpus (R: 2 A: 0
\t T: 4)

Job Id: 1236.pbs01
    Job_Name = lf-c
    job_state = F
    stime = Thu Nov 26 10:00:00 2026
    Resource_List.walltime = 01:00:00
"""
BJOBS = """\
101|RUN|Nov 26 14:04 2026|Nov 27 14:04 2026 L|lf-a|-
102|PEND|-|-|lf-b| Job slot limit reached;
103|DONE|Nov 26 10:00 2026|Nov 26 10:30 2026 E|lf-c|-
104|SSUSP|Nov 26 14:04:06 2026|Nov 27 14:04:06 2026 L|lf-d|-
"""
QSTAT_XML = """\
<?xml version='1.0'?>
<job_info>
  <queue_info>
    <job_list state="running">
      <JB_job_number>7</JB_job_number><JB_name>lf-a</JB_name><state>r</state>
      <JAT_start_time>2026-11-26T14:04:06</JAT_start_time>
    </job_list>
  </queue_info>
  <job_info>
    <job_list state="pending">
      <JB_job_number>8</JB_job_number><JB_name>lf-b</JB_name><state>Eqw</state>
      <JB_submission_time>2026-11-26T14:00:00</JB_submission_time>
    </job_list>
    <job_list state="pending">
      <JB_job_number>9</JB_job_number><JB_name>lf-c</JB_name><state>hqw</state>
    </job_list>
  </job_info>
</job_info>
"""


def test_squeue() -> None:
    found = {one.name: one for one in slurm.parse_jobs(SQUEUE)}
    assert found["lf-a"] == Job("1", "lf-a", State.RUNNING, "RUNNING", "", at(2026, 11, 26, 16, 31, 46), at(2026, 11, 26, 16, 36, 46))
    assert found["lf-c"] == Job("12", "lf-c", State.PENDING, "PENDING", "PartitionTimeLimit")
    assert found["lf-d"].state is State.ENDED
    assert found["lf-e"].state is State.RUNNING
    assert found["lf-f"].reason == "(ReqNodeNotAvail, UnavailableNodes:n1|n2)"


def test_qstat_of_pbs() -> None:
    running, waiting, ended = pbs.parse_jobs(QSTAT)
    assert running == Job("1234", "lf-a", State.RUNNING, "R", "", at(2026, 11, 26, 14, 4, 6), at(2026, 11, 27, 14, 4, 6))
    assert (waiting.state, waiting.started) == (State.PENDING, None)
    assert waiting.reason == "Not Running: Insufficient amount of resource: ngpus (R: 2 A: 0 T: 4)"
    assert (ended.state, ended.ends) == (State.ENDED, None)


def test_bjobs() -> None:
    running, waiting, ended, suspended = lsf.parse_jobs(BJOBS)
    assert running == Job("101", "lf-a", State.RUNNING, "RUN", "", at(2026, 11, 26, 14, 4), at(2026, 11, 27, 14, 4))
    assert (waiting.state, waiting.reason, waiting.ends) == (State.PENDING, "Job slot limit reached", None)
    assert ended.state is State.ENDED
    assert (suspended.state, suspended.started) == (State.RUNNING, at(2026, 11, 26, 14, 4, 6))


def test_a_time_without_its_year_is_the_nearest() -> None:
    assert lsf.parse_time("Jan  1 02:00 L", now=at(2026, 12, 31, 23, 0)) == at(2027, 1, 1, 2, 0)
    assert lsf.parse_time("Dec 31 23:00", now=at(2027, 1, 1, 2, 0)) == at(2026, 12, 31, 23, 0)
    assert lsf.parse_time("-") is None


def test_qstat_of_sge() -> None:
    running, broken, held = sge.parse_jobs(QSTAT_XML)
    assert running == Job("7", "lf-a", State.RUNNING, "r", "", at(2026, 11, 26, 14, 4, 6))
    assert broken.state is State.PENDING
    assert "explain" in broken.reason
    assert (held.state, held.reason) == (State.PENDING, "held")
    with pytest.raises(Unanswered):
        sge.parse_jobs("critical error: unable to contact qmaster")


def program(folder: Path, name: str, out: str = "", error: str = "", code: int = 0) -> None:
    """A program that says what was recorded, and keeps how it was called."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.out").write_text(out)
    (folder / f"{name}.error").write_text(error)
    script = f"#!/bin/bash\necho \"$@\" >> {folder}/{name}.calls\ncat {folder}/{name}.error >&2\ncat {folder}/{name}.out\nexit {code}\n"
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


ASKED = {
    "slurm": ("squeue", SQUEUE, "1"),
    "pbs": ("qstat", QSTAT, "1234"),
    "lsf": ("bjobs", BJOBS, "101"),
    "sge": ("qstat", QSTAT_XML, "7"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_jobs_are_found_by_number_or_by_name(kind: str, programs: Path) -> None:
    name, out, number = ASKED[kind]
    program(programs, name, out)
    program(programs, "qselect", f"{number}.pbs01\n")
    for known in (number, None):
        found = SCHEDULERS[kind].jobs({"lf-a": known, "lf-zz": None} if kind != "pbs" else {"lf-a": known})
        assert {one.id for one in found.values()} == {number}
    assert SCHEDULERS[kind].jobs({}) == {}


@pytest.mark.parametrize("kind", ASKED)
def test_jobs_that_are_listed_need_no_name(kind: str, programs: Path) -> None:
    name, out, number = ASKED[kind]
    program(programs, name, out)
    assert {one.id for one in SCHEDULERS[kind].listed([number]) if one.state is State.RUNNING} >= {number}


@pytest.mark.parametrize("kind", ASKED)
def test_a_number_that_begins_anew_is_not_taken_for_ours(kind: str, programs: Path) -> None:
    name, out, number = ASKED[kind]
    program(programs, name, out)
    assert SCHEDULERS[kind].jobs({"lf-of-before": number}) == {}


@pytest.mark.parametrize("kind", ASKED)
def test_no_answer_is_not_an_empty_answer(kind: str, programs: Path) -> None:
    name, _, number = ASKED[kind]
    program(programs, name, error="cannot connect to server", code=1)
    with pytest.raises(Unanswered, match=f"{name}: cannot connect to server"):
        SCHEDULERS[kind].jobs({"lf-a": number})


def test_what_pbs_and_lsf_do_not_know_any_more_is_an_answer(programs: Path) -> None:
    gone = "qstat: 1234.pbs01 Job has finished, use -x or -H to obtain historical job information\nqstat: Unknown Job Id 9.pbs01\n"
    program(programs, "qstat", error=gone, code=35)
    assert SCHEDULERS["pbs"].jobs({"lf-a": "1234"}) == {}
    program(programs, "bjobs", error="No unfinished job found\n", code=255)
    assert SCHEDULERS["lsf"].jobs({"lf-a": "101"}) == {}
    # some are gone, and the server fails over the others
    program(programs, "qstat", error="qstat: Unknown Job Id 9.pbs01\nConnection refused\n", code=111)
    with pytest.raises(Unanswered):
        SCHEDULERS["pbs"].jobs({"lf-a": "1234"})


def test_a_program_that_is_not_there_or_hangs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(NoScheduler, match="no squeue on the PATH"):
        SCHEDULERS["slurm"].jobs({"lf-a": "1"})
    programs.mkdir()
    (programs / "squeue").write_text("#!/bin/bash\nexec /bin/sleep 60\n")
    (programs / "squeue").chmod(0o755)
    with pytest.raises(Unanswered, match=r"squeue did not answer within 0\.2 s"):
        SCHEDULERS["slurm"].jobs({"lf-a": "1"}, 0.2)


def test_nothing_secret_reaches_a_scheduler() -> None:
    given = {"LATTICEFARM_MONGO_URI": "mongodb://u:kumquat@h/", "SLURM_JOB_ID": "1", "SLURM_CONF": "/c", "SQUEUE_FORMAT": "%i", "HOME": "/h"}
    assert environment(given) == {"SLURM_CONF": "/c", "HOME": "/h", "LC_ALL": "C", "LSB_DISPLAY_YEAR": "Y"}
    seen = ask([sys.executable, "-c", "import os; print('LATTICEFARM_MONGO_URI' in os.environ)"])
    assert seen.out == "False\n"


def test_where_a_process_is() -> None:
    assert here({"SLURM_JOB_ID": "12"}) == Place("slurm", "12")
    assert here({"PBS_JOBID": "1234.pbs01"}) == Place("pbs", "1234")
    assert here({"LSB_JOBID": "5"}) == Place("lsf", "5")
    assert here({"JOB_ID": "7"}) is None
    assert here({"JOB_ID": "7", "SGE_ROOT": "/sge"}) == Place("sge", "7")
    assert here({}) is None
    assert str(Place("slurm", "12")) == "slurm:12"


def test_when_it_ends(programs: Path) -> None:
    assert end_time({}) is None
    assert end_time({"SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": "1795712000"}) == 1795712000
    program(programs, "squeue", "2026-11-26T16:36:46\n")
    assert end_time({"SLURM_JOB_ID": "1"}) == at(2026, 11, 26, 16, 36, 46)
    assert (programs / "squeue.calls").read_text() == "-h -j 1 -o %e\n"
    began = {"SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": "1795712000"}  # it was changed since
    assert end_time(began, as_it_began=False) == at(2026, 11, 26, 16, 36, 46)
    program(programs, "qstat", QSTAT)
    assert end_time({"PBS_JOBID": "1234.pbs01"}) == at(2026, 11, 27, 14, 4, 6)
    program(programs, "bjobs", "Nov 27 14:04 2026 L\n")
    assert end_time({"LSB_JOBID": "101"}) == at(2026, 11, 27, 14, 4)
    assert end_time({"JOB_ID": "7", "SGE_ROOT": "/sge"}) is None
    program(programs, "squeue", error="slurm_load_jobs error: Unable to contact slurm controller", code=1)
    with pytest.raises(Unanswered):
        end_time({"SLURM_JOB_ID": "1"})


def test_names_of_clusters(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "scontrol", "Configuration data as of 2026-11-26T16:31:46\nAccountingStorageBackupHost = (null)\nClusterName             = labfake\n")
    program(programs, "qstat", "Server: pbs01\n    server_state = Active\n")
    program(programs, "lsid", "IBM Spectrum LSF Standard 10.1\n\nMy cluster name is c1\nMy master name is h1\n")
    monkeypatch.setenv("SGE_CLUSTER_NAME", "p6444")
    assert {kind: one.cluster() for kind, one in SCHEDULERS.items()} == {"slurm": "labfake", "pbs": "pbs01", "lsf": "c1", "sge": "p6444"}
    program(programs, "scontrol", error="slurm_load_ctl_conf error: Unable to contact slurm controller", code=1)
    with pytest.raises(Unanswered):
        SCHEDULERS["slurm"].cluster()


REFUSALS = {
    "slurm": (
        "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n",
        "invalid partition specified: nope",
    ),
    "pbs": ("qsub: Unknown queue\n", "Unknown queue"),
    "lsf": ("nope: No such queue. Job not submitted.\n", "nope: No such queue."),
    "sge": ('Unable to run job: Job was rejected because job requests unknown queue "nope".\nExiting.\n', 'Job was rejected because job requests unknown queue "nope".'),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_in_one_line(kind: str, programs: Path) -> None:
    said, line = REFUSALS[kind]
    program(programs, "sbatch", error=said, code=1)
    assert SCHEDULERS[kind].refusal(ask(["sbatch"])) == line
