"""A real Slurm over the hosts: a daemon of it on each, its controller outside, and a cron that calls `latticefarm launch`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from hosts import Host
from kills import command, environment

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
from schedulers import RealSlurm, missing

CRON_S = 15.0
WALLTIME = "5m"


@dataclass
class SlurmSite:
    """Asked by cron for an allocation of each host at most."""

    home: Path  # of who asks
    slurm: RealSlurm
    _cron: subprocess.Popen[bytes] | None = None
    _asked: float = 0.0
    _controller: subprocess.Popen[bytes] | None = field(default=None)

    @classmethod
    def make(cls, place: Path, home: Path, hosts: list[Host], slots: int) -> SlurmSite:
        """Configure it, and have the hosts run its daemons."""
        if why := missing():
            raise SystemExit(why)
        site = cls(home, RealSlurm.configure(place / "slurm", [host.name for host in hosts], 1, slots))
        first = hosts[0]
        setup = [f"export {name}='{first.filled(text)}'" for name, text in first.variables.items()]
        kind = {"walltime": WALLTIME, "cores": slots, "slots": slots, "partition": "cpu", "max_allocations": len(hosts), "setup": setup}
        home.mkdir(parents=True, exist_ok=True)
        (home / "sites.yaml").write_text(yaml.safe_dump({"sites": {"hosts": {"scheduler": "slurm", "classes": {"cpu": kind}}}}))
        for host in hosts:
            host.command, host.own_network = site.slurm.node(host.name), False  # the daemons talk by TCP
            host.variables |= {"SLURM_CONF": str(site.slurm.configuration)}
        return site

    def start(self) -> None:
        self.slurm.start()
        self._controller = self.slurm.processes[-1]

    def look(self) -> None:
        """Call `latticefarm launch` if it is time and the last has ended."""
        if time.monotonic() - self._asked > CRON_S and (self._cron is None or self._cron.poll() is not None):
            self._asked = time.monotonic()
            with (self.home / "launch.log").open("ab") as log:
                variables = environment(self.home) | {"SLURM_CONF": str(self.slurm.configuration)}
                self._cron = subprocess.Popen(command("launch", "--local"), env=variables, stdout=log, stderr=log)

    def kill_controller(self, draw: float) -> tuple[str, list[str], float, Callable[[], None] | None] | None:
        if self._controller is None or self._controller.poll() is not None:
            return None
        self._controller.kill()
        self._controller.wait()
        return "controller of Slurm", [], 2 + 40 * draw, self._start_controller

    def _start_controller(self) -> None:
        self._controller = self.slurm.start_controller()

    def stop(self) -> None:
        if self._cron is not None:
            self._cron.wait(60)
        self.slurm.stop()
