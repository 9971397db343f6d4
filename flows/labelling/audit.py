"""Facts about the labels of a level that a user should see before training on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from ase.units import kB

from flows.labelling.units import base_slope, level_slope
from flows.labelling.work import out_of_work
from flows.records import Label, LevelAudit

_OUTLIER_SIGMAS = 6.0
_ROUNDING_EV = 1e-3  # published energies are rounded: no spread is known better than this


def audit_base(labels: Mapping[str, Label]) -> LevelAudit:
    """The level to which the others are compared; `labels` by structure key.

    Outliers lie more than 10 robust standard deviations from the median energy, or do not belong to the
    forces (`flows.labelling.work`).
    """
    energies = _energies(labels.values())
    strange = _outliers(energies - np.median(energies), 10.0)
    warnings = _named(labels, strange, "its energy is far from all others")
    unfit = set(out_of_work(labels))
    misfits = np.array([key in unfit for key in labels]) & ~strange
    warnings += _named(
        labels, misfits, "its energy does not belong to its forces and those of its neighbours"
    )
    if base_slope(labels) is None:
        warnings += ("its unit could not be checked: no forces, too few structures, or too far apart",)
    return _facts(labels, strange | misfits, {"warnings": warnings})


def audit_level(labels: Mapping[str, Label], base: Mapping[str, Label], base_level: str) -> LevelAudit:
    """A level and its differences ΔE = E_level - E_base; every structure of `labels` is in `base`.

    The spread is the standard deviation (n - 1) of ΔE per atom; the line is the least-squares fit of ΔE against
    E_base, `line_slope` its slope (that of E_level is one more), with its RMSE (n). Outliers lie more than 6
    robust standard deviations (1.4826 MAD) from the line through the others.
    """
    energies, reference = _energies(labels.values()), _energies([base[key] for key in labels])
    delta, reference = energies - reference, reference - reference.mean()
    facts: dict[str, Any] = {"delta_base": base_level, "delta_count": len(delta)}
    if len(delta) < 3 or np.ptp(reference) == 0:
        facts["warnings"] = ("there are too few structures for a straight line, and to check its unit",)
        return _facts(labels, np.zeros(len(delta), dtype=bool), facts)
    meV_atom = 1e3 / _atoms(labels)
    line = np.polyfit(reference, delta, 1)
    facts["delta_std_meV_atom"] = float(delta.std(ddof=1)) * meV_atom
    facts["line_slope"] = float(line[0])
    facts["line_rmse_meV_atom"] = (
        float(np.sqrt(((delta - np.polyval(line, reference)) ** 2).mean())) * meV_atom
    )
    strange = _off_the_line(reference, delta)
    facts["warnings"] = _named(labels, strange, f"its ΔE lies far from the straight line in E_{base_level}")
    if level_slope(labels, base) is None:
        facts["warnings"] += (
            f"its unit could not be checked: few structures, or not following {base_level}",
        )
    return _facts(labels, strange, facts)


def _off_the_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points (n,) lie off the line through the others: a far point must not hide by tilting the line."""
    strange = np.zeros(len(x), dtype=bool)
    for _ in range(5):
        residual = y - np.polyval(np.polyfit(x[~strange], y[~strange], 1), x)
        found = _outliers(residual, _OUTLIER_SIGMAS)
        if (found == strange).all() or (~found).sum() < 3:
            break
        strange = found
    return strange


def effective_temperatures(energies_eV: np.ndarray, atoms: int) -> np.ndarray:
    """Temperature (K) of each frame, by equipartition: E - E_min = 3/2 (N - 1) k T, potential energy alone.

    `energies_eV` is (n,). The lowest frame stands for the structure at rest, the centre of mass is at rest.
    One frame fluctuates by sqrt(2/(3N)): about 14 % for 32 atoms.
    """
    return (energies_eV - energies_eV.min()) / (1.5 * max(atoms - 1, 1) * kB)


def _facts(labels: Mapping[str, Label], strange: np.ndarray, facts: Mapping[str, Any]) -> LevelAudit:
    """What every level has; outliers say nothing about the temperature."""
    forces = [label.forces_eV_A for label in labels.values() if label.forces_eV_A is not None]
    energies = _energies(labels.values())
    temperatures = effective_temperatures(energies[~strange], _atoms(labels))
    return LevelAudit(
        count=len(labels),
        with_forces=len(forces),
        atoms=_atoms(labels),
        energy_min_eV=float(energies.min()),
        energy_max_eV=float(energies.max()),
        force_rms_eV_A=float(np.sqrt(np.mean(np.array(forces) ** 2))) if forces else None,
        effective_temperature_K=float(temperatures.max()),
        effective_temperature_mean_K=float(temperatures.mean()),
        outliers=tuple(key for key, is_strange in zip(labels, strange, strict=True) if is_strange),
        **facts,
    )


def _atoms(labels: Mapping[str, Label]) -> int:
    return len(next(iter(labels.values())).structure.symbols)


def _energies(labels: Iterable[Label]) -> np.ndarray:
    return np.array([label.energy_eV for label in labels])


def _outliers(residual: np.ndarray, sigmas: float) -> np.ndarray:
    off = np.abs(residual - np.median(residual))
    return off > sigmas * max(1.4826 * float(np.median(off)), _ROUNDING_EV)


def _named(labels: Mapping[str, Label], strange: np.ndarray, what: str) -> tuple[str, ...]:
    found = zip(labels.items(), strange, strict=True)
    return tuple(
        f"{label.source or label.engine}: {what} (structure {key[:12]})" for (key, label), is_strange in found if is_strange
    )
