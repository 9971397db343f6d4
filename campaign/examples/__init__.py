"""Example campaigns, installed with the package: found, listed and copied by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def list_examples() -> tuple[str, ...]:
    """The names of all examples."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def find_example(name: str) -> Path:
    """The YAML file of an example.

    Raises:
        KeyError: there is no such example.
    """
    if name not in list_examples():
        raise KeyError(f"no example is called {name}; there are {', '.join(list_examples())}")
    return Path(str(files(__name__) / f"{name}.yaml"))


def copy_example(name: str, directory: str | Path = ".") -> Path:
    """Copy an example into `directory` (made if it is not there) to edit it; returns the copy.

    Raises:
        KeyError: there is no such example.
        FileExistsError: the directory holds a file of that name already.
    """
    source = find_example(name)
    target = Path(directory) / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as copy:
        copy.write(source.read_bytes())
    return target
