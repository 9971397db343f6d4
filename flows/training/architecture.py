"""The MACE model of a training, as `mace_run_train` configures it, and the graphs that it eats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from flows.training.datasets import Dataset, Frame
from flows.training.settings import TrainingSettings

HEAD = "Default"


@contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    """torch's default dtype, given back whatever happens (MACE's own keeps it after an exception)."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def best_device() -> str:
    """`cuda` where there is one, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def elements(frames: Iterable[Frame]) -> list[int]:
    """Atomic numbers that occur, sorted."""
    from ase.data import atomic_numbers

    return sorted({atomic_numbers[symbol] for frame in frames for symbol in set(frame.structure.symbols)})


def graphs(frames: Iterable[Frame], numbers: Sequence[int], r_max: float) -> list[Any]:
    """A MACE graph (`AtomicData`) for each frame, with edges up to `r_max` Å, in the default dtype."""
    from mace.data import AtomicData
    from mace.tools import AtomicNumberTable

    table = AtomicNumberTable(list(numbers))
    return [AtomicData.from_config(_configuration(frame), z_table=table, cutoff=r_max) for frame in frames]


def batches(items: Sequence[Any], size: int) -> list[Any]:
    """Graphs, in their order, in batches of at most `size`."""
    return [batch(items[start : start + size]) for start in range(0, len(items), size)]


def batch(items: Sequence[Any]) -> Any:
    from mace.tools.torch_geometric.batch import Batch

    return Batch.from_data_list(list(items))


def build(dataset: Dataset, settings: TrainingSettings, training_graphs: Sequence[Any], seed: int) -> Any:
    """A `ScaleShiftMACE` with weights drawn from `seed`, in the default dtype, on the CPU.

    E0s are MACE's `average`: the least-squares share of each element in the energies of the training frames.
    """
    import torch
    from mace import modules

    numbers = elements(dataset.frames())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return modules.ScaleShiftMACE(
            **_shape(settings),
            num_elements=len(numbers),
            atomic_numbers=numbers,
            atomic_energies=average_e0s(dataset.train, numbers)[None, :],
            avg_num_neighbors=average_neighbours(training_graphs),
            atomic_inter_scale=interaction_scale(dataset),
            atomic_inter_shift=0.0,
            heads=[HEAD],
        )


def average_e0s(frames: Sequence[Frame], numbers: Sequence[int]) -> np.ndarray:
    """Energy of an atom of each element, eV, least squares over the frames (of least norm if undetermined)."""
    from ase.data import atomic_numbers

    counts = np.array(
        [[sum(atomic_numbers[s] == z for s in frame.structure.symbols) for z in numbers] for frame in frames]
    )
    return np.linalg.lstsq(counts.astype(float), np.array([f.energy_eV for f in frames]), rcond=None)[0]


def average_neighbours(items: Sequence[Any]) -> float:
    """Edges per atom that has any, over graphs (MACE's `compute_avg_num_neighbors`)."""
    counts = np.concatenate([np.unique(item.edge_index[1].numpy(), return_counts=True)[1] for item in items])
    return float(np.mean(counts)) if len(counts) else 1.0


def interaction_scale(dataset: Dataset) -> float:
    """What one unit of an atom's network output is worth, in eV: MACE's `rms_forces_scaling` where forces train.

    Without forces, the spread that an atom's energy has if atoms are independent: std(E/N) sqrt(N).
    """
    if dataset.model.needs_forces:
        forces = np.concatenate([f.forces_eV_A for f in dataset.train if f.forces_eV_A is not None])
        return max(float(np.sqrt(np.mean(forces**2))), 1e-6)
    return energy_spread(dataset) * float(np.sqrt(np.mean([frame.atoms for frame in dataset.train])))


def energy_spread(dataset: Dataset) -> float:
    """Standard deviation of the energy per atom over the training frames, eV; a tiny one for constants."""
    return max(float(np.std([frame.energy_eV / frame.atoms for frame in dataset.train])), 1e-7)


def _shape(settings: TrainingSettings) -> dict[str, Any]:
    from e3nn import o3
    from mace import modules

    return {
        "r_max": settings.r_max,
        "num_bessel": settings.num_radial_basis,
        "num_polynomial_cutoff": settings.num_cutoff_basis,
        "max_ell": settings.max_ell,
        "interaction_cls": modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        "interaction_cls_first": modules.interaction_classes["RealAgnosticInteractionBlock"],
        "num_interactions": settings.num_interactions,
        "hidden_irreps": o3.Irreps(settings.hidden_irreps),
        "MLP_irreps": o3.Irreps(settings.mlp_irreps),
        "correlation": settings.correlation,
        "gate": modules.gate_dict["silu"],
        "radial_MLP": list(settings.radial_mlp),
        "use_reduced_cg": False,
    }


def _configuration(frame: Frame) -> Any:
    from mace.data import Configuration

    atoms = frame.structure.atoms()
    forces = frame.forces_eV_A
    return Configuration(
        atomic_numbers=atoms.get_atomic_numbers(),
        positions=atoms.get_positions(),
        properties={"energy": frame.energy_eV, "forces": forces},
        property_weights={"energy": 1.0, "forces": 0.0 if forces is None else 1.0},
        cell=np.array(atoms.cell),
        pbc=(True, True, True),
        head=HEAD,
    )
