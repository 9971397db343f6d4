"""A sweep whose MD is VASP's own, by the program that stands in for it: what it is given, what is kept, kills, failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import stand_in_for_vasp
from ase import Atoms
from ase.build import bulk
from potcars import lay, potcar

from flows.failure import CalculationFailed
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.vasp import custody
from flows.labelling.engines.vasp.run import ORBITALS
from flows.labelling.engines.vasp.settings import VaspSettings
from flows.labelling.sampling.calculator import Driver
from flows.labelling.sampling.settings import SweepSettings, SweepTask
from flows.labelling.sampling.stretches import sweep_by_stretches
from flows.records import Failure, Structure, Sweep

CRYSTAL = bulk("C", a=3.561, cubic=True)


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "PBE_54", "C", potcar("C"))
    monkeypatch.setattr(custody, "_POLL_S", 0.05)
    ORBITALS.drop()


def engine(home: Path, wrong: str = "", **more: object) -> VaspSettings:
    command = f"{sys.executable} {stand_in_for_vasp.__file__} --log {home}/log{f' --wrong {wrong}' if wrong else ''}"
    asked = {"encut_eV": 400, "kpoints": [1, 1, 1], "command": command, "potcars": str(home), "scratch": str(home), "max_corrections": 1}
    return VaspSettings.model_validate({**asked, **more}).for_elements({"C"})


def task(of: VaspSettings) -> SweepTask:
    settings = SweepSettings(temperatures_K=(100, 200), steps=20, every=4, discard=4, friction_per_fs=0.05)
    return SweepTask(key="sweep", system="diamond", structure=Structure.from_atoms(CRYSTAL), settings=settings, engine=of, level="dft")


class Kept(list[tuple[Structure, Computed]]):
    def keep(self, structure: Structure, found: Computed) -> None:
        self.append((structure, found))


def swept(of: VaspSettings, place: Path, kept: Kept, ends_at: int = 0) -> Sweep:
    begun: list[Stretch] = []

    def move(atoms: Atoms, stretch: Stretch) -> Moved | Failure:
        begun.append(stretch)
        if len(begun) == ends_at:
            raise KeyboardInterrupt
        return of.move(atoms, stretch)

    return sweep_by_stretches(task(of), Driver(None, potential="vasp dft"), move, place, kept.keep, steps=10)


def runs(home: Path) -> list[dict]:
    return [json.loads(line) for line in (home / "log").read_text().splitlines()]


def test_temperatures_rise_stretch_by_stretch_and_frames_are_labels(tmp_path):
    kept = Kept()
    found = swept(engine(tmp_path), tmp_path / "sweep", kept)
    tags = [run["tags"] for run in runs(tmp_path)]
    assert [one["TEBEG"] for one in tags] == ["100.0", "100.0", "200.0", "200.0"]
    assert {(one["IBRION"], one["MDALGO"], one["ISIF"], one["NSW"], one["POTIM"], one["LANGEVIN_GAMMA"]) for one in tags} == {("0", "3", "2", "10", "1.0", "50.0")}
    assert len({one["RANDOM_SEED"] for one in tags}) == 4
    assert [run["began"] for run in runs(tmp_path)] == [False, True, True, True]
    assert [frame.step for frame in found.frames] == [8, 12, 16, 20, 28, 32, 36, 40]
    assert [frame.stratum for frame in found.frames] == [100] * 4 + [200] * 4
    assert [frame.structure for frame in found.frames] == [structure for structure, _ in kept]
    structure, label = kept[5]
    fractional = structure.atoms().get_scaled_positions().tolist()
    energy, forces = stand_in_for_vasp.morse(CRYSTAL.cell.array.tolist(), fractional, 1.0)
    assert label.energy_eV == pytest.approx(energy, abs=1e-5)
    np.testing.assert_allclose(label.forces_eV_A, forces, atol=1e-4)
    assert label.versions == {"vasp": "6.4.2"}
    assert label.files[0].startswith("POTCAR of C: PAW_PBE C")


def test_it_goes_on_from_positions_and_velocities_wherever_it_was_killed(tmp_path):
    whole, kept = Kept(), Kept()
    undisturbed = swept(engine(tmp_path), tmp_path / "whole", whole)
    for ends_at in (1, 2, 2):
        with pytest.raises(KeyboardInterrupt):
            swept(engine(tmp_path), tmp_path / "killed", kept, ends_at)
    found = swept(engine(tmp_path), tmp_path / "killed", kept)
    assert found.resumed_from_steps == (10, 20)
    assert len(runs(tmp_path)) == 8
    assert len(kept) == len(whole) == 8
    for one, two in zip(found.frames, undisturbed.frames, strict=True):
        np.testing.assert_allclose(one.structure.positions, two.structure.positions, atol=1e-6)


def test_atoms_that_cross_the_cell_do_not_jump(tmp_path):
    atoms = CRYSTAL.copy()
    atoms.set_velocities(np.full((8, 3), 0.05))
    stretch = Stretch("dft", 100, 10, 1.0, 0.0, 1)
    moved = engine(tmp_path).move(atoms, stretch)
    assert isinstance(moved, Moved)
    assert np.abs(np.diff(moved.positions, axis=0)).max() < 0.02
    np.testing.assert_allclose(moved.positions[0], atoms.positions, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ("unconverged-step", "unconverged", "steps 1 to 10 of the sweep, at 100 K: VASP did not converge"),
        ("explodes", "exploded", "where 100 K were asked for at step 8"),
        ("crash", "crashed", "zpotrf"),
    ],
)
def test_what_goes_wrong_is_said_with_its_place(tmp_path, wrong, kind, says):
    with pytest.raises(CalculationFailed) as caught:
        swept(engine(tmp_path, wrong), tmp_path / "sweep", Kept())
    assert caught.value.failure.kind == kind
    assert says in caught.value.failure.message
    assert caught.value.failure.run_directory


def test_only_what_has_no_exact_exchange_is_moved_by_vasp(tmp_path):
    assert engine(tmp_path).moves("dft")
    assert not engine(tmp_path).moves("hf")
    assert not engine(tmp_path, functional="hse06").moves("dft")


@pytest.mark.slow
def test_the_job_of_a_sweep_keeps_labels_of_its_frames(tmp_path, store):
    from flows.keys import job_uuid
    from flows.labelling.computed import computed_label_key
    from flows.labelling.sampling.jobs import sweep

    asked = task(engine(tmp_path))
    job = sweep(asked, [])
    job.set_uuid(job_uuid(asked.key))
    job.run(store=store)
    found = Sweep.model_validate(store.query_one({"uuid": job_uuid(asked.key)}, load=True)["output"])
    keys = [computed_label_key(frame.structure.key(), "dft", asked.engine, True) for frame in found.frames]
    labels = {one["output"]["key"]: one["output"] for one in store.query({"output.level": "dft"}, load=True)}
    assert len(keys) == 8
    assert set(keys) == labels.keys()
    assert labels[keys[0]]["engine_version"].endswith("vasp 6.4.2")
