"""Why a calculation gave nothing."""

from __future__ import annotations

from flows.records.base import Record


class Failure(Record):
    """Why a calculation failed: what FireWorks shows beside FIZZLED and `results` lists.

    `kind` is a stable word (`unconverged`, `diverged`, `bad-input`, ...). That of a label also names the label.
    """

    stage: str
    kind: str
    message: str
    advice: str = ""
    run_directory: str | None = None
    label_key: str | None = None
    structure_key: str | None = None
    level: str | None = None
