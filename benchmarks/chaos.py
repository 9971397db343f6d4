"""Kills of workers, node agents, hosts and the database, and cut networks, on three hosts without a shared folder.

    python benchmarks/chaos.py [--kills 100] [--random-seed 1] [--slurm] [--also rlaunch] [--directory DIR]

The hosts are namespaces of this machine (needs root): see `hosts.py`. Each begins again what it runs there,
`latticefarm work`, as an init does, and is switched on again when it was killed; a database is started again.
Nothing else is done by hand. With `--slurm`, each host runs a node's daemon of a real Slurm instead, a cron calls
`latticefarm launch`, and Slurm's controller is killed too. First the campaigns (trainings on published labels; labels, then trainings on them) run on the
same hosts undisturbed, then under kills, from a seed. Told are what was lost, what was done twice with effect, what is
stuck when `--bound` seconds have passed since the last kill was made good, and what a kill cost. With `--also rlaunch` the
same goes over hosts on which FireWorks' own `rlaunch multi` works, with the settings that it has by itself.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import unquote

sys.path.insert(0, str(Path(__file__).parent))
from disasters import Disasters
from hosts import Host, refusal
from kills import begun_again, checked, command, environment, resumed, said, snapshot
from ledger import Ledger, cost
from slurm_hosts import SlurmSite
from springs import write_campaign, write_labelling_campaign

HOSTS = ("node1", "node2", "node3")
ENDED = {"COMPLETED", "FIZZLED", "DEFUSED"}
LOOK_S = 1.0


def main() -> int:
    asked = arguments()
    if why := refusal():
        print(f"no namespaces: {why}", file=sys.stderr)
        return 2
    specs = [
        write_campaign(asked.directory / "campaign", seeds=asked.seeds, epochs=asked.epochs),
        write_labelling_campaign(asked.directory / "labels", asked.labels, asked.seconds, seeds=2),
    ]
    calm = Farm("calm", asked, specs).run(0)
    killed = [Farm(name, asked, specs).run(asked.kills) for name in ("latticefarm", *asked.also)]
    found = [report(calm, one) for one in killed]
    return 0 if not any(found[:1]) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--also", choices=["rlaunch"], action="append", default=[])
    parser.add_argument("--slurm", action="store_true", help="allocations of a real Slurm, whose controller is killed too")
    parser.add_argument("--slots", type=int, default=2, help="of each host")
    parser.add_argument("--pace", type=float, default=8.0, help="seconds between two kills, on average")
    parser.add_argument("--longest", type=float, default=170.0, help="seconds for which a network is cut at most")
    parser.add_argument("--bound", type=float, default=900.0, help="seconds after the last of it: what has not ended by then is stuck")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--labels", type=int, default=300, metavar="STRUCTURES")
    parser.add_argument("--seconds", type=float, default=1.0, help="what a label takes at least")
    # short: a socket's path may have 107 bytes
    parser.add_argument("--directory", type=Path, default=None)
    asked = parser.parse_args()
    asked.directory = (asked.directory or Path(mkdtemp(prefix="lf-chaos-"))).absolute()
    return asked


@dataclass
class Run:
    """What came of one farm."""

    name: str
    seconds: float
    found: dict
    stuck: dict[str, int]
    ledger: Ledger
    after_s: float = 0.0  # from when the last kill was made good to the end


@dataclass
class Farm:
    """Three hosts and a database, under the folder of this name."""

    name: str
    asked: argparse.Namespace
    specs: list[Path]
    hosts: list[Host] = field(default_factory=list)
    site: SlurmSite | None = None

    def __post_init__(self) -> None:
        self.place = self.asked.directory / self.name
        shutil.rmtree(self.place, ignore_errors=True)
        self.home = self.place / "central"

    def run(self, kills: int) -> Run:
        """Submit, work under so many kills, wait for the end."""
        uri = start_database(self.home)
        for spec in self.specs:
            subprocess.run(command("submit", str(spec)), env=environment(self.home), check=True, stdout=subprocess.DEVNULL)
        self.hosts = [self._host(name, uri) for name in HOSTS]
        if self.asked.slurm and self.name != "rlaunch":
            self.site = SlurmSite.make(self.place, self.home, self.hosts, self.asked.slots)
        ledger = Ledger(uri)
        try:
            return self._run(kills, ledger)
        finally:
            if self.site is not None:
                self.site.stop()
            for host in self.hosts:
                host.shut()
            subprocess.run(command("db", "stop"), env=environment(self.home), check=False, stdout=subprocess.DEVNULL)

    def _run(self, kills: int, ledger: Ledger) -> Run:
        began = time.monotonic()
        if self.site is not None:
            self.site.start()
        for host in self.hosts:
            host.connect()
            host.boot()
        disasters = Disasters(self.hosts, self.home, random.Random(self.asked.random_seed), ledger, self.asked.pace, self.asked.longest)
        if self.site is not None:
            disasters.further["controller"] = self.site.kill_controller
        while disasters.made < kills and not (over := self._over(ledger)):
            disasters.look()
            self._wait(LOOK_S / 4)
        if kills and disasters.made < kills:
            print(f"{self.name}: all was done after {disasters.made} kills: ask for more --seeds or --labels", flush=True)
        while disasters.pending:
            disasters.make_good()
            self._wait(LOOK_S / 4)
        good = time.monotonic()
        while not (over := self._over(ledger)) and time.monotonic() - good < self.asked.bound:
            self._wait(LOOK_S)
        ended = time.monotonic()
        found = snapshot(self.home)
        ledger.read()
        stuck = {} if over else ledger.unfinished()
        print(f"{self.name}: {'ended' if over else 'NOT ended'} after {ended - began:.0f} s, {disasters.made} kills", flush=True)
        return Run(self.name, ended - began, found, stuck, ledger, ended - good)

    def _wait(self, seconds: float) -> None:
        if self.site is not None:
            self.site.look()
        time.sleep(seconds)

    def _over(self, ledger: Ledger) -> bool:
        """Whether nothing is in the queue, and nothing is still to come into it."""
        if not ledger.idle():
            return False
        answer = subprocess.run(command("status", "--json"), env=environment(self.home), capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            return False
        counts = [one["counts"] for one in json.loads(answer.stdout).values()]
        return all(not any(one.get(state) for state in ("waiting", "ready", "running", "to label")) for one in counts)

    def _host(self, name: str, uri: str) -> Host:
        target = unquote(uri.removeprefix("mongodb://").partition("?")[0].partition("/")[0])
        home = environment(self.home)
        variables = {"LATTICEFARM_HOME": "{here}/home", "LATTICEFARM_MONGO_URI": "{uri}", "OMP_NUM_THREADS": "1", "PYTHONPATH": home["PYTHONPATH"]}
        work: list[str] = command("work", "--slots", str(self.asked.slots))
        if self.name == "rlaunch":
            # written once it has a way to the database; rlaunch reads nothing but these files
            files = "{here}/fireworks"
            variables |= {"FW_CONFIG_FILE": f"{files}/FW_config.yaml", "JOBFLOW_CONFIG_FILE": f"{files}/jobflow.yaml"}
            rlaunch = str(Path(sys.executable).with_name("rlaunch"))
            work = ["bash", "-c", f'[ -e {files}/FW_config.yaml ] || "$@" > /dev/null; exec {sys.executable} {rlaunch} multi {self.asked.slots} --nlaunches infinite --sleep 2', "rlaunch", *command("db", "env", files)]
        return Host(name, self.place, target, "latticefarm", work, variables)


def start_database(home: Path) -> str:
    """Its URI."""
    script = "from launchers.database import ladder; print(ladder.start().uri)"
    done = subprocess.run([sys.executable, "-c", script], env=environment(home), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def report(calm: Run, killed: Run) -> int:
    """Print what kills did to a farm; how much of it is wrong."""
    found, kinds = killed.found, killed.ledger.counts()
    print(f"\n{killed.name}: {sum(kinds.values())} kills ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})")
    checks = checked(calm.found, found)
    said(checks)
    lost = set(calm.found["names"]) - set(found["names"]) if checks["the same records"] is False else set()
    lost = {uuid for uuid in lost if not calm.found["names"][uuid].startswith("label ")}
    failed = found["states"].count("FIZZLED")
    copies = sum(count - 1 for count in found["copies"].values())
    gone_on = set(resumed(found))
    other = [uuid for uuid, (sha256, _) in calm.found["models"].items() if uuid in found["models"] and found["models"][uuid][0] != sha256]
    print(f"{len(found['labels'])} labels, {len(found['models'])} models, {len(gone_on)} of them resumed; {begun_again(found)} launches more than jobs")
    print(f"lost: {len(lost)} ({failed} jobs failed)")
    print(f"twice with effect: {copies} records stored again, {len(set(other) - gone_on)} models from zero and {len(set(other) & gone_on)} resumed ones that differ")
    print(f"stuck: {sum(killed.stuck.values())} {killed.stuck or ''}")
    more = killed.seconds - calm.seconds
    print(f"undisturbed {calm.seconds:.0f} s, under kills {killed.seconds:.0f} s ({killed.after_s:.0f} s after the last was made good): {more / max(sum(kinds.values()), 1):.1f} s a kill")
    for line in cost(killed.ledger):
        print(line)
    return len(lost) + failed + copies + len(set(other) - gone_on) + sum(killed.stuck.values())


if __name__ == "__main__":
    sys.exit(main())
