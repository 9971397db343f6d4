"""Values of settings that several engines have: meshes, tags of an input file, commands."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import AfterValidator, PositiveInt

Mesh = tuple[PositiveInt, PositiveInt, PositiveInt]
"""Points along each vector of a cell, or of its reciprocal."""
Scalar = bool | int | float | str
Value = Scalar | list[int | float]


def _names_a_program(command: str) -> str:
    if not shlex.split(command):
        raise ValueError("no command: name the program, with srun and its like before it where that starts it")
    return command


Command = Annotated[str, AfterValidator(_names_a_program)]
"""What starts a program, as a shell would split it into words."""
