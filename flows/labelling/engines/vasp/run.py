"""One step of a structure in a directory of its own: VASP under custodian, and why it gave no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.failure import CalculationFailed
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import BORN, STAGE
from flows.labelling.engines.vasp import inputs, motion, output
from flows.labelling.engines.vasp.ending import Attempt, Ended
from flows.labelling.engines.vasp.inputs import Step
from flows.labelling.engines.vasp.method import VaspMethod
from flows.labelling.engines.vasp.orbitals import Orbitals
from flows.labelling.engines.vasp.potentials import Potcar

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

_IF_UNCONVERGED = "raise max_scf_cycles, or give a mixing or an ALGO in incar that does; without a gap take more smearing"
_failed = partial(CalculationFailed.of, STAGE)
_NO_GAP_EV = 1e-3  # of smearing's entropy


@dataclass(frozen=True)
class Ran:
    """What a step gave, how many corrections custodian made, and what is to be said of them; of `BORN` charges and tensor too."""

    found: output.Found
    corrections: int
    remarks: tuple[str, ...]
    response: tuple[NDArray, NDArray] | None = None

    def after(self, remark: str) -> Ran:
        """The same, with what happened before."""
        return replace(self, remarks=(remark, *self.remarks))


def run(method: VaspMethod, step: Step, atoms: Atoms, potcars: Mapping[str, Potcar], place: tuple[Path, bool]) -> Ran:
    """What VASP finds for `atoms` in the directory of `place`, which holds a WAVECAR to begin with or nothing.

    Raises:
        CalculationFailed: `no-program`, `killed`, `crashed`, `unconverged`, `changed-settings`, `garbage`; of `BORN` `no-gap`.
    """
    directory, goes_on = place
    ended = _ended(method, inputs.files_of(method, step, atoms, goes_on), atoms, potcars, directory)
    with _judging(method, ended):
        found = output.read(directory, atoms[inputs.order_of(atoms)])
        response = output.read_response(directory, atoms) if step.level == BORN else None
    if response is not None and abs(found.entropy_eV) > _NO_GAP_EV:
        message = f"bands are partly filled (an entropy of {found.entropy_eV:.2g} eV): what has no gap has no LO-TO splitting"
        raise _failed("no-gap", message, "leave nac out; or are there too few k-points?")
    return Ran(found, len(ended.corrections), ended.remarks(step.name), response)


def run_md(
    method: VaspMethod, step: Step, atoms: Atoms, potcars: Mapping[str, Potcar], asked: Stretch, place: tuple[Path, bool]
) -> Moved:
    """The same of a stretch of MD."""
    directory, goes_on = place
    ended = _ended(method, motion.files_of(method, step, atoms, asked, goes_on), atoms, potcars, directory)
    with _judging(method, ended):
        moved = motion.read(directory, atoms, asked.steps)
    return replace(moved, remarks=ended.remarks(step.name))


def _ended(method: VaspMethod, files: Mapping[str, str], atoms: Atoms, potcars: Mapping[str, Potcar], directory: Path) -> Ended:
    from flows.labelling.engines.vasp import custody

    inputs.write(directory, files, potcars)
    words = method.words(method.mesh_of(atoms))
    try:
        ended = custody.run(words, directory, method.max_corrections)
    except OSError as error:
        raise no_program(words, f"cannot be started: {error.strerror}") from error
    _attempt(method).refuse_broken(ended, directory)
    return ended


@contextmanager
def _judging(method: VaspMethod, ended: Ended) -> Iterator[None]:
    """What is wrong with what it left, as a failure."""
    try:
        yield
    except output.UnconvergedError as error:
        raise _attempt(method).unconverged(ended, str(error)) from error
    except ValueError as error:
        advice = "is the command a VASP of version 5 or 6? what it left is gone: run it by hand and see"
        raise _failed("garbage", f"VASP ended well, and {error}", advice) from error


def _attempt(method: VaspMethod) -> Attempt:
    return Attempt("VASP", method.max_scf_cycles, _IF_UNCONVERGED)


def no_program(words: list[str], why: str) -> CalculationFailed:
    """That VASP is not where labels are computed."""
    advice = "give the command by which VASP starts there (command, gamma_command), or load its module before the worker starts"
    return _failed("no-program", f"{' '.join(words)} {why}", advice)


ORBITALS = Orbitals()
"""Of this process."""
