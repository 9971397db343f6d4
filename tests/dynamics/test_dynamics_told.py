"""What an MD tells while it runs is what its trajectory holds: mean temperature and drift of each chunk."""

from __future__ import annotations

import numpy as np
from dynamics_toys import dynamics, lih
from telling import Ear

from flows.dynamics.md import StartDirectory, simulate
from flows.dynamics.trajectory import EQUILIBRATION, PRODUCTION
from flows.dynamics.watch import temperature_K


def test_temperature_and_drift_of_each_chunk(tmp_path):
    ear = Ear()
    asked = dynamics(equilibration_steps=60, steps=200, sample_every=2)
    trajectory = simulate(lih(), asked, 3, StartDirectory(ear.shelf(tmp_path), "me", chunk_steps=40))
    last = ear.heard[-1]
    assert [one.done for one in ear.heard] == list(last.series["step"]) == [-20, 0, 40, 80, 120, 160, 200]
    assert (last.unit, last.total, last.part) == ("step", 200, "start 3")
    kinetic = np.concatenate([trajectory.column("kinetic_eV", phase) for phase in (EQUILIBRATION, PRODUCTION)])
    chunks = np.split(kinetic, [20, 30, 50, 70, 90, 110])
    means = [temperature_K(chunk.mean(), 8) for chunk in chunks]
    assert np.allclose(last.series["temperature_K"], means, rtol=1e-12)
    total = trajectory.column("kinetic_eV") + trajectory.column("potential_eV")
    assert trajectory.last is not None
    moved = 1e3 * (total.reshape(5, 20).mean(axis=1) - trajectory.last.state.reference_eV) / 8
    assert last.series["drift_meV_atom"][:2] == (None, None)
    assert np.allclose(last.series["drift_meV_atom"][2:], moved, atol=1e-9)
