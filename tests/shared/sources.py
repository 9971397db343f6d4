"""Python files that are no part of a package: of the benchmarks, and of other folders of tests."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


@cache
def module_at(place: str) -> ModuleType:
    """The module at `place` below the root of the project, wherever pytest was started."""
    path = ROOT / place
    specification = spec_from_file_location(f"{path.parent.name}_{path.stem}_loaded", path)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    sys.modules[specification.name] = module  # where dataclasses look for it
    specification.loader.exec_module(module)
    return module
