"""Slurm for tests: one that only writes down what it is told, and the real one, on this machine alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

APT = "apt-get install -y --no-install-recommends slurm-wlm munge"
DAEMONS = ("munged", "slurmctld", "slurmd")

_SBATCH = """#!/bin/bash
cd {place}
if [ -e kill-before ]; then rm kill-before; kill -9 $PPID; exit 1; fi
if [ -e refusal ]; then cat refusal >&2; exit 1; fi
exec 9>lock; flock 9
name=$(sed -n 's/^#SBATCH --job-name=//p' "${{!#}}")
number=$(( $(wc -l < jobs) + 1 ))
cp "${{!#}}" script-$number; env > environment-$number
echo "$number|PENDING|N/A|N/A|$name|Resources" >> jobs
if [ -e kill-after ]; then rm kill-after; kill -9 $PPID; exit 1; fi
if [ -e mute ]; then exit 0; fi
echo "Submitted batch job $number"
"""
_SQUEUE = """#!/bin/bash
cd {place}
if [ -e silent ]; then echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1; fi
cat jobs
"""
_SINFO = "#!/bin/bash\ncase $* in *%P*) echo 'gpu*'; echo cpu;; *) echo {host};; esac\n"
_SCONTROL = """#!/bin/bash
cd {place}
if [ -e silent ]; then echo 'slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)' >&2; exit 1; fi
echo "Configuration data as of 2026-11-26T16:00:00"; echo "ClusterName             = $(cat cluster)"
"""
_SCANCEL = "#!/bin/bash\ncd {place}\necho $1 >> cancelled\n"


@dataclass(frozen=True)
class FakeSlurm:
    """Programs that keep jobs in a file; files in `place` make them refuse, fall silent, or kill who called them."""

    place: Path

    @classmethod
    def install(cls, place: Path) -> FakeSlurm:
        programs = place / "bin"
        programs.mkdir(parents=True)
        (place / "jobs").touch()
        (place / "cluster").write_text("fake")
        host = _host()
        for name, text in (("sbatch", _SBATCH), ("squeue", _SQUEUE), ("sinfo", _SINFO), ("scontrol", _SCONTROL), ("scancel", _SCANCEL)):
            (programs / name).write_text(text.format(place=place, host=host))
            (programs / name).chmod(0o755)
        return cls(place)

    @property
    def path(self) -> str:
        """The PATH with it in front."""
        return os.pathsep.join([str(self.place / "bin"), os.environ["PATH"]])

    @property
    def jobs(self) -> list[list[str]]:
        return [line.split("|") for line in (self.place / "jobs").read_text().splitlines()]

    def say(self, number: str, state: str, started: str = "N/A", ends: str = "N/A", reason: str = "None") -> None:
        """Change what it says of a job."""
        jobs = [[number, state, started, ends, one[4], reason] if one[0] == number else one for one in self.jobs]
        (self.place / "jobs").write_text("".join("|".join(one) + "\n" for one in jobs))

    def forget(self) -> None:
        (self.place / "jobs").write_text("")

    def set(self, name: str, text: str = "") -> None:
        """Make it do what the file `name` asks for."""
        (self.place / name).write_text(text)


def missing() -> str:
    """Which program of the real one is not here, and how to get it; empty if all are."""
    lacking = [name for name in (*DAEMONS, "sbatch", "squeue") if _program(name) is None]
    return f"no {lacking[0]}: {APT}" if lacking else ""


@contextmanager
def real_slurm(nodes: int = 1, gpus: int = 4, cores: int = 8) -> Iterator[str]:
    """A Slurm of this machine alone, without cgroups and accounting; yields its SLURM_CONF.

    GPUs are devices that every machine has. It takes as many cores as it is told, whatever there are. Several nodes,
    `n1` and on, are daemons on this machine too, and share its host name; one is called as the machine.
    """
    with TemporaryDirectory(prefix="lf-slurm-", ignore_cleanup_errors=True) as directory:
        names = [f"n{number + 1}" for number in range(nodes)] if nodes > 1 else [_host()]
        slurm = RealSlurm.configure(Path(directory), names, gpus, cores)
        try:
            slurm.start()
            for name in names:
                slurm.run(slurm.node(name))
            slurm.wait_until_idle()
            yield str(slurm.configuration)
        finally:
            slurm.stop()


@dataclass
class RealSlurm:
    """The daemons of a Slurm, all of which read one folder. Those of its nodes may be run elsewhere on this machine."""

    place: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]]

    @classmethod
    def configure(cls, place: Path, names: list[str], gpus: int, cores: int) -> RealSlurm:
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
        configuration = _configure(place, names, gpus, cores)
        return cls(place, {**os.environ, "SLURM_CONF": str(configuration)}, [])

    @property
    def configuration(self) -> Path:
        return self.place / "slurm.conf"

    def start(self) -> None:
        """The daemon that signs, and the controller."""
        _run([str(_program("munged")), "--force", *_munge(self.place)], self.environment)
        self.start_controller("-i", "-c")

    def start_controller(self, *options: str) -> subprocess.Popen[bytes]:
        """The controller; without options it goes on where the last one was."""
        return self.run([str(_program("slurmctld")), "-D", *options])

    def node(self, name: str) -> list[str]:
        """The command of a node's daemon."""
        return [str(_program("slurmd")), "-D", "-c", "-N", name]

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = (self.place / f"{Path(command[0]).name}-{command[-1]}.out").open("ab")
        self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True))
        return self.processes[-1]

    def wait_until_idle(self) -> None:
        _wait_until_idle(self.environment, self.place)

    def stop(self) -> None:
        subprocess.run(["scancel", "-u", str(os.getuid())], env=self.environment, check=False, capture_output=True)
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()  # one that waits for a job which does not end
            process.wait()
        _stop(self.place / "munged.pid")


def _munge(place: Path) -> list[str]:
    key = place / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    files = {"key-file": key, "socket": place / "munge.socket", "pid-file": place / "munged.pid"}
    files |= {"log-file": place / "munged.log", "seed-file": place / "munge.seed"}
    return [f"--{name}={path}" for name, path in files.items()]


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _configure(place: Path, names: list[str], gpus: int, cores: int) -> Path:
    host, port, user = _host(), _free_port(), _user()
    (place / "state").mkdir()
    devices = ("null", "zero", "full", "random")[:gpus]
    lines = [f"NodeName={name} Name=gpu Type=fake File=/dev/{device}" for name in names for device in devices]
    node = f"CPUs={cores} Boards=1 SocketsPerBoard=1 CoresPerSocket={cores} ThreadsPerCore=1 RealMemory=2000 Gres=gpu:fake:{gpus} State=UNKNOWN"
    machines = "\n".join(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={_free_port()} {node}" for name in names)
    (place / "gres.conf").write_text("\n".join(["AutoDetect=off", *lines, ""]))
    (place / "slurm.conf").write_text(f"""\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
CredType=cred/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=5
PropagateResourceLimits=NONE
GresTypes=gpu
{machines}
PartitionName=gpu Nodes=ALL Default=YES MaxTime=1:00:00 State=UP
PartitionName=cpu Nodes=ALL MaxTime=1:00:00 State=UP
""")
    return place / "slurm.conf"


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _user() -> str:
    import getpass

    return getpass.getuser()


def _wait_until_idle(environment: dict[str, str], place: Path) -> None:
    end = time.monotonic() + 30
    while _run(["sinfo", "-h", "-o", "%T"], environment, check=False).split()[:1] != ["idle"]:
        logs = "\n".join(path.read_text()[-2000:] for path in place.glob("*.out"))
        assert time.monotonic() < end, f"Slurm does not start:\n{logs}"
        time.sleep(0.1)


def _run(command: list[str], environment: dict[str, str], *, check: bool = True) -> str:
    return subprocess.run(command, env=environment, check=check, capture_output=True, text=True, timeout=60).stdout


def _stop(pid_file: Path) -> None:
    if pid_file.exists():
        os.kill(int(pid_file.read_text()), 15)
    end = time.monotonic() + 10
    while pid_file.exists() and time.monotonic() < end:
        time.sleep(0.05)
