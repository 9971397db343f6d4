"""`latticefarm run` works for its own campaign: jobs of others stay in the queue, shared ones are computed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]


def latticefarm(*words: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.slow
def test_jobs_of_another_campaign_are_left_alone(farm, tmp_path, write_campaign):
    spec = str(write_campaign(tmp_path, seeds=1, epochs=1, sizes=("full",)))
    # first in the queue, and seed 1 is what the other asks for too
    other = latticefarm("submit", spec, "--set", "campaign=other", "--set", "training.seeds=[2,1]", folder=tmp_path)
    assert other.returncode == 0, other.stderr
    done = latticefarm("run", spec, "--slots", "1", "--no-report", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 of 5 jobs done" in done.stdout
    of_seed_2 = [one["nodes"] for one in farm.launchpad.workflows.find({"metadata.seed": 2}, {"nodes": 1})]
    assert len(of_seed_2) == 2
    left = list(farm.launchpad.fireworks.find({"fw_id": {"$in": [node for nodes in of_seed_2 for node in nodes]}}))
    assert not any(one["launches"] or one["archived_launches"] for one in left)
    counts = json.loads(latticefarm("status", "--json", folder=tmp_path).stdout)
    assert counts["toy"]["counts"] == {"done": 5}
    assert counts["other"]["counts"] == {"done": 5, "queued": 2, "waiting": 3}
