"""`flows` is a table of contents: complete, and weightless."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import flows

HEAVY = {"torch", "mace", "e3nn", "pyscf", "atomate2", "phonopy", "jobflow", "fireworks", "pymatgen", "ase", "numpy"}


@pytest.mark.parametrize("name", flows.CONTENTS)
def test_each_entry_is_there_and_described(name: str) -> None:
    assert callable(getattr(flows, name))
    assert flows.__doc__ is not None
    assert f"`{name}`" in flows.__doc__
    assert name in dir(flows)


def test_every_job_is_listed() -> None:
    root = Path(flows.__file__).parent
    for path in root.rglob("jobs.py"):
        module = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        lines = path.read_text().splitlines()
        jobs = [lines[number + 1].split("(")[0].removeprefix("def ") for number, line in enumerate(lines) if line.startswith("@delivers")]
        assert {f"{module}:{job}" for job in jobs} <= set(flows.CONTENTS.values())


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = flows.nonsense


def test_importing_it_imports_nothing_heavy() -> None:
    script = f"import sys, flows\ndir(flows)\nprint(sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
