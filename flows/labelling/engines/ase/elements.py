"""The elements that a calculator of ASE knows, where it can tell without computing anything."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

# of ASE's own calculators, those that are numpy alone and whose potential is a table of elements
_TABLES = {
    "ase.calculators.h2morse": ("H",),
    "ase.calculators.tip3p": ("H", "O"),
    "ase.calculators.tip4p": ("H", "O"),
}


def known_elements(path: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Of the calculator `module:Class` with these arguments; None where nobody knows before it computes.

    Potentials that are read from a file are asked for theirs where the file is on this machine.
    """
    module, name = path.split(":")
    if module == "ase.calculators.emt":
        return tuple(sorted(import_module(module).parameters))
    if module == "ase.calculators.eam":
        return _of_file(getattr(import_module(module), name), arguments)
    return _TABLES.get(module)


def _of_file(made: Any, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
    try:
        found = getattr(made(**arguments), "elements", None)
    except Exception:  # it may be read where labels are computed: what it says there is said there
        return None
    return tuple(map(str, found)) if found else None
