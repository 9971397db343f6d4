"""VASP under custodian: its errors are handled as custodian knows to, and what was done about them is told.

Importing this takes seconds.
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

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

from flows.labelling.engines.program import ERRORS, OUT, end_with_parent
from flows.labelling.engines.vasp.ending import Correction, Ended

_POLL_S = 0.5
_MONITOR_S = 30.0


def run(words: Sequence[str], directory: Path, most_corrections: int) -> Ended:
    """Run VASP, whose electrons are to converge, in a directory that holds its input.

    Raises: OSError: it cannot be started.
    """
    job = _Job(words, output_file=OUT, stderr_file=ERRORS, auto_gamma=False, backup=False)
    custodian = Custodian(
        # those that only ever change what is asked for (smearing, k-points) are left out
        [
            VaspErrorHandler(OUT),
            UnconvergedErrorHandler(),
            NonConvergingErrorHandler(),
            PositiveEnergyErrorHandler(),
            FrozenJobErrorHandler(OUT),
            StdErrHandler(ERRORS),
        ],
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
    code = 0 if job.process is None else job.process.returncode
    return Ended(code or 0, gave_up, tuple(Correction.of(one) for one in log["corrections"] if not one.get("skipped")))


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
                preexec_fn=end_with_parent,
            )
        return self.process
