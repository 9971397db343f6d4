"""Energies of the levels, part by part; the parts of a level sum to it.

E[HF] on k-points; MP2 adds the second order at Γ and its basis-set correction; CCSD its correlation energy, the basis-set
corrections of second order and of the particle-particle ladder, and the finite-size correction; CCSD(T) the triples too.
Source: https://manuals.cc4s.org/user-manual/tutorials/Rbn_tutorial.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.labelling.engines.cc4s.cc4s_output import Correlation
    from flows.labelling.engines.cc4s.method import Cc4sMethod


@dataclass(frozen=True)
class Corrections:
    """Which corrections are counted, as settings of the engine say it."""

    basis_set_correction: bool
    corrects_mp2: bool
    finite_size_correction: bool

    @classmethod
    def of(cls, found: Correlation) -> Corrections:
        """All that an output has."""
        return cls(found.basis_set_ppl_eV is not None, found.basis_set_mp2_eV is not None, found.finite_size_eV is not None)


def parts_eV(settings: Cc4sMethod | Corrections, level: str, hf_eV: float, found: Correlation | None) -> dict[str, float]:
    """Of the energy of `level`, in eV.

    Raises:
        ValueError: a part that the settings ask for was not found.
    """
    parts = {"hf": hf_eV}
    if level == "hf":
        return parts
    assert found is not None
    if level == "mp2":
        parts["mp2"] = found.second_order_eV
        if settings.corrects_mp2:
            parts["basis_set_mp2"] = _there(found.basis_set_mp2_eV, "BasisSetCorrection")
        return parts
    parts["ccsd"] = found.ccsd_eV
    if level == "ccsd(t)":
        parts["(t)"] = _there(found.triples_eV, "PerturbativeTriples")
    if settings.basis_set_correction:
        parts["basis_set_mp2"] = _there(found.basis_set_mp2_eV, "BasisSetCorrection")
        parts["basis_set_ppl"] = _there(found.basis_set_ppl_eV, "BasisSetCorrection")
    if settings.finite_size_correction:
        parts["finite_size"] = _there(found.finite_size_eV, "FiniteSizeCorrection")
    return parts


def _there(value: float | None, step: str) -> float:
    if value is None:
        raise ValueError(f"cc4s.out.yaml has no {step} that ended")
    return value
