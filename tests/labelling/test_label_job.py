"""The job of a chunk of labels: what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase.build import bulk
from jobflow import run_locally

from flows.keys import job_uuid
from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.labelling.jobs import label
from flows.records import Structure

BURN_S = 0.5
CALCULATORS = f"""
import time
from ase.calculators.lj import LennardJones

class Busy(LennardJones):
    def calculate(self, *args, **kwargs):
        until = time.process_time() + {BURN_S}
        while time.process_time() < until:
            pass
        super().calculate(*args, **kwargs)
"""


def test_processor_time_is_that_of_the_engine_which_stays_for_the_next(store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "busy_calculators.py").write_text(CALCULATORS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    engine = ASESettings(calculator="busy_calculators:Busy", stands_for={"dft": False})
    spent = []
    for number in range(2):
        structure = Structure.from_atoms(bulk("Ar", "fcc", a=5.3 + number / 10))
        task = LabelTask(key=f"chunk-{number}", system="argon", engine=engine, items=(LabelItem(structure=structure, levels={"dft": False}),))
        job = label(task)
        job.uuid = job_uuid(task.key)
        run_locally(job, store=store, ensure_success=True)
        (document,) = store.query({"uuid": job.uuid})
        spent.append(document["metadata"]["made_on"]["processor_s"])
    assert all(one >= BURN_S for one in spent)
    assert spent[1] < spent[0]  # which loads it
