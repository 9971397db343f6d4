"""What a site has: its scheduler, and the kinds of allocation that it gives."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from launchers.machines.hardware import GB, Hardware
from launchers.machines.slots import CPU, GPU, Slot, slots
from launchers.queue.resources import Offer

_CLOCK = re.compile(r"^(?:(?P<days>\d+)-)?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)$")  # 10:00 is minutes to one scheduler, hours to another
_SPAN = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhd])$")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MEMORY = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[MGT])i?B?$", re.IGNORECASE)
_MB = {"M": 1, "G": 1024, "T": 1024**2}


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"write 24:00:00, 1-12:00:00, 90m or 36h, got {value!r}")
    if clock := _CLOCK.match(value.strip()):
        days, hours, minutes, seconds = (int(clock[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if span := _SPAN.match(value.strip()):
        return round(float(span["number"]) * _UNITS[span["unit"]])
    raise ValueError(f"write 24:00:00, 1-12:00:00, 90m or 36h, got {value!r}")


def _megabytes(value: Any) -> Any:
    found = _MEMORY.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"write 64G or 8000M, got {value!r}")
    return round(float(found["number"]) * _MB[found["unit"].upper()])


def _texts(value: Any) -> Any:
    return (value,) if isinstance(value, str) else () if value is None else value


def _mapping(value: Any) -> Any:
    return {} if value is None else value


Walltime = Annotated[int, BeforeValidator(_seconds), Field(ge=120)]  # at its end work is put back for a minute
Memory = Annotated[int, BeforeValidator(_megabytes), Field(gt=0)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Options = Annotated[dict[str, str | int | float], BeforeValidator(_mapping)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResourceClass(_Part):
    """One kind of allocation. `cores`, `memory` (MB) and `gpus` are of each node, `walltime` is in seconds.

    `slots`, `gpu_slots` and `cpu_slots` are those of `latticefarm work`, on each node. `options` are further keys of the template.
    In an allocation of its `own` one job at a time has all nodes and starts its program on them itself.
    """

    walltime: Walltime
    cores: int = Field(ge=1)
    nodes: int = Field(default=1, ge=1)
    memory: Memory | None = None
    gpus: int = Field(default=0, ge=0)
    gpu_slots: int = Field(default=1, ge=1)
    cpu_slots: int | None = Field(default=None, ge=0)
    slots: int | None = Field(default=None, ge=1)
    categories: Texts = ()
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    gres: str | None = None
    setup: Texts = ()
    options: Options = {}
    own: bool = False
    max_allocations: int = Field(default=1, ge=0)
    max_node_hours: float | None = Field(default=None, gt=0)

    @property
    def slots_of_node(self) -> tuple[Slot, ...]:
        """As `latticefarm work` makes them of what the allocation gives."""
        gpus = tuple(str(number) for number in range(self.gpus))
        memory_GB = (self.memory or 0) * 2**20 / GB
        if self.own:
            return (Slot(0, self.cores, memory_GB, (GPU, CPU)),)
        return tuple(slots(Hardware(self.cores, gpus, memory_GB), self.slots, self.gpu_slots, self.cpu_slots))

    @property
    def all_slots(self) -> int:
        return 1 if self.own else self.nodes * len(self.slots_of_node)

    def offer(self, kind: str) -> Offer:
        """What the largest of its slots has, as a class of this name; memory is 0 where it says none."""
        made = self.slots_of_node
        return Offer(max(one.cores for one in made), max(one.memory_GB for one in made), kind, self.own)

    @property
    def all_cores(self) -> int:
        return self.nodes * self.cores

    @property
    def core_hours(self) -> float:
        """What one allocation costs that lasts its whole walltime."""
        return self.all_cores * self.walltime / 3600


class Site(_Part):
    """One site. `setup` are lines of shell before those of the class; `launcher` starts a command once per node."""

    scheduler: Literal["slurm", "pbs", "lsf", "sge"]
    classes: dict[Name, ResourceClass] = Field(min_length=1)
    setup: Texts = ()
    template: str | None = None
    launcher: str | None = None
    max_core_hours: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _several_nodes_have_a_launcher(self) -> Site:
        wide = [name for name, one in self.classes.items() if one.nodes > 1 and not one.own]
        if wide and self.scheduler != "slurm" and self.launcher is None:
            raise ValueError(
                f"{wide[0]} has several nodes: say with launcher what starts a command once on each"
                " (as in `launcher: mpirun -N 1`)"
            )
        return self


class Sites(_Part):
    """All sites that one user works on, by name."""

    sites: dict[Name, Site] = Field(min_length=1)


def clock(seconds: int) -> str:
    """`26:03:04`."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
