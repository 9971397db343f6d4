"""What a run of VASP left: what is to be known of it, or why the step is not done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from flows.failure import CalculationFailed
from flows.labelling.engines import program
from flows.labelling.engines.cc4s.folders import how_it_ended
from flows.labelling.engines.cc4s.method import Cc4sMethod
from flows.labelling.engines.cc4s.outcar import Outcar, read_outcar
from flows.labelling.engines.cc4s.steps import (
    BANDS,
    CANONICAL,
    FNO,
    MP2,
    NATURAL,
    PAIRS,
    VERTEX,
    WAVECAR,
    Sizes,
    VaspStep,
)
from flows.labelling.engines.cc4s.wavefiles import tensor_lengths, wavecar_bands
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.vasp.ending import Attempt, Ended

_failed = partial(CalculationFailed.of, STAGE)
CORRECTIONS = "corrections"
_IF_UNCONVERGED = "raise max_scf_cycles; a structure with close contacts or without a gap may never converge"
_GAP_EV = 1e-4  # of smearing's entropy: none where there is a gap
_INTERFACE = "is gamma_command a VASP with the interface to Cc4s (a patch of VASP 6.3)?"


def judge_vasp(settings: Cc4sMethod, step: VaspStep, sizes: Sizes | None, folder: Path, ended: Ended) -> Mapping[str, Any]:
    """What is kept of a step of VASP.

    Raises:
        CalculationFailed: `killed`, `crashed`, `garbage`, `unconverged`, `changed-settings`, `no-gap`, `open-shell`.
    """
    name = f"VASP, step {step.name},"
    attempt = Attempt(name, settings.max_scf_cycles, _IF_UNCONVERGED)
    if step.converges:
        attempt.refuse_broken(ended, folder)
    elif (broken := how_it_ended(name, folder, ended.code)) is not None:
        raise broken
    try:
        outcar = read_outcar(folder / "OUTCAR")
    except ValueError as error:
        raise _failed("garbage", f"{name} ended well, and {error}", f"is that command VASP? see {folder}") from error
    if not outcar.finished:
        said = program.last_words(folder / program.OUT)
        raise _failed("crashed", f"{name} ended before its end{said}", f"see what it says in {folder}")
    if step.converges:
        if not outcar.converged:
            raise attempt.unconverged(ended)
        _refuse_unusable(name, outcar)
    try:
        _refuse_broken_files(step, sizes, outcar, folder)
    except ValueError as error:
        raise _failed("garbage", f"{name} ended well, and {error}", f"{_INTERFACE} see {folder}") from error
    return {**asdict(outcar), "all_bands": outcar.all_bands, "occupied": outcar.occupied, CORRECTIONS: list(ended.remarks(step.name))}


def _refuse_unusable(name: str, outcar: Outcar) -> None:
    if outcar.electrons % 2:
        raise _failed("open-shell", f"{outcar.electrons:g} valence electrons: no closed shell", "take another cell")
    if abs(outcar.energy_eV - outcar.at_zero_eV) > _GAP_EV:
        message = f"{name} has bands that are partly filled: smearing changes the energy by {outcar.energy_eV - outcar.at_zero_eV:.2g} eV"
        raise _failed("no-gap", message, "no closed-shell insulator: leave the structure out")


def _refuse_broken_files(step: VaspStep, sizes: Sizes | None, outcar: Outcar, folder: Path) -> None:
    """Raises ValueError: a file that the step must leave is not there, not whole, or of another size."""
    for name in step.leaves:
        if name in (WAVECAR, NATURAL):
            bands = wavecar_bands(folder / name)
            least = _bands_of(step.name, sizes)
            if bands < least:
                raise ValueError(f"{name} has {bands} bands, and {least} were asked for")
    lengths = {one: tensor_lengths(folder, one) for one in dict.fromkeys(name.partition(".")[0] for name in step.leaves if name.endswith(".yaml"))}
    if step.name == VERTEX:
        assert sizes is not None
        for tensor, states in (("CoulombVertex", lengths["CoulombVertex"][1:]), ("EigenEnergies", lengths["EigenEnergies"])):
            if set(states) != {sizes.kept_bands}:
                raise ValueError(f"{tensor}.yaml has {' x '.join(map(str, states))} states, and {sizes.kept_bands} were asked for")
    if step.name == MP2 and set(lengths[PAIRS]) != {outcar.occupied}:
        raise ValueError(f"{PAIRS}.yaml is of {lengths[PAIRS]} states, and {outcar.occupied} are occupied")


def _bands_of(step: str, sizes: Sizes | None) -> int:
    if sizes is None:
        return 1
    return {BANDS: sizes.all_bands, FNO: sizes.kept_bands, CANONICAL: sizes.kept_bands}.get(step, 1)
