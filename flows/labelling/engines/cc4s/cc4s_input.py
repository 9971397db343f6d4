"""`cc4s.in.yaml`: the steps of Cc4s, from the tensors that VASP left to CCSD(T) with its corrections.

(T) comes last: where it crashes, what was found before stands in the output. Source: https://manuals.cc4s.org/user-manual
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.labelling.engines.cc4s.method import Cc4sMethod

INPUT = "cc4s.in.yaml"

Step = dict[str, Any]

_ORBITALS = {"slicedEigenEnergies": "EigenEnergies"}
_INTEGRALS = {"coulombIntegrals": "CoulombIntegrals"}
_VERTEX = {"slicedCoulombVertex": "CoulombVertex"}
_AMPLITUDES = {"amplitudes": "Amplitudes"}


def cc4s_input(settings: Cc4sMethod, level: str, reference: bool = False) -> str:
    """The YAML for all levels up to `level`; `reference`: (T) by its slower implementation."""
    import yaml

    text: str = yaml.safe_dump(cc4s_steps(settings, level, reference), sort_keys=False)
    return text


def cc4s_steps(settings: Cc4sMethod, level: str, reference: bool = False) -> list[Step]:
    """The steps, in their order."""
    coupled = level != "mp2"
    steps = [
        *_read("EigenEnergies", "CoulombVertex"),
        _step("DefineHolesAndParticles", {"eigenEnergies": "EigenEnergies"}, _ORBITALS),
        _step("SliceOperator", {**_ORBITALS, "operator": "CoulombVertex"}, {"slicedOperator": "CoulombVertex"}),
        _step("VertexCoulombIntegrals", _VERTEX, _INTEGRALS),
        _coupled_cluster(settings, settings.max_cc_cycles if coupled else 1),
    ]
    if settings.needs_pair_energies(level):
        steps += _basis_set()
    if coupled and settings.finite_size_correction:
        steps += _finite_size(settings)
    if level == "ccsd(t)":
        name = "PerturbativeTriplesReference" if reference else "PerturbativeTriples"
        steps.append(_step(name, {**_ORBITALS, **_AMPLITUDES, **_INTEGRALS}, {}))
    return steps


def tensors(settings: Cc4sMethod, level: str) -> tuple[str, ...]:
    """The tensors that are read for all levels up to `level`."""
    return tuple(one["in"]["fileName"].removesuffix(".yaml") for one in cc4s_steps(settings, level) if one["name"] == "Read")


def _coupled_cluster(settings: Cc4sMethod, cycles: int) -> Step:
    """MP2 is what the first cycle finds."""
    given = {
        "method": "Ccsd",
        "integralsSliceSize": settings.integrals_slice,
        **_ORBITALS,
        **_INTEGRALS,
        **_VERTEX,
        "maxIterations": cycles,
        "energyConvergence": settings.cc_tolerance_eV,
        "amplitudesConvergence": settings.cc_amplitude_tolerance,
        "mixer": {"type": "DiisMixer", "maxResidua": settings.diis},
    }
    return _step("CoupledCluster", given, dict(_AMPLITUDES))


def _basis_set() -> list[Step]:
    """Focal point: Irmler, Gallo, Grüneis, J. Chem. Phys. 154, 234103 (2021)."""
    given = {
        **_ORBITALS,
        **_AMPLITUDES,
        **_INTEGRALS,
        "mp2PairEnergies": "Mp2PairEnergies",
        "deltaIntegralsHH": "DeltaIntegralsHH",
        "deltaIntegralsPPHH": "DeltaIntegralsPPHH",
    }
    return [*_read("DeltaIntegralsHH", "DeltaIntegralsPPHH", "Mp2PairEnergies"), _step("BasisSetCorrection", given, {})]


def _finite_size(settings: Cc4sMethod) -> list[Step]:
    """By the interpolated structure factor: Gruber et al., Phys. Rev. X 8, 021043 (2018)."""
    given = {
        **_VERTEX,
        **_AMPLITUDES,
        "coulombVertexSingularVectors": "CoulombVertexSingularVectors",
        "coulombPotential": "CoulombPotential",
        "gridVectors": "GridVectors",
        "interpolationGridSize": settings.interpolation_grid,
    }
    return [*_read("CoulombVertexSingularVectors", "GridVectors", "CoulombPotential"), _step("FiniteSizeCorrection", given, {})]


def _read(*names: str) -> list[Step]:
    return [_step("Read", {"fileName": f"{name}.yaml"}, {"destination": name}) for name in names]


def _step(name: str, given: dict[str, Any], out: dict[str, Any]) -> Step:
    # copies: YAML would write a second mention of the same mapping as a reference to the first
    return {"name": name, "in": dict(given), "out": dict(out)}
