"""One step of a structure in a directory of its own: VASP under custodian, and why it gave no numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.failure import CalculationFailed
from flows.labelling.engines import program
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.vasp import inputs, motion, output
from flows.labelling.engines.vasp.inputs import Step
from flows.labelling.engines.vasp.method import VaspMethod
from flows.labelling.engines.vasp.orbitals import Orbitals
from flows.labelling.engines.vasp.potentials import Potcar

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.vasp.custody import Ended

_LAST_WORDS = 300
_failed = partial(CalculationFailed.of, STAGE)


@dataclass(frozen=True)
class Ran:
    """What a step gave, how many corrections custodian made, and what is to be said of them."""

    found: output.Found
    corrections: int
    remarks: tuple[str, ...]

    def after(self, remark: str) -> Ran:
        """The same, with what happened before."""
        return replace(self, remarks=(remark, *self.remarks))


def missing_programs(words: list[str]) -> list[str]:
    """The programs of a command that are not on this machine: the first word, and what is called `vasp...` in it."""
    programs = [words[0], *(one for one in words[1:] if Path(one).name.startswith("vasp"))]
    return [one for one in dict.fromkeys(programs) if shutil.which(one) is None]


def run(method: VaspMethod, step: Step, atoms: Atoms, potcars: Mapping[str, Potcar], place: tuple[Path, bool]) -> Ran:
    """What VASP finds for `atoms` in the directory of `place`, which holds a WAVECAR to begin with or nothing.

    Raises:
        CalculationFailed: `no-program`, `killed`, `crashed`, `unconverged`, `changed-settings`, `garbage`.
    """
    directory, goes_on = place
    ended = _ended(method, inputs.files_of(method, step, atoms, goes_on), atoms, potcars, directory)
    with _judging(method, ended):
        found = output.read(directory, atoms[inputs.order_of(atoms)])
    return Ran(found, len(ended.corrections), _remarks(step, ended))


def run_md(
    method: VaspMethod, step: Step, atoms: Atoms, potcars: Mapping[str, Potcar], asked: Stretch, place: tuple[Path, bool]
) -> Moved:
    """The same of a stretch of MD."""
    directory, goes_on = place
    ended = _ended(method, motion.files_of(method, step, atoms, asked, goes_on), atoms, potcars, directory)
    with _judging(method, ended):
        moved = motion.read(directory, atoms, asked.steps)
    return replace(moved, remarks=_remarks(step, ended))


def _ended(method: VaspMethod, files: Mapping[str, str], atoms: Atoms, potcars: Mapping[str, Potcar], directory: Path) -> Ended:
    from flows.labelling.engines.vasp import custody

    inputs.write(directory, files, potcars)
    words = method.words(method.mesh_of(atoms))
    try:
        ended = custody.run(words, directory, method.max_corrections)
    except OSError as error:
        raise no_program(words, f"cannot be started: {error.strerror}") from error
    _refuse_broken(method, ended, directory)
    return ended


@contextmanager
def _judging(method: VaspMethod, ended: Ended) -> Iterator[None]:
    """What is wrong with what it left, as a failure."""
    try:
        yield
    except output.UnconvergedError as error:
        raise _unconverged(method, ended, str(error)) from error
    except ValueError as error:
        advice = "is the command a VASP of version 5 or 6? what it left is gone: run it by hand and see"
        raise _failed("garbage", f"VASP ended well, and {error}", advice) from error


def _remarks(step: Step, ended: Ended) -> tuple[str, ...]:
    return tuple(f"{step.name}: custodian: {one.text()}" for one in ended.corrections)


def no_program(words: list[str], why: str) -> CalculationFailed:
    """That VASP is not where labels are computed."""
    advice = "give the command by which VASP starts there (command, gamma_command), or load its module before the worker starts"
    return _failed("no-program", f"{' '.join(words)} {why}", advice)


def _refuse_broken(method: VaspMethod, ended: Ended, directory: Path) -> None:
    code = ended.code or 0
    if not ended.corrections and (by := program.signal_of(code)) is not None:
        raise _failed("killed", *program.killed("VASP", by))
    if ended.gave_up and ended.unconverged:
        raise _unconverged(method, ended)
    if ended.gave_up:
        tried = _tried(ended)
        said = f" ({tried})" if tried else f" (exit code {code}){last_words(directory)}"
        advice = "see that message in VASP's wiki; correct the settings, or leave the structure out"
        raise _failed("crashed", f"VASP stopped{said}", advice)
    if changed := [what for one in ended.corrections for what in one.changed]:
        message = f"VASP came through only with other settings than asked for: custodian: {_tried(ended)}"
        advice = f"such a number is no label of these settings ({', '.join(changed)}): take settings that VASP can do for all structures"
        raise _failed("changed-settings", message, advice)


def _unconverged(method: VaspMethod, ended: Ended, where: str = "") -> CalculationFailed:
    tried = _tried(ended) or where
    message = f"the electrons did not converge in max_scf_cycles = {method.max_scf_cycles}{f' ({tried})' if tried else ''}"
    return _failed("unconverged", message, "raise max_scf_cycles, or give a mixing or an ALGO in incar that does; without a gap take more smearing")


def _tried(ended: Ended) -> str:
    return "; ".join(dict.fromkeys(one.text() for one in ended.corrections))


def last_words(directory: Path) -> str:
    """What VASP or its launcher said last, without the frames that VASP draws."""
    from flows.labelling.engines.vasp.custody import ERRORS, OUT

    for name in (ERRORS, OUT):
        path = directory / name
        text = path.read_text(errors="replace") if path.is_file() else ""
        words = " ".join(re.sub(r"[|#*=+-]{2,}|^\s*\||\|\s*$", " ", text, flags=re.MULTILINE).split())
        if words:
            return f": {words[-_LAST_WORDS:]}"
    return ""


ORBITALS = Orbitals()
"""Of this process."""
