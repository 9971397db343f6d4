"""What a job needs of a slot, and what a slot has: both sides of the question who takes what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

DEVICE = "_device"  # in the spec of a firework; none: any slot takes it
NEEDS = "_needs"  # in the spec of a firework; one of before has none, and any slot takes it
LONGER_S = "longer_than_s"  # in it: it was stopped by the end of its time, so it takes longer than that


@dataclass(frozen=True)
class Needs:
    """What a job needs; 0 and nothing: it does not say.

    With an `allocation` it runs in those of that class alone, which then decides cores and memory.
    """

    cores: int = 0
    memory_GB: float = 0.0
    allocation: str = ""
    longer_than_s: float = 0.0

    @classmethod
    def of(cls, spec: dict[str, Any]) -> Needs:
        """Those in the spec of a firework."""
        said = spec.get(NEEDS) or {}
        return cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})

    def as_spec(self) -> dict[str, Any]:
        """As they stand in the spec of a firework; what says nothing is left out."""
        said = {name: value for name, value in asdict(self).items() if value}
        return {NEEDS: said} if said else {}

    def text(self) -> str:
        """`16 cores, 64 GB of memory`."""
        parts = [f"an allocation of class {self.allocation}"] if self.allocation else []
        if not self.allocation:
            parts += [counted(self.cores)] if self.cores else []
            parts += [f"{self.memory_GB:.4g} GB of memory"] if self.memory_GB else []
        parts += [f"more than {self.longer_than_s / 3600:.3g} h"] if self.longer_than_s else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Offer:
    """What a slot has; None: nobody knows, and then it is not asked.

    In allocations of the class `allocation` it takes what names this class too; `own`: nothing else.
    """

    cores: int | None = None
    memory_GB: float | None = None
    allocation: str = ""
    own: bool = False

    def query(self, left_s: float | None = None) -> dict[str, Any]:
        """A query on fireworks: those that such a slot takes, if it lasts for `left_s` seconds."""
        named = {f"spec.{NEEDS}.allocation": self.allocation}
        free = {f"spec.{NEEDS}.allocation": None}
        free |= {} if self.cores is None else _at_most("cores", self.cores)
        free |= {} if self.memory_GB is None else _at_most("memory_GB", self.memory_GB)
        takes = named if self.own else {"$or": [named, free]} if self.allocation else free
        return takes if left_s is None else {"$and": [takes, _at_most(LONGER_S, left_s)]}

    def fits(self, needs: Needs, left_s: float | None = None) -> bool:
        """The same of one job."""
        if left_s is not None and needs.longer_than_s > left_s:
            return False
        if needs.allocation or self.own:
            return bool(needs.allocation) and needs.allocation == self.allocation
        return needs.cores <= (needs.cores if self.cores is None else self.cores) and needs.memory_GB <= (
            needs.memory_GB if self.memory_GB is None else self.memory_GB
        )


UNASKED = Offer()  # of a worker that was told of no slot


def counted(cores: int) -> str:
    """`1 core`, `16 cores`."""
    return f"{cores} core{'' if cores == 1 else 's'}"


def _at_most(name: str, most: float) -> dict[str, Any]:
    return {f"spec.{NEEDS}.{name}": {"$not": {"$gt": most}}}
