"""Facts about the labels of a level that a user should see before training on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from ase.units import kB

from flows.records import Label, LevelAudit

_OUTLIER_SIGMAS = 6.0
_ROUNDING_EV = 1e-3  # published energies are rounded: no spread is known better than this


def audit_base(labels: Mapping[str, Label]) -> LevelAudit:
    """The level to which the others are compared; `labels` by structure key."""
    energies = _energies(labels.values())
    strange = _outliers(energies, 10.0)
    return _facts(labels, energies[~strange]).model_copy(
        update=_named(labels, strange, "energy is far from all others")
    )


def audit_level(labels: Mapping[str, Label], base: Mapping[str, Label], base_level: str) -> LevelAudit:
    """A level and its differences ΔE = E_level - E_base; every structure of `labels` is in `base`.

    The spread is the standard deviation (n - 1) of ΔE per atom, the line the least-squares fit of ΔE against
    E_base with its RMSE (n). Outliers lie more than 6 robust standard deviations (1.4826 MAD) from it.
    """
    energies, reference = _energies(labels.values()), _energies([base[key] for key in labels])
    delta = energies - reference
    atoms = len(next(iter(labels.values())).structure.symbols)
    facts = _facts(labels, energies).model_copy(update={"delta_base": base_level, "delta_count": len(delta)})
    if len(delta) < 3 or np.ptp(reference) == 0:
        return facts.model_copy(
            update={"warnings": ("too few structures for a straight line in the base energy",)}
        )
    slope, level = np.polyfit(reference - reference.mean(), delta, 1)
    residual = delta - slope * (reference - reference.mean()) - level
    named = _named(
        labels, _outliers(residual, _OUTLIER_SIGMAS), f"ΔE lies far from its straight line in E_{base_level}"
    )
    return facts.model_copy(
        update={
            "delta_std_meV_atom": float(delta.std(ddof=1)) / atoms * 1e3,
            "line_slope": float(slope),
            "line_rmse_meV_atom": float(np.sqrt((residual**2).mean())) / atoms * 1e3,
            **named,
        }
    )


def effective_temperatures(energies_eV: np.ndarray, atoms: int) -> np.ndarray:
    """Temperature (K) of each frame, by equipartition: E - E_min = 3/2 (N - 1) k T, potential energy alone.

    `energies_eV` is (n,). The lowest frame stands for the structure at rest, the centre of mass is at rest.
    One frame fluctuates by sqrt(2/(3N)): about 14 % for 32 atoms.
    """
    return (energies_eV - energies_eV.min()) / (1.5 * max(atoms - 1, 1) * kB)


def _facts(labels: Mapping[str, Label], energies: np.ndarray) -> LevelAudit:
    forces = [label.forces_eV_A for label in labels.values() if label.forces_eV_A is not None]
    atoms = len(next(iter(labels.values())).structure.symbols)
    temperatures = effective_temperatures(energies, atoms)
    return LevelAudit(
        count=len(labels),
        with_forces=len(forces),
        atoms=atoms,
        energy_min_eV=float(energies.min()),
        energy_max_eV=float(energies.max()),
        force_rms_eV_A=float(np.sqrt(np.mean(np.array(forces) ** 2))) if forces else None,
        effective_temperature_K=float(temperatures.max()),
        effective_temperature_mean_K=float(temperatures.mean()),
    )


def _energies(labels: Iterable[Label]) -> np.ndarray:
    return np.array([label.energy_eV for label in labels])


def _outliers(values: np.ndarray, sigmas: float) -> np.ndarray:
    off = np.abs(values - np.median(values))
    return off > sigmas * max(1.4826 * float(np.median(off)), _ROUNDING_EV)


def _named(labels: Mapping[str, Label], strange: np.ndarray, what: str) -> dict[str, Sequence[str]]:
    found = [
        (key, label) for (key, label), is_strange in zip(labels.items(), strange, strict=True) if is_strange
    ]
    return {
        "outliers": tuple(key for key, _ in found),
        "warnings": tuple(f"{label.source}: {what} (structure {key[:12]})" for key, label in found),
    }
