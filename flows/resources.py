"""What a job asks of the slot that runs it, as a campaign says it: none of it decides a number."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flows.settings import Settings

_MEMORY = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[MGT])i?B?$", re.IGNORECASE)
_MB = {"M": 1, "G": 1024, "T": 1024**2}


def _readable(value: Any) -> Any:
    if value is None or (isinstance(value, str) and (found := _MEMORY.match(value.strip())) and float(found["number"]) > 0):
        return value
    raise ValueError(f"write 64G or 8000M, got {value!r}")


class Resources(Settings):
    """`cores` and `memory` (as schedulers count: 1G is 1024 · 1024 · 1024 bytes) that a slot must have, or the
    `allocation`: the class of the file of sites in whose allocations alone the job runs."""

    cores: Annotated[int, Field(ge=1)] | None = None
    memory: Annotated[str | None, BeforeValidator(_readable)] = None
    allocation: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] | None = None

    @property
    def memory_GB(self) -> float:
        """In 1e9 bytes; 0 where nothing is said."""
        found = _MEMORY.match(self.memory.strip()) if self.memory else None
        return float(found["number"]) * _MB[found["unit"].upper()] * 2**20 / 1e9 if found else 0.0

    def over(self, other: Resources) -> Resources:
        """What is said here, and of `other` what is not."""
        return Resources(**{**other.model_dump(exclude_none=True), **self.model_dump(exclude_none=True)})
