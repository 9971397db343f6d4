"""A model as JSON and plain arrays: read without a pickle, it gives the same energies and forces."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from training_toys import crystal, task_of

from flows.training.plain_model import ARCHITECTURE, WEIGHTS, PlainModel
from flows.training.potentials import MacePotential, of_files

SHAPES = {
    "as trained": {},
    "one layer": {"num_interactions": 1},
    "scalars alone": {"hidden_irreps": "4x0e"},
    "up to l=2": {"hidden_irreps": "2x0e + 2x1o + 2x2e", "max_ell": 2, "correlation": 3},
    "float32": {"dtype": "float32"},
}
QUICK = ("as trained", "up to l=2")


@pytest.fixture
def files(base_model, tmp_path: Path) -> Path:
    """The two files of a model; returns the architecture."""
    return written(base_model.blob.content(), tmp_path)


def written(content: bytes, folder: Path) -> Path:
    plain = PlainModel.of(content)
    (folder / f"m{WEIGHTS}").write_bytes(plain.weights)
    path = folder / f"m{ARCHITECTURE}"
    path.write_bytes(plain.architecture)
    return path


def livelier(content: bytes) -> bytes:
    """A model of one epoch with forces of a size that tells models apart."""
    import torch

    model = torch.load(io.BytesIO(content), weights_only=False)
    model.scale_shift.scale *= 3e3
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in SHAPES])
def test_the_same_energies_forces_and_stress(trained, tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = livelier(trained(task_of("dft_ef", "dft", max_epochs=1, **SHAPES[shape])).blob.content())
    path = written(content, tmp_path)
    pickled = MacePotential(content, device="cpu")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was unpickled")

    import torch

    monkeypatch.setattr(torch, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    plain = of_files([path], device="cpu")
    for seed in (1, 7, 30):
        atoms = crystal(seed).repeat((2, 1, 1))
        one, other = (potential.evaluate(atoms, stress=True) for potential in (plain, pickled))
        assert one.energy == pytest.approx(other.energy, abs=1e-10)
        assert np.abs(one.forces - other.forces).max() < 1e-10
        assert np.abs(one.stress - other.stress).max() < 1e-10
        assert np.abs(one.forces).max() > 1e-3


def test_the_two_files_are_what_anybody_can_read(base_model, files: Path) -> None:
    said = json.loads(files.read_text())
    assert said["dtype"] == "float64"
    assert said["ScaleShiftMACE"]["r_max"] == pytest.approx(base_model.settings["r_max"])
    assert said["ScaleShiftMACE"]["hidden_irreps"] == "4x0e+4x1o"
    assert said["ScaleShiftMACE"]["atomic_numbers"] == [18]
    with np.load(io.BytesIO(files.with_name(f"m{WEIGHTS}").read_bytes()), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
        assert "node_embedding.linear.weight" in arrays.files


def test_mace_itself_takes_the_module(files: Path) -> None:
    from mace.calculators import MACECalculator

    calculator = MACECalculator(models=[PlainModel.read(files).module()], device="cpu", default_dtype="float64")
    atoms = crystal(3)
    expected = of_files([files], device="cpu").evaluate(atoms).energy
    atoms.calc = calculator
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1e-9)


def test_what_does_not_go_together_is_refused(trained, files: Path) -> None:
    mine = PlainModel.read(files)
    other = PlainModel.of(trained(task_of("dft_ef", "dft", max_epochs=1, hidden_irreps="2x0e")).blob.content())
    with pytest.raises(ValueError, match="not those of this architecture"):
        PlainModel(mine.architecture, other.weights).module()
    with pytest.raises(ValueError, match="format None, version None"):
        PlainModel(b"{}", mine.weights).module()
