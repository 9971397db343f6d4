"""`flows` and `launchers` know nothing of each other, and read one variable: they have to find the same folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import checkpoints
from launchers.database import ladder
from launchers.workers.slot import main


@pytest.mark.parametrize("value", [None, "", "~/elsewhere", "/scratch/me"])
def test_checkpoints_lie_in_the_home_of_latticefarm(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS", raising=False)
    monkeypatch.delenv("LATTICEFARM_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("LATTICEFARM_HOME", value)
    assert checkpoints.root() == ladder.home() / "checkpoints"


def test_a_relative_home_is_one_folder_to_all_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker changes its directory for every job: the home has to stay where it was when the worker began."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATTICEFARM_HOME", "here")
    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS", raising=False)
    seen = []

    class Worker:
        def __init__(self, *_: object) -> None:
            monkeypatch.chdir(tmp_path.parent)

        def run(self) -> int:
            seen.append(checkpoints.root())
            return 1

    monkeypatch.setattr("launchers.workers.slot.end_with_parent", lambda: None)
    monkeypatch.setattr("launchers.database.ladder.running", lambda: None)
    monkeypatch.setattr("launchers.farm.Farm.open", lambda _: None)
    monkeypatch.setattr("launchers.workers.worker.Worker", Worker)
    assert main(["--run-root", "runs"]) == 0
    assert seen == [tmp_path / "here" / "checkpoints"]
