"""MD with our own potentials: base + difference as two networks, killed and resumed to the same bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from dynamics_toys import dynamics, frames_in, lih

from flows.dynamics.md import StartDirectory, simulate
from flows.training.settings import TrainingSettings

TINY = TrainingSettings(
    hidden_irreps="4x0e + 4x1o",
    mlp_irreps="4x0e",
    r_max=2.5,
    max_ell=1,
    correlation=2,
    num_radial_basis=4,
    radial_mlp=(8,),
)


def untrained(seed: int) -> bytes:
    """A small network of random weights: as good as any for bits."""
    import torch
    from mace import modules

    from flows.training.architecture import _shape, default_dtype

    torch.manual_seed(seed)
    with default_dtype("float64"):
        model = modules.ScaleShiftMACE(
            **_shape(TINY),
            num_elements=2,
            atomic_numbers=[1, 3],
            atomic_energies=np.zeros((1, 2)),
            avg_num_neighbors=6.0,
            atomic_inter_scale=0.1,
            atomic_inter_shift=0.0,
            heads=["Default"],
        )
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue()


def test_a_killed_md_of_networks_ends_bit_identical(tmp_path, monkeypatch):
    from flows.training.potentials import MacePotential

    asked = dynamics(steps=40, equilibration_steps=20)

    def atoms():
        found = lih()
        found.calc = (
            MacePotential(networks[0], device="cpu") + MacePotential(networks[1], device="cpu") + found.calc
        )
        return found

    networks = untrained(1), untrained(2)
    calm = simulate(atoms(), asked, 0, StartDirectory(tmp_path / "calm", "me", 15))
    interrupted = atoms()
    evaluate, calls = interrupted.calc.evaluate, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 47:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(interrupted.calc, "evaluate", killed)
    with pytest.raises(KeyboardInterrupt):
        simulate(interrupted, asked, 0, StartDirectory(tmp_path / "killed", "me", 15))
    found = simulate(atoms(), asked, 0, StartDirectory(tmp_path / "killed", "me", 15))

    assert found.last.resumed_from == (25,)  # call 47 is within step 46, 20 of which equilibrate
    assert frames_in(found) == frames_in(calm)
    assert all(forces and not stress for _, forces, stress in calls)
    velocities, masses = calm.velocities()[:, :].astype(float), lih().get_masses()
    assert (
        np.abs(np.einsum("a,fac->fc", masses, velocities)).max()
        < 1e-6 * masses.sum() * np.abs(velocities).max()
    )
