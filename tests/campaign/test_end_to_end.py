"""A whole small campaign: by `latticefarm run`, and by FireWorks' own commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]


def latticefarm(*words: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, **options)


@pytest.fixture
def spec(farm, tmp_path, write_campaign) -> Path:
    assert farm is not None
    return write_campaign(tmp_path, seeds=1, epochs=1, sizes=("full",))


def status() -> dict:
    return json.loads(latticefarm("status", "--json").stdout)


def test_run_again_does_nothing_and_one_more_seed_adds_that_seed(spec, tmp_path):
    first = latticefarm("run", str(spec), "--slots", "1", cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert status()["toy"]["counts"] == {"done": 5}
    assert (tmp_path / "toy-report" / "index.html").is_file()

    began = time.monotonic()
    again = latticefarm("run", str(spec), cwd=tmp_path)
    assert "nothing to do: 5 of 5 jobs done" in again.stdout
    assert time.monotonic() - began < 60

    page = tmp_path / "toy-report" / "index.html"
    assert "<dd>ML(DFT<sub>E,F</sub>), ML(HF-DFT)</dd>" in page.read_text()
    fewer = latticefarm("run", str(spec), "--set", "models=[dft_ef]", cwd=tmp_path)
    assert "nothing to do: 2 of 2 jobs done" in fewer.stdout
    assert "<dd>ML(DFT<sub>E,F</sub>)</dd>" in page.read_text()  # the models that are asked for
    written = page.stat().st_mtime_ns
    assert latticefarm("run", str(spec), "--set", "models=[dft_ef]", cwd=tmp_path).returncode == 0
    assert page.stat().st_mtime_ns == written

    more = json.loads(latticefarm("plan", str(spec), "--set", "training.seeds=[1,2]", "--json").stdout)
    assert {work["seed"] for work in more["work"] if work["state"] != "done"} == {2}
    assert {work["seed"] for work in more["work"] if work["state"] == "done"} == {1}

    other = json.loads(latticefarm("plan", str(spec), "--set", "campaign=other", "--json").stdout)
    assert {work["state"] for work in other["work"]} == {"done"}


def test_rlaunch_drives_a_campaign_and_lpad_watches_it(spec, tmp_path):
    submitted = latticefarm("submit", str(spec))
    assert submitted.returncode == 0, submitted.stderr
    latticefarm("db", "env", str(tmp_path / "fireworks"))
    files = {"FW_CONFIG_FILE": "FW_config.yaml", "JOBFLOW_CONFIG_FILE": "jobflow.yaml"}
    environment = os.environ | {name: str(tmp_path / "fireworks" / file) for name, file in files.items()}
    scripts = Path(sys.executable).parent
    runs = tmp_path / "runs"
    runs.mkdir()
    done = subprocess.run(
        [scripts / "rlaunch", "rapidfire"], cwd=runs, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert status()["toy"]["counts"] == {"done": 5}
    seen = subprocess.run(
        [scripts / "lpad", "get_wflows", "-s", "COMPLETED", "-d", "count"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert seen.stdout.split()[-1] == "5"


def test_ctrl_c_drains_and_running_again_goes_on(farm, tmp_path, write_campaign):
    spec = write_campaign(tmp_path, seeds=1, epochs=40)
    process = subprocess.Popen([*COMMAND, "run", str(spec), "--slots", "1", "--no-report"], stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while farm.launchpad.fireworks.count_documents({"state": "RUNNING"}) == 0:
        assert time.monotonic() < end
        time.sleep(0.2)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "what was in hand is back in the queue" in said
    states = farm.launchpad.fireworks.distinct("state")
    assert "RUNNING" not in states
    assert "FIZZLED" not in states
