"""VASP under custodian: its errors are handled as custodian knows to, and what was done about them is told.

Importing this takes seconds.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custodian import Custodian
from custodian.custodian import CustodianError
from custodian.vasp.handlers import (
    FrozenJobErrorHandler,
    NonConvergingErrorHandler,
    PositiveEnergyErrorHandler,
    StdErrHandler,
    UnconvergedErrorHandler,
    VaspErrorHandler,
)
from custodian.vasp.jobs import VaspJob

from flows.labelling.engines.vasp.method import ROAD

OUT, ERRORS = "vasp.out", "std_err.txt"
_POLL_S = 0.5
_MONITOR_S = 30.0
# those that only ever change what is asked for (smearing, k-points) are left out
_HANDLERS = (VaspErrorHandler, UnconvergedErrorHandler, NonConvergingErrorHandler, PositiveEnergyErrorHandler, FrozenJobErrorHandler, StdErrHandler)
_UNCONVERGED = {"Unconverged", "Non-converging job"}
_HARMLESS_FILES = {"WAVECAR", "CHGCAR"}


@dataclass(frozen=True)
class Correction:
    """What custodian found wrong, and what it did about it; `changed` is what of it decides numbers."""

    errors: tuple[str, ...]
    done: tuple[str, ...]
    changed: tuple[str, ...]

    def text(self) -> str:
        """`Unconverged: ALGO = All, ISEARCH = 1`."""
        return f"{', '.join(self.errors)}: {', '.join(self.done) or 'nothing helps'}"


@dataclass(frozen=True)
class Ended:
    """How it ended: the `code` of VASP's last run, whether custodian `gave_up` on what it found, and all `corrections`."""

    code: int | None
    gave_up: str
    corrections: tuple[Correction, ...]

    @property
    def unconverged(self) -> bool:
        """Whether the last thing that was found is that."""
        return bool(self.corrections) and bool(_UNCONVERGED.intersection(self.corrections[-1].errors))


def run(words: Sequence[str], directory: Path, most_corrections: int) -> Ended:
    """Run VASP in a directory that holds its input.

    Raises: OSError: it cannot be started.
    """
    job = _Job(words, output_file=OUT, stderr_file=ERRORS, auto_gamma=False, backup=False)
    custodian = Custodian(
        [handler() for handler in _HANDLERS],
        [job],
        max_errors=most_corrections + 1,
        polling_time_step=_POLL_S,
        monitor_freq=round(_MONITOR_S / _POLL_S),
        skip_over_errors=True,  # of its own: files that a crash has not left
        directory=str(directory),
    )
    gave_up = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that pymatgen does not know a POTCAR
            custodian.run()
    except CustodianError as error:
        gave_up = error.message
    (log,) = custodian.run_log
    if log["handler"] is not None:
        gave_up = gave_up or "it knows no more to do"
    code = None if job.process is None else job.process.returncode
    return Ended(code, gave_up, tuple(_correction(one) for one in log["corrections"] if not one.get("skipped")))


class _Job(VaspJob):
    """VASP, which ends when this process does."""

    process: subprocess.Popen[bytes] | None = None

    def run(self, directory: str = "./") -> subprocess.Popen[bytes]:
        with Path(directory, OUT).open("wb") as out, Path(directory, ERRORS).open("wb") as errors:
            self.process = self._vasp_process = subprocess.Popen(
                list(self.vasp_cmd),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,  # custodian ends it with all that it started
                preexec_fn=_end_with_parent,
            )
        return self.process


def _end_with_parent() -> None:
    """SIGTERM, which launchers as srun pass on (Linux)."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _correction(logged: dict[str, Any]) -> Correction:
    done, changed = [], []
    for text, decides in _actions(logged["actions"] or ()):
        done.append(text)
        changed += [text] if decides else []
    return Correction(tuple(sorted(logged["errors"])), tuple(done), tuple(changed))


def _actions(actions: Sequence[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Each thing that was done, and whether it decides numbers."""
    for one in actions:
        what = one.get("dict") or one.get("file")
        for verb, about in one["action"].items():
            if what == "INCAR" and verb in ("_set", "_unset"):
                for tag, value in about.items():
                    yield (f"{tag} = {value}" if verb == "_set" else f"{tag} removed"), tag not in ROAD
            elif "file" in one and what in _HARMLESS_FILES:
                yield f"{what} removed", False
            else:
                yield f"{what} changed", True
