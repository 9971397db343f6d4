"""What a training minimizes: MACE's weighted losses, and one on energies alone that needs no force gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.training.settings import TrainingSettings


@dataclass(frozen=True)
class Objective:
    """The loss of a batch, with forces (MACE's `weighted` loss) or without.

    Leaving the forces out of the model's graph makes a step about three times cheaper than weighing them by zero.
    """

    energy_weight: float
    forces_weight: float
    forces: bool

    @classmethod
    def of(cls, settings: TrainingSettings, forces: bool) -> Objective:
        return cls(settings.energy_weight, settings.forces_weight, forces)

    def predict(self, model: Any, batch: Any, training: bool) -> dict[str, Any]:
        """MACE's outputs for a batch: `energy` (graphs,) in eV, and `forces` (atoms, 3) in eV/Å or None."""
        return model(batch.to_dict(), training=training, compute_force=self.forces)

    def __call__(self, prediction: dict[str, Any], batch: Any) -> Any:
        from mace.modules.loss import mean_squared_error_forces, weighted_mean_squared_error_energy

        loss = self.energy_weight * weighted_mean_squared_error_energy(batch, prediction)
        if self.forces:
            loss = loss + self.forces_weight * mean_squared_error_forces(batch, prediction)
        return loss
