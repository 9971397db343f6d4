"""A small real job that needs torch and MACE: energy and forces of a rattled cell of diamond, by a model from a file.

Importable, because workers have to load it: this folder must be on their PYTHONPATH.
"""

from __future__ import annotations

from pathlib import Path

from flows.delivery import delivers
from flows.toys import Toy, ToyTask


@delivers(Toy)
def mace_job(task: ToyTask, model: str) -> Toy:
    """The energy, in µeV, of the cell that the task's `value` rattles."""
    from diamonds import diamond, load_mace

    load_mace(threads=1)
    from flows.training.potentials import MacePotential

    atoms = diamond((1, 1, 1), seed=task.value)
    atoms.calc = MacePotential(Path(model).read_bytes(), device="cpu")
    assert atoms.get_forces().shape == (8, 3)
    return Toy(key=task.key, value=round(1e6 * atoms.get_potential_energy()))


def write_model(path: Path) -> None:
    """An untrained network of the least size: a job is to cost little beside what is measured."""
    from diamonds import labelled, load_mace, model_file, network

    load_mace(threads=1)
    from flows.training.settings import TrainingSettings

    irreps = {"hidden_irreps": "4x0e", "mlp_irreps": "4x0e", "radial_mlp": (8,)}
    asked = TrainingSettings(**irreps, r_max=2.0, max_ell=1, correlation=1, num_interactions=1)
    path.write_bytes(model_file(network(labelled("dft_ef", 1), asked, seed=1)))
