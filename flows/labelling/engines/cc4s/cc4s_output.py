"""What Cc4s leaves in `cc4s.out.yaml`: steps, found by their names whatever their numbers, with energies and units.

Versions differ: steps are a mapping by number or a list, the version of the program stands at the top or under
`executionEnvironment`, times in the step or under its `statistics`. PyYAML takes 1e-08 for a text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.labelling.engines.cc4s.wavefiles import read_yaml

OUTPUT = "cc4s.out.yaml"
TRIPLES = ("PerturbativeTriples", "PerturbativeTriplesReference")
_SAME_UNIT = 1e-6


@dataclass(frozen=True)
class Correlation:
    """Energies of the cell in eV; None: that step was not made, or had not ended.

    `basis_set_eV` is `basis_set_mp2_eV` (second order) and `basis_set_ppl_eV` (particle-particle ladder) together.
    `seconds` are those of the steps, by name.
    """

    version: str
    converged: bool
    second_order_eV: float
    ccsd_eV: float
    triples_eV: float | None
    basis_set_mp2_eV: float | None
    basis_set_ppl_eV: float | None
    finite_size_eV: float | None
    seconds: Mapping[str, float]


def read_correlation(path: Path) -> Correlation:
    """What stands in `path`, of all or of the first steps.

    Raises:
        ValueError: it is not there, cannot be read, or as `correlation_in`.
    """
    return correlation_in(read_yaml(path))


def correlation_in(document: Mapping[str, Any]) -> Correlation:
    """What an output says, of all or of the first steps.

    Raises:
        ValueError: it has no CCSD, or holds what contradicts itself.
    """
    steps = [_Step(one) for one in _listed(document.get("steps"))]
    ccsd = _one(steps, ("CoupledCluster",), method="Ccsd")
    if ccsd is None:
        raise ValueError(f"{OUTPUT} has no CoupledCluster that ended, of {len(steps)} steps")
    basis, size, triples = (_one(steps, names) for names in (("BasisSetCorrection",), ("FiniteSizeCorrection",), TRIPLES))
    found = Correlation(
        version=str(document.get("version") or _mapping(document.get("executionEnvironment")).get("version") or "unknown"),
        converged=ccsd.converged(),
        second_order_eV=ccsd.energy_eV("secondOrder"),
        ccsd_eV=ccsd.energy_eV("correlation"),
        triples_eV=None if triples is None else triples.energy_eV("correlation"),
        basis_set_mp2_eV=None if basis is None else basis.energy_eV("secondOrderCorrection"),
        basis_set_ppl_eV=None if basis is None else basis.energy_eV("pplCorrection"),
        finite_size_eV=None if size is None else size.energy_eV("correction"),
        seconds={step.name: step.seconds() for step in steps},
    )
    if basis is not None:
        of_parts = basis.energy_eV("secondOrderCorrection") + basis.energy_eV("pplCorrection")
        _agree("correction of BasisSetCorrection", basis.energy_eV("correction"), of_parts)
        _agree("uncorrectedCorrelation of BasisSetCorrection", basis.energy_eV("uncorrectedCorrelation"), found.ccsd_eV)
    return found


class _Step:
    """One step as it stands there."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.name = str(found.get("name"))
        self.given = _mapping(found.get("in"))
        self.out = _mapping(found.get("out"))
        self._time = found.get("realtime", _mapping(found.get("statistics")).get("realtime", 0.0))

    def energy_eV(self, key: str) -> float:
        """`out.energy.KEY`, in Hartree if multiplied with `out.energy.unit`."""
        energy = _mapping(self.out.get("energy"))
        value, unit = (self._number(energy, one) for one in (key, "unit"))
        return in_eV(value, unit)

    def converged(self) -> bool:
        if "convergenceReached" not in self.out:
            raise ValueError(f"{self.name} does not say whether it converged (convergenceReached)")
        return str(self.out["convergenceReached"]).lower() in ("1", "true")

    def seconds(self) -> float:
        try:
            return float(self._time)
        except (TypeError, ValueError):
            return 0.0

    def _number(self, energy: Mapping[str, Any], key: str) -> float:
        try:
            number = float(energy[key])
        except KeyError:
            raise ValueError(f"{self.name} has no energy.{key}") from None
        except (TypeError, ValueError):
            raise ValueError(f"{self.name} has energy.{key} = {energy[key]!r}, which is no number") from None
        if not math.isfinite(number):
            raise ValueError(f"{self.name} has energy.{key} = {number}")
        return number


def in_eV(value: float, unit: float) -> float:
    """`value` times `unit` is in Hartree. What comes of VASP is in eV, and stays as it is to the last digit: with
    its own Hartree, not that of `ase.units`."""
    from ase.units import Hartree

    return value if abs(unit * Hartree - 1) < _SAME_UNIT else value * unit * Hartree


def _one(steps: list[_Step], names: tuple[str, ...], method: str | None = None) -> _Step | None:
    """The last of these steps that has an energy. (cT) is another correction under the name of (T)."""
    named = [one for one in steps if one.name in names and _mapping(one.out.get("energy"))]
    if method is not None:
        named = [one for one in named if str(one.given.get("method", method)) == method]
    if any(float(one.given.get("cT", 0)) for one in named):
        raise ValueError(f"{named[-1].name} was asked for (cT), which is not (T)")
    return named[-1] if named else None


def _agree(what: str, found: float, expected: float) -> None:
    if abs(found - expected) > 1e-6 * max(1.0, abs(expected)):
        raise ValueError(f"the {what} is {found:.8f} eV, and {expected:.8f} eV follows from the others")


def _listed(steps: Any) -> list[Mapping[str, Any]]:
    if isinstance(steps, dict):
        steps = [steps[key] for key in sorted(steps, key=lambda key: int(key) if str(key).isdigit() else -1)]
    if not isinstance(steps, list):
        raise ValueError("it has no steps: is it an output of Cc4s?")
    return [one for one in steps if isinstance(one, dict)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
