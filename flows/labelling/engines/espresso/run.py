"""One run of `pw.x` in a directory of its own: the input that it gets, and why it gave no label."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.failure import CalculationFailed
from flows.labelling.engines import program
from flows.labelling.engines.espresso.fitness import INSTALL, band_count, missing_programs
from flows.labelling.engines.espresso.output import Found, read_xml
from flows.labelling.engines.protocol import STAGE

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.espresso.method import EspressoMethod

INPUT, OUTPUT, ERRORS = "espresso.pwi", "espresso.pwo", "espresso.err"
_UNCONVERGED = 2  # exit code of pw.x since 6.0
_failed = partial(CalculationFailed.of, STAGE)


def run(settings: EspressoMethod, atoms: Atoms, files: Mapping[str, Path]) -> Found:
    """What `pw.x` finds for `atoms`, with the pseudopotential of each element in `files`.

    Raises:
        CalculationFailed: `no-program`, `killed`, `crashed`, `unconverged`, `garbage`, `no-gap`.
    """
    with run_directory(settings, files) as directory:
        found = ground_state(settings, atoms, directory, input_of(settings, atoms, band_count(settings, atoms, files)))
    refuse_overlap(found, "no closed-shell insulator: give smearing and degauss_Ry, or leave the structure out")
    return found


@contextmanager
def run_directory(settings: EspressoMethod, files: Mapping[str, Path], response: bool = False) -> Iterator[Path]:
    """A directory with the pseudopotential of each element in `files`, for `pw.x` and, of a `response`, `ph.x`.

    Raises:
        CalculationFailed: `no-program`.
    """
    if missing := missing_programs(settings, response):
        raise _failed("no-program", f"there is no {', '.join(missing)} where labels are computed", INSTALL)
    with tempfile.TemporaryDirectory(prefix="espresso-", dir=settings.scratch) as name:
        for symbol, path in files.items():
            (Path(name) / f"{symbol}.UPF").symlink_to(path.absolute())
        yield Path(name)


def ground_state(settings: EspressoMethod, atoms: Atoms, directory: Path, text: str) -> Found:
    """What `pw.x` finds in a `run_directory` with the input `text`; it raises as `run`, but takes any gap."""
    (directory / INPUT).write_text(text)
    code = start(settings.words, directory, INPUT, OUTPUT)
    if code == _UNCONVERGED and not _crash(directory):
        raise _unconverged(settings)
    refuse_broken(settings.words, code, directory, OUTPUT)
    try:
        found = read_xml(directory, len(atoms))
    except ValueError as error:
        raise _failed("garbage", str(error), "is the command a pw.x of Quantum ESPRESSO 6.4 or later?") from error
    if not found.converged:
        raise _unconverged(settings)
    return found


def input_of(settings: EspressoMethod, atoms: Atoms, bands: int | None, response: bool = False) -> str:
    """The input file of `pw.x` for so many `bands` of `atoms` (None: it decides), by ASE; for a `response`, that which
    `ph.x` goes on from: it uses symmetry, and no real orbitals."""
    from ase.io.espresso import write_espresso_in

    mesh = settings.mesh_of(atoms)
    gamma = mesh == (1, 1, 1) and not any(settings.kpoints_shift) and not response  # real orbitals, at half the cost
    text = io.StringIO()
    write_espresso_in(
        text,
        atoms,
        input_data=_namelists(settings, bands, response),
        pseudopotentials={symbol: f"{symbol}.UPF" for symbol in dict.fromkeys(atoms.symbols)},
        kpts=None if gamma else mesh,
        koffset=settings.kpoints_shift,
    )
    return text.getvalue()


def _namelists(settings: EspressoMethod, bands: int | None, response: bool) -> dict[str, dict[str, Any]]:
    occupations: dict[str, Any] = {"occupations": "fixed"} if bands is None else {"occupations": "fixed", "nbnd": bands}
    if settings.smearing is not None:
        occupations = {"occupations": "smearing", "smearing": settings.smearing, "degauss": settings.degauss_Ry}
    ours: dict[str, dict[str, Any]] = {
        # with less pw.x leaves no XML where it converged
        "control": {"calculation": "scf", "tprnfor": True, "disk_io": "low", "outdir": ".", "prefix": "pwscf", "pseudo_dir": "."},
        "system": {"ecutwfc": settings.ecutwfc_Ry, "ecutrho": settings.cutoff_of_density_Ry, "nosym": not response, **occupations},
        "electrons": {"conv_thr": settings.conv_thr_Ry, "electron_maxstep": settings.max_scf_cycles},
    }
    return {name: {**settings.namelists.get(name, {}), **keys} for name, keys in ours.items()}


def start(words: Sequence[str], directory: Path, text: str, output: str) -> int:
    """The exit code of a program that reads the input file `text`.

    Raises:
        CalculationFailed: `no-program`.
    """
    try:
        return program.run([*words, "-in", text], directory, output, ERRORS)
    except OSError as error:
        raise _failed("no-program", f"{' '.join(words)} cannot be started: {error.strerror}", INSTALL) from error


def refuse_broken(words: Sequence[str], code: int, directory: Path, output: str, name: str = "pw.x") -> None:
    """Raises CalculationFailed: `killed`, `crashed`."""
    crash = _crash(directory)
    if crash:
        raise _failed("crashed", f"{name} stopped: {crash}", f"see that message in the manual of {name}; correct the settings, or leave the structure out")
    if (by := program.signal_of(code)) is not None:
        raise _failed("killed", *program.killed(name, by))
    if code:
        said = program.last_words(directory / ERRORS, directory / output)
        raise _failed("crashed", f"{' '.join(words)} ended with exit code {code}{said}", "see its message")


def _unconverged(settings: EspressoMethod) -> CalculationFailed:
    message = f"the density did not converge in {settings.max_scf_cycles} cycles"
    return _failed("unconverged", message, "raise max_scf_cycles, or lower mixing_beta in namelists; without a gap it needs smearing")


def refuse_overlap(found: Found, advice: str) -> None:
    """Closed shells at each k-point are then not the ground state, and a supercell has another energy.

    Raises:
        CalculationFailed: `no-gap`.
    """
    if found.gap_Ha is not None and found.gap_Ha < 0:
        from ase.units import Hartree

        message = f"the occupied bands reach {-found.gap_Ha * Hartree:.2g} eV above empty ones of other k-points"
        raise _failed("no-gap", message, advice)


def _crash(directory: Path) -> str:
    """What stands in the file CRASH, without its frame: `read_namelists (2): could not find namelist &control`."""
    with suppress(OSError):
        text = (directory / "CRASH").read_text(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip("% ") and not re.match(r"\s*task #", line)]
        return "; ".join(dict.fromkeys(re.sub(r"\s+", " ", line) for line in lines)) or "its file CRASH is empty"
    return ""


@lru_cache(maxsize=8)
def version_of(command: str) -> str:
    """What `pw.x` says of its version when it is started with nothing to do; `unknown` where it says nothing."""
    import shlex

    with tempfile.TemporaryDirectory(prefix="espresso-") as directory, suppress(OSError, subprocess.TimeoutExpired):
        asked = [*shlex.split(command), "-in", os.devnull]
        said = subprocess.run(asked, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60, check=False)
        if found := re.search(r"Program PWSCF v\.(\S+)", said.stdout):
            return found[1]
    return "unknown"
