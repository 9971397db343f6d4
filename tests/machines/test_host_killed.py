"""A host that goes without a trace: its training goes on elsewhere, from its checkpoint, without a shared folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sources import ROOT, module_at

from launchers.farm import Farm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]
WITHIN_S = 150.0


@pytest.fixture
def host(home: Path, database_name: str) -> Iterator[Callable[..., Any]]:
    """Makes hosts of their own names, disks, networks and processes, with a way to the database."""
    hosts = module_at("benchmarks/hosts.py")
    if why := hosts.refusal():
        pytest.skip(f"no namespaces: {why}")
    made: list[Any] = []
    variables = {
        "LATTICEFARM_HOME": "{here}/home",
        "LATTICEFARM_MONGO_URI": "{uri}",
        "LATTICEFARM_CHECKPOINT_INTERVAL_S": "3",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }

    def make(name: str, slots: int) -> Any:
        work = [*COMMAND, "work", "--slots", str(slots)]
        made.append(hosts.Host(name, home / "hosts", str(home / "db" / "mongodb.sock"), database_name, work, variables))
        made[-1].connect()
        made[-1].boot()
        return made[-1]

    yield make
    for one in made:
        one.shut()


def wait_for(what: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
    return found


def training_with_a_checkpoint(farm: Farm) -> dict[str, Any] | None:
    """A launch of which a checkpoint is in the database."""
    if not any(farm.launchpad.db[name].count_documents({}) for name in farm.launchpad.db.list_collection_names() if name == "checkpoints.files"):
        return None
    return farm.launchpad.launches.find_one({"state": "RUNNING"}, {"fw_id": 1, "launch_id": 1})


def test_its_training_goes_on_elsewhere(farm, host, write_campaign, tmp_path):
    spec = write_campaign(tmp_path, seeds=1, epochs=300, sizes=("full",))
    subprocess.run([*COMMAND, "submit", str(spec)], check=True, capture_output=True)
    first = host("node1", 1)
    launch = wait_for(lambda: training_with_a_checkpoint(farm), 200)
    host("node2", 2)
    wait_for(lambda: farm.launchpad.launches.count_documents({"state": "RUNNING"}) == 2, 100)  # it has the other training
    assert farm.launchpad.launches.find_one({"launch_id": launch["launch_id"]}, {"state": 1})["state"] == "RUNNING"
    first.die()
    began = time.monotonic()
    again = wait_for(lambda: farm.launchpad.launches.find_one({"fw_id": launch["fw_id"], "launch_id": {"$gt": launch["launch_id"]}}), WITHIN_S)
    print(f"begun again after {time.monotonic() - began:.0f} s")
    assert again["fworker"]["name"].startswith("node2:")
    wait_for(lambda: farm.launchpad.fireworks.find_one({"fw_id": launch["fw_id"], "state": "COMPLETED"}), 300)
    document = farm.outputs.find_one({"metadata.fw_id": launch["fw_id"]}) or next(
        one for one in farm.outputs.find({"output.resumed_from_epochs": {"$ne": []}}, {"output.resumed_from_epochs": 1, "metadata": 1})
    )
    assert document["metadata"]["made_on"]["host"] == "node2"
    assert document["output"]["resumed_from_epochs"][0] > 0
