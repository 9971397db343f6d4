"""How VASP is run, by whatever engine: its commands, what is shared out, tags that are added, how long it is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from flows.labelling.engines.values import Command, Value
from flows.labelling.engines.vasp.chosen import ChosenPotentials

NAME = "vasp"
PARALLEL = frozenset({"NCORE", "NPAR", "KPAR", "NSIM"})


class VaspProgram(ChosenPotentials):
    """`incar` adds tags, but none of those that an engine has `taken`, which follow from what it says (`taken_from`).

    All but `incar` decide no numbers and are in no key; of `incar` each engine says which do.
    """

    taken: ClassVar[frozenset[str]]
    taken_from: ClassVar[str]
    incar: dict[str, Value] = Field(default={})
    max_scf_cycles: PositiveInt = 100
    max_corrections: NonNegativeInt = 3
    command: Command = "vasp_std"
    gamma_command: Command | None = None
    parallel: dict[str, PositiveInt] = Field(default={})

    def commands(self) -> dict[str, tuple[str | None, str]]:
        """By the setting that has it, with what it starts."""
        return {"command": (self.command, NAME), "gamma_command": (self.gamma_command, NAME)}

    @field_validator("incar")
    @classmethod
    def _not_taken(cls, incar: dict[str, Value]) -> dict[str, Value]:
        upper = _upper(incar)
        if taken := sorted(upper.keys() & cls.taken):
            raise ValueError(f"{', '.join(taken)} follows from {cls.taken_from}: remove it")
        return upper

    @field_validator("parallel")
    @classmethod
    def _of_parallelism(cls, parallel: dict[str, int]) -> dict[str, int]:
        upper = _upper(parallel)
        if strangers := sorted(upper.keys() - PARALLEL):
            raise ValueError(f"{', '.join(strangers)} is no tag of parallelism; there is {', '.join(sorted(PARALLEL))}")
        return upper


def _upper(tags: Mapping[str, Any]) -> dict[str, Any]:
    return {tag.strip().upper(): value for tag, value in tags.items()}
