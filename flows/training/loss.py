"""What a training minimizes: MACE's weighted losses, and one on energies alone that needs no force gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.training.architecture import energy_spread
from flows.training.datasets import Dataset
from flows.training.settings import TrainingSettings


@dataclass(frozen=True)
class Objective:
    """The loss of a batch: weights times the mean squares of energy errors per atom and of force errors.

    With forces it is MACE's `weighted` loss. Leaving the forces out of the model's graph makes a step about
    three times cheaper than weighing them by zero.
    """

    energy_weight: float
    forces_weight: float
    forces: bool

    @classmethod
    def of(cls, settings: TrainingSettings, dataset: Dataset) -> Objective:
        """Energies alone count in tenths of their spread.

        Differences between levels spread over meV: in eV their loss is smaller than what weight decay asks
        for, and training ends at a straight line in E_base, or at a constant. In tenths, rather than whole
        units, of the spread it was seen to leave that line in half the epochs: the large gradients of the
        first epochs are clipped and weigh no more than later ones in Adam's averages.
        """
        if dataset.model.needs_forces:
            return cls(settings.energy_weight, settings.forces_weight, True)
        return cls(settings.energy_weight / (0.1 * energy_spread(dataset)) ** 2, 0.0, False)

    def predict(self, model: Any, batch: Any, training: bool) -> dict[str, Any]:
        """MACE's outputs for a batch: `energy` (graphs,) in eV, and `forces` (atoms, 3) in eV/Å or None."""
        return model(batch.to_dict(), training=training, compute_force=self.forces)

    def __call__(self, prediction: dict[str, Any], batch: Any) -> Any:
        from mace.modules.loss import mean_squared_error_forces, weighted_mean_squared_error_energy

        loss = self.energy_weight * weighted_mean_squared_error_energy(batch, prediction)
        if self.forces:
            loss = loss + self.forces_weight * mean_squared_error_forces(batch, prediction)
        return loss
