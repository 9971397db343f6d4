"""Workers on hosts of other names, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

BEAT_S = 0.3


def worker(directory: Path, host: str, *arguments: str, within: Sequence[str] = (), beat_s: float = BEAT_S) -> subprocess.Popen:
    """A slot without a node, on a host of this name, that beats often; its output is in `directory`."""
    script = f"from launchers.workers import pulse, slot\npulse.BEAT_S = {beat_s}\nslot.main()"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{host}.log").open("ab") as log:
        return subprocess.Popen(
            [*within, sys.executable, "-c", script, f"--run-root={directory}", "--patience=1", *arguments],
            env=os.environ | ({"LATTICEFARM_HOST_NAME": host} if host else {}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until `what` holds; for how long it did not."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - began


NAMESPACES = ("unshare", "--uts", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def node(directory: Path, host: str, slots: int) -> subprocess.Popen:
    """A node agent on a host of its own name, network and processes: killed, nothing of it is left."""
    script = (
        "from pathlib import Path\nfrom launchers.machines.slots import Slot\nfrom launchers.workers.node import Node, NodeSettings\n"
        "from launchers.workers.settings import WorkerSettings\n"
        f"slots = [Slot(number, 1, 1.0, ()) for number in range({slots})]\n"
        f"Node(NodeSettings(slots, WorkerSettings(Path('{directory}')))).run()"
    )
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{host}.log").open("ab") as log:
        return subprocess.Popen(
            [*NAMESPACES, "sh", "-c", f"hostname {host} && exec {sys.executable} -c \"$1\"", "sh", script],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def why_no_hosts() -> str:
    """Why there can be no such hosts here; empty if there can."""
    done = subprocess.run([*NAMESPACES, "hostname", "node0"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def lose_power(host: subprocess.Popen) -> None:
    """End all of a host at one moment: nothing hears of the end of anything else."""
    every = psutil.Process(host.pid).children(recursive=True)
    for one in (*reversed(every), *every):
        one.suspend()
    every[0].kill()  # the first process of its namespace: none outlives it
    host.kill()
    host.wait()
