"""Faults: numbers that an earlier version of the code computed wrongly. What is listed here stays listed.

A fault raises the version of its task, and with it the keys of all that the task computes: what was computed before
is never taken for what is asked now. Nothing else changes its key. Work that was queued before, or rests on what is
wrong, refuses to run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flows.failure import CalculationFailed
from flows.records import Label, SummedModel, TrainedModelFacts


@dataclass(frozen=True)
class Fault:
    """What is wrong, under a stable `name`, and the release of latticefarm that mended it."""

    name: str
    about: str
    mended_in: str

    def __str__(self) -> str:
        return f"{self.name}: {self.about}"


_FOCK_MATRIX = Fault(
    name="pyscf-ccsd-fock",
    about="CCSD by PySCF with the Fock matrix alone shifted by the Madelung constant, which loses a third or more of "
    "the correlation energy",
    mended_in="0.2.0",
)

FAULTS: dict[str, tuple[Fault, ...]] = {
    "label by pyscf, ccsd": (_FOCK_MATRIX,),
    "label by pyscf, ccsd(t)": (_FOCK_MATRIX,),
}
"""The faults of each task, oldest first: version n had the n-th of them."""


def version_of(task: str) -> int:
    """The version of a task that is computed today."""
    return 1 + len(FAULTS.get(task, ()))


def faults_of(task: str, version: int) -> tuple[Fault, ...]:
    """What is wrong with the numbers of a `version` of a task."""
    return FAULTS.get(task, ())[version - 1 :]


def label_task(engine: str, level: str) -> str:
    """What labels of a level by an engine are called in `FAULTS`."""
    return f"label by {engine}, {level}"


def fault_of(label: Label) -> Fault | None:
    """The first thing that is wrong with a stored label, whether or not it was marked."""
    return next(iter(faults_of(label_task(label.engine, label.level), label.version)), None)


def refuse_faulty(records: Iterable[Label | TrainedModelFacts | SummedModel], stage: str) -> None:
    """That no input of a job is, or rests on, what a faulty version computed.

    Raises:
        CalculationFailed: `faulty-input`.
    """
    for record in records:
        reason = (isinstance(record, Label) and fault_of(record)) or record.faulty
        if reason:
            message = f"{record.key[:12]} was computed by a faulty version ({reason})"
            advice = "submit the campaign again: it asks for what is right under other keys"
            raise CalculationFailed.of(stage, "faulty-input", message, advice)
