"""Workers that are killed while VASP and Cc4s compute labels, by the programs that stand in for these: no label twice, no step twice but that in hand."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import psutil
import pytest
import yaml
from hosts import wait_for, worker
from plane_waves import CHAIN, PlaneWaves, energies_eV, stored_labels

from campaign.spec import load_spec
from campaign.steering.submit import submit
from launchers.farm import Farm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ASKED = """\
campaign: killed
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.561}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1], big: [1, 1, 1]}
    levels:
      dft: {engine: vasp, forces: true, functional: PBE}
    sampling: {rattles: {count: 100, displacements_A: [0.02]}}
models: [dft_ef]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2}
labelling: {structures_per_job: 10, pilots: 2}
"""
CHAINS = [
    "systems.diamond.sampling={rattles: {count: 10, displacements_A: [0.02]}}",
    "labelling={structures_per_job: 1, pilots: 10}",
    *(f"systems.diamond.levels.{level}={{engine: cc4s}}" for level in ("hf", "mp2", "ccsd", "ccsd(t)")),
]
KILLS = 10


class Killed:
    """A campaign whose labels alone are computed, by workers that are ended at any moment."""

    def __init__(self, farm: Farm, folder: Path) -> None:
        self.farm, self._folder, self.programs = farm, folder, PlaneWaves(folder)
        self.workers: list[Popen] = []

    def submit(self, *overrides: str) -> None:
        path = self._folder / "c.yaml"
        path.write_text(ASKED + yaml.safe_dump({"engines": self.programs.engines()}))
        submit(self.farm, load_spec(path, list(overrides)))

    def begin(self, name: str, monkeypatch: pytest.MonkeyPatch) -> Popen:
        """A worker on this host; what it starts says its name."""
        monkeypatch.setenv("STARTED_BY", name)
        begun = worker(self._folder / "runs" / name, "", "--category=label")
        self.workers.append(begun)
        return begun

    def retried(self) -> int:
        """How many labels there are, when what has failed is in the queue again."""
        if self.farm.launchpad.fireworks.count_documents({"state": "FIZZLED"}):
            subprocess.run([sys.executable, "-c", "from campaign.cli import run_main; run_main()", "retry", "killed"], check=True, stdout=subprocess.DEVNULL)
        return len(stored_labels(self.farm))

    def end(self) -> None:
        for one in self.workers:
            if one.poll() is None:
                for process in (*psutil.Process(one.pid).children(recursive=True), one):
                    process.kill()
                one.wait()


@pytest.fixture
def killed(farm: Farm, tmp_path: Path) -> Iterator[Killed]:
    made = Killed(farm, tmp_path)
    yield made
    made.end()


def test_at_every_step_of_a_chain_another_worker_goes_on_there(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that takes three workers with it is given up: its user retries it."""
    killed.submit(*CHAINS)
    killed.programs.go_wrong(**dict.fromkeys(CHAIN, "hold"))
    held = killed.programs.programs / "held"
    for number, step in enumerate(CHAIN):
        one = killed.begin(f"w{number}", monkeypatch)
        wait_for(held.exists, 200)
        at, process = held.read_text().split()
        assert at == step
        held.unlink()
        one.kill()
        one.wait()
        wait_for(lambda process=int(process): not psutil.pid_exists(process), 20)  # its program ends with it
    killed.begin("last", monkeypatch)
    wait_for(lambda: killed.retried() == 50, 400)
    # of each step once more than there are structures: that in which a worker was killed
    assert killed.programs.chain_runs() == dict.fromkeys(CHAIN, 11)
    assert Counter(label.level for label in stored_labels(killed.farm)) == dict.fromkeys(("dft", "hf", "mp2", "ccsd", "ccsd(t)"), 10)
    for label in stored_labels(killed.farm):
        assert label.energy_eV == pytest.approx(energies_eV(label.structure.atoms())[label.level], abs=2e-5)


def test_a_hundred_labels_by_two_workers_that_are_killed_ten_times(killed: Killed, monkeypatch: pytest.MonkeyPatch) -> None:
    killed.submit()
    dice, names = random.Random(3), iter(f"w{number}" for number in range(KILLS + 2))
    living = {name: killed.begin(name, monkeypatch) for name in (next(names), next(names))}
    in_hand: Counter[str] = Counter()
    for kill in range(KILLS):
        # both are at work, and have come on since
        goal = len(stored_labels(killed.farm)) + dice.randint(3, 7)
        wait_for(lambda goal=goal: len(stored_labels(killed.farm)) >= goal, 300)
        name = list(living)[kill % 2]
        time.sleep(dice.uniform(0, 1))
        one = living.pop(name)
        one.kill()
        one.wait()
        begun = [run["structure"] for run in killed.programs.vasp_runs() if run["by"] == name]
        in_hand.update(begun[-1:])
        new = next(names)
        living[new] = killed.begin(new, monkeypatch)
    wait_for(lambda: killed.retried() == 100, 600)  # a job of which three workers were killed is given up
    stored = stored_labels(killed.farm)
    assert len({label.key for label in stored}) == len({label.structure_key for label in stored}) == 100
    runs = Counter(run["structure"] for run in killed.programs.vasp_runs())
    assert len(runs) == 100
    assert sum(in_hand.values()) >= KILLS // 2
    again = {structure: count - 1 for structure, count in runs.items() if count > 1}
    assert all(count <= in_hand[structure] for structure, count in again.items()), (again, in_hand)
    for label in stored:
        assert label.energy_eV == pytest.approx(energies_eV(label.structure.atoms())["dft"], abs=2e-5)
