"""The Python file beside exported models is run where there is neither latticefarm nor a database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from training_toys import crystal

from campaign.planning.work import Work
from campaign.results.snippets import snippet
from flows.records import Structure
from flows.settings import Settings
from flows.training.potentials import of_files

SUM = Work(key="s", stage="sum", system="argon", model="delta_hf", seed=1, size="full", needs=("b", "d"), task=Settings())


def test_a_sum_of_mace_models_is_that_of_its_parts(base_model, difference_model, tmp_path: Path) -> None:
    parts = ["argon_dft_ef_full_1.model", "argon_hf-dft_full_1.model"]
    for name, model in zip(parts, (base_model, difference_model), strict=True):
        (tmp_path / name).write_bytes(model.blob.content())
    cell = crystal(3)
    path = tmp_path / "argon_delta_hf_full_1.py"
    path.write_text(snippet(SUM, parts, Structure.from_atoms(cell)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LATTICEFARM_", "PYTHONPATH"))}
    # -P: what lies where it is started is not found; the folder of latticefarm is not on the path
    ran = subprocess.run([sys.executable, "-P", path], cwd="/", env=environment, capture_output=True, text=True, check=True)
    words = ran.stdout.splitlines()[-1].split()  # MACE has something to say too
    energy, force = words[1], words[5]
    expected = of_files([tmp_path / name for name in parts], device="cpu").evaluate(cell)
    alone = of_files([tmp_path / parts[0]], device="cpu").evaluate(cell)
    assert float(energy) == pytest.approx(expected.energy, abs=1e-8)
    assert float(force) == pytest.approx(abs(expected.forces).max(), rel=6e-3)
    assert abs(expected.energy - alone.energy) > 1e-3
    assert path.read_text().startswith('"""ΔML(HF) of argon, size full, seed 1: ')
