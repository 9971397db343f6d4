"""Programs that compute labels: whether they are on this machine, and that they end with who started them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from flows.labelling.engines import program


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "vasp_std").write_text("#!/bin/sh\n")
    (tmp_path / "vasp_std").chmod(0o755)
    (tmp_path / "run-vasp.sh").write_text("vasp_std\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("{0}/vasp_std", []),
        ("env {0}/vasp_std", []),
        ("env {0}/no/vasp_std", ["{0}/no/vasp_std"]),
        ("{0}/run-vasp.sh", ["{0}/run-vasp.sh"]),  # it cannot be run
        ("sh {0}/run-vasp.sh", []),  # nor need it be
        ("sh {0}/no/run-vasp.sh", ["{0}/no/run-vasp.sh"]),
        ("no-such-launcher {0}/vasp_std", ["no-such-launcher"]),
        ("no-such-launcher vasp_gam", ["no-such-launcher", "vasp_gam"]),
        ("env --output=vasp.out {0}/vasp_std", []),
        ("env -J vasp {0}/vasp_std", []),  # the name of a job
    ],
)
def test_what_is_missing_of_a_command(place: Path, command: str, absent: list[str]) -> None:
    assert program.missing(command.format(place).split(), "vasp") == [one.format(place) for one in absent]


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")
def test_a_program_ends_with_who_started_it_whatever_that_ignores(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path; from flows.labelling.engines import program\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "program.run(['sh', '-c', 'echo $$ > pid; exec sleep 60'], Path(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=Path(__file__).parents[2]) as started:
        pid = tmp_path / "pid"
        wait_for(lambda: pid.exists() and pid.read_text().strip())
        started.kill()
    number = int(pid.read_text())
    wait_for(lambda: not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE)
