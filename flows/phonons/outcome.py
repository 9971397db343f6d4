"""From a task and forces to the record of its phonons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

from flows.failure import CalculationFailed
from flows.phonons.harmonic import STAGE, Forces, HarmonicCrystal, harmonic_crystal
from flows.phonons.path import BandPath, band_path
from flows.phonons.settings import PhononSettings, PhononTask
from flows.phonons.spectra import (
    bands,
    density_of_states,
    gamma_mesh,
    gamma_toward,
    imaginary_modes,
    limits,
    points_cm1,
    unstable_modes,
)
from flows.phonons.uncertainty import errors_cm1
from flows.records import Blob, NonAnalyticalTerm, Phonons, TrainedModel
from flows.training.force_constants.model import ForceConstants
from flows.training.verdict import of_parts
from flows.versions import versions as installed

PACKAGES = ("phonopy", "symfc", "spglib", "seekpath", "ase", "numpy")
IMAGINARY_KEPT = 100


def phonons_of(task: PhononTask, forces: Forces, models: Sequence[TrainedModel] = ()) -> Phonons:
    """The phonons that `task` asks for, of a potential with these `forces` that is the sum of `models`.

    Raises:
        CalculationFailed: `bad-input`: the cell is not primitive, forces of a wrong shape; `diverged`: forces
            that are not finite.
    """
    started = perf_counter()
    primitive = task.primitive.atoms()
    path = _path(task)
    crystal = harmonic_crystal(primitive, task.supercell, forces, task.settings.displacement_A, task.nac)
    return Phonons(
        **{name: getattr(task, name) for name in ("key", "system", "model", "seed", "size")},
        **_quality(crystal),
        **spectra(crystal, path, task.settings),
        point_errors_cm1=_errors(crystal, path, models),
        **of_parts(models),
        versions=installed(PACKAGES),
        wall_time_s=perf_counter() - started,
        blob=Blob.of(crystal.yaml()),
    )


bad_input = partial(CalculationFailed.of, STAGE, "bad-input")


def _path(task: PhononTask) -> BandPath:
    try:
        return band_path(task.primitive.atoms())
    except ValueError as error:
        raise bad_input(f"{task.system}: {error}") from error


def _errors(crystal: HarmonicCrystal, path: BandPath, models: Sequence[TrainedModel]) -> dict[str, tuple[float, ...]]:
    fits = [ForceConstants.of_file(one.blob.content()) for one in models if one.force_constants is not None]
    return errors_cm1(crystal, fits, limits(crystal, path)) if fits else {}


def _quality(crystal: HarmonicCrystal) -> dict[str, Any]:
    return {
        "displacements": crystal.displacements,
        "sum_rule_eV_A2": crystal.sum_rule_eV_A2,
        "residual_force_eV_A": crystal.residual_force_eV_A,
    }


def spectra(crystal: HarmonicCrystal, path: BandPath, settings: PhononSettings) -> dict[str, Any]:
    """The fields of a record that are drawn: bands, densities of states, named points, unstable modes."""
    along = bands(crystal, path, settings.points_per_segment)
    sampled = gamma_mesh(crystal, settings.mesh)
    unstable = imaginary_modes(along, sampled, settings.imaginary_threshold_cm1)
    return {
        "bands": along,
        "dos": density_of_states(crystal, sampled, settings.dos_pitch_cm1),
        "points_cm1": points_cm1(crystal, path),
        "nac": _nac(crystal, path),
        "unstable": unstable_modes(crystal, path, along, sampled, settings.imaginary_threshold_cm1),
        "imaginary": unstable[:IMAGINARY_KEPT],
        "imaginary_count": len(unstable),
    }


def _nac(crystal: HarmonicCrystal, path: BandPath) -> NonAnalyticalTerm | None:
    if crystal.nac is None:
        return None
    return NonAnalyticalTerm(**crystal.nac.model_dump(), gamma_toward=gamma_toward(crystal, path))
