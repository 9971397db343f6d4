"""What a run of Cc4s left: all that was asked for; part of it, and why not the rest; or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from signal import SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV
from typing import Any

from flows.failure import CalculationFailed
from flows.labelling.engines import program
from flows.labelling.engines.cc4s.cc4s_output import OUTPUT, TRIPLES, Correlation, read_correlation
from flows.labelling.engines.cc4s.folders import how_it_ended
from flows.labelling.engines.cc4s.method import Cc4sMethod
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.vasp.ending import Ended

CRASH = "crash"
_CRASHES = (SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV)
_failed = partial(CalculationFailed.of, STAGE)


class Incomplete(CalculationFailed):
    """Some levels are `found`, and the failure is that of the others."""

    def __init__(self, reason: CalculationFailed, found: Correlation) -> None:
        super().__init__(reason.failure)
        self.found = found


def judge_cc4s(settings: Cc4sMethod, level: str, reference: bool, folder: Path, ended: Ended) -> Mapping[str, Any]:
    """The fields of a `Correlation` for all levels up to `level`, and `crash` where (T) alone crashed, of which there is
    a `reference` implementation.

    Cc4s writes its output anew after each step: what stands in it has ended. It ends well where CCSD did not converge.

    Raises:
        Incomplete: `unconverged`, or as below, with what was found before.
        CalculationFailed: `killed`, `crashed`, `partial-output`.
    """
    broken = how_it_ended("Cc4s", folder, ended.code)
    try:
        found = read_correlation(folder / OUTPUT)
    except ValueError as error:
        raise broken or _partial(str(error), folder) from error
    if level != "mp2" and not found.converged:
        message = f"CCSD did not converge in {settings.max_cc_cycles} cycles (convergenceReached is 0)"
        raise Incomplete(_failed("unconverged", message, "raise max_cc_cycles and retry: Cc4s alone is run again"), found)
    missing = list(_missing(settings, level, found))
    if not missing:
        return asdict(found)
    if broken is not None and not reference and missing == [TRIPLES[0]] and program.signal_of(ended.code) in (None, *_CRASHES):
        return {**asdict(found), CRASH: broken.failure.message}
    raise Incomplete(broken or _partial(f"{OUTPUT} has no {', '.join(missing)} that ended", folder), found)


def correlation_of(found: Mapping[str, Any]) -> Correlation:
    """What a mark says was found."""
    return Correlation(**{name: value for name, value in found.items() if name != CRASH})


def seconds_after(level: str, found: Correlation) -> float:
    """Those of the steps of Cc4s that `level` does not need."""
    later = {"mp2": ("CoupledCluster", "FiniteSizeCorrection", "PerturbativeTriples"), "ccsd": ("PerturbativeTriples",)}
    return sum(found.seconds.get(name, 0.0) for name in later.get(level, ()))


def _missing(settings: Cc4sMethod, level: str, found: Correlation) -> Iterator[str]:
    if settings.needs_pair_energies(level) and found.basis_set_mp2_eV is None:
        yield "BasisSetCorrection"
    if level != "mp2" and settings.finite_size_correction and found.finite_size_eV is None:
        yield "FiniteSizeCorrection"
    if level == "ccsd(t)" and found.triples_eV is None:
        yield TRIPLES[0]


def _partial(why: str, folder: Path) -> CalculationFailed:
    return _failed("partial-output", f"Cc4s ended well, and {why}", f"is cc4s_command Cc4s? see {folder}, and retry")
