"""The two ways in which work does not end: the science failed, or the machine did.

A failed calculation raises `CalculationFailed`: FireWorks stores `to_dict()` beside FIZZLED, and only `retry`
runs it again. Trouble of the machine (a drain, no space, no database) raises `MachineTrouble`: that work goes
back into the queue by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from flows.records import Failure


class CalculationFailed(Exception):
    """A calculation gave no usable result; `parts` are the failures of its parts, where it had some."""

    def __init__(self, failure: Failure, parts: Sequence[Failure] = ()) -> None:
        super().__init__(f"{failure.stage}: {failure.message}" + (f" ({failure.advice})" if failure.advice else ""))
        self.failure = failure
        self.parts = tuple(parts)

    @classmethod
    def of(cls, stage: str, kind: str, message: str, advice: str = "", level: str | None = None) -> Self:
        """The failure of one calculation, in words."""
        return cls(Failure(stage=stage, kind=kind, message=message, advice=advice, level=level))

    def to_dict(self) -> dict[str, Any]:
        failed: dict[str, Any] = {"failure": self.failure.model_dump(mode="json")}
        if self.parts:
            failed["parts"] = [part.model_dump(mode="json") for part in self.parts]
        return failed

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failure, self.parts)


class MachineTrouble(BaseException):
    """The machine, not the calculation, stopped this work: it is to be run again as it is."""

    def to_dict(self) -> dict[str, Any]:
        return {"machine_trouble": str(self) or type(self).__name__}
