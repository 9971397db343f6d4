"""A campaign that labels until its frequencies are sure enough, killed again and again, asks for the labels of one that is not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

YAML = """\
campaign: adaptive
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.561}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [1, 1, 1]}
    levels:
      dft: {engine: pyscf, forces: true, functional: PBE}
      hf: {engine: pyscf, draw: informative, until: {modes_cm1: TARGET}}
    sampling: {rattles: {count: 20, displacements_A: [0.015, 0.03]}}
models: [dft_ef, hf-dft_fc]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2}
phonons: {mesh: [2, 2, 2], points_per_segment: 5}
labelling: {pilots: 2}
engines:
  pyscf: {basis: gth-szv, density_fitting: fft}
"""
KILLS = 10
COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]


class Place:
    """A database of its own, and a folder with the campaign."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "adaptive.yaml").write_text(YAML.replace("TARGET", "0.5"))
        self.environment = os.environ | {"LATTICEFARM_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
        self.environment.pop("LATTICEFARM_MONGO_URI", None)

    def call(self, *words: str) -> str:
        done = subprocess.run([*COMMAND, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=2400)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def work(self) -> subprocess.Popen:
        words = ["work", "--slots", "2", "--until-empty"]
        log = (self.folder / "work.log").open("ab")
        return subprocess.Popen([*COMMAND, *words], cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def labels(self) -> list[tuple[str, str, float]]:
        """Level, structure and energy of every label that the database holds."""
        script = (
            "import json; from campaign.cli.connect import open_farm; farm = open_farm(); "
            "found = farm.outputs.find({'output.level': {'$exists': True}, 'output.energy_eV': {'$exists': True}}); "
            "print(json.dumps([[one['output']['level'], one['output']['structure_key'], one['output']['energy_eV']] for one in found]))"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True)
        return [tuple(one) for one in json.loads(done.stdout.splitlines()[-1])]

    def stop(self) -> None:
        self.call("db", "stop")


def kill_all(process: subprocess.Popen) -> None:
    """The node and every worker, and what these have begun, at once: none can say a word."""
    import psutil

    found = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in found:
        try:
            one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_killed_ten_times_it_asks_for_the_same_labels(tmp_path: Path) -> None:
    calm, killed = Place(tmp_path / "calm"), Place(tmp_path / "killed")
    try:
        calm.call("run", "adaptive.yaml", "--slots", "2", "--no-report")
        killed.call("db", "start")
        killed.call("submit", "adaptive.yaml")
        rng = random.Random(12)
        for _ in range(KILLS):
            process = killed.work()
            time.sleep(rng.uniform(8, 25))
            if process.poll() is None:
                kill_all(process)
        assert killed.work().wait(timeout=1800) == 0
        expected, found = calm.labels(), killed.labels()
        assert sorted(one[:2] for one in found) == sorted(one[:2] for one in expected)  # each once
        assert len({one[:2] for one in found}) == len(found)
        energies = {one[:2]: one[2] for one in expected}
        assert all(abs(energy - energies[level, structure]) < 1e-6 for level, structure, energy in found)
        said = [place.call("plan", "adaptive.yaml") for place in (calm, killed)]
        lines = [next(line for line in text.splitlines() if line.startswith("HF of diamond")) for text in said]
        assert lines[0] == lines[1]
        assert all("jobs done" in text and "waiting" not in text.split("jobs done")[1].splitlines()[0] for text in said)
        of_hf = sum(level == "hf" for level, _, _ in found)
        assert 12 < of_hf <= 20  # more than one round
    finally:
        for place in (calm, killed):
            place.stop()
