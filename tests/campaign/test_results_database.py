"""Results read from a real database, as a notebook opens it."""

from __future__ import annotations

from pathlib import Path

import pytest
import results_world as world

from campaign.results import TABLES, campaign_names, connect
from launchers.farm import Farm


def test_all_tables_from_a_database(farm: Farm, tmp_path: Path) -> None:
    world.write_labels(tmp_path)
    world.everything(farm, world.enter(farm, world.load(tmp_path)))
    assert campaign_names(farm) == ["toy"]
    toy = connect("toy")
    rows = {name: len(toy.table(name)) for name in TABLES}
    assert rows | {
        "labels": 2,
        "set-aside": 1,
        "training": 18,
        "learning": 12,
        "phonons": 30,
        "points": 144,
        "frozen": 0,
        "vibrations": 0,
        "failures": 0,
        "gaps": 1,
    } == rows
    errors = toy.table("learning").groupby("model")["holdout_energy_meV_atom"].max()
    assert errors.to_dict() == pytest.approx({"dft_ef": 2.0, "hf-dft": 2.0, "delta_hf": 4.0})
    work = toy.find("phonons", "carbon", "delta_hf", 2, "few")
    assert toy.phonopy_file(work, tmp_path).read_bytes() == world.YAML_BYTES
