"""Whether files that VASP hands on are whole: WAVECARs, and the tensors that Cc4s reads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

_BYTES = {"Real64": 8, "Complex64": 16}


def wavecar_bands(path: Path) -> int:
    """The bands that a WAVECAR holds.

    It begins with the length of its records in bytes and the number of spins; its second record with the numbers of
    k-points and of bands. For each spin and k-point follow a record of energies and one of each band.

    Raises:
        ValueError: it is not there, is no WAVECAR, or ends too early.
    """
    try:
        with path.open("rb") as file:
            length, spins = (int(one) for one in np.frombuffer(file.read(16), dtype=float))
            file.seek(length)
            kpoints, bands = (int(one) for one in np.frombuffer(file.read(16), dtype=float))
        if min(length, spins, kpoints, bands) < 1:
            raise ValueError("its head is not that of a WAVECAR")
    except FileNotFoundError:
        raise ValueError(f"there is no {path.name}") from None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path.name} is no WAVECAR: {error}") from error
    records = 2 + spins * kpoints * (1 + bands)
    size = path.stat().st_size
    if size <= length * (records - 1):  # the last record may be short
        raise ValueError(f"{path.name} ends too early: {size} bytes, and {records} records of {length} belong into it")
    return bands


def tensor_lengths(folder: Path, name: str) -> tuple[int, ...]:
    """The dimensions of a tensor of Cc4s: `name.yaml`, which describes it, and `name.elements`.

    Raises:
        ValueError: one of the two is not there, cannot be read, or does not hold what it should.
    """
    head = read_yaml(folder / f"{name}.yaml")
    try:
        lengths = tuple(int(one["length"]) for one in head["dimensions"])
        kind, number = head["elements"]["type"], _BYTES[head["scalarType"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name}.yaml describes no tensor: {type(error).__name__}: {error}") from error
    elements = folder / f"{name}.elements"
    size = elements.stat().st_size if elements.is_file() else 0
    least = math.prod(lengths) * (number if kind == "IeeeBinaryFile" else 2)  # of text: a digit and what ends it
    if size < least:
        raise ValueError(f"{name}.elements has {size} bytes, and {' x '.join(map(str, lengths))} numbers belong into it")
    return lengths


def read_yaml(path: Path) -> Any:
    """Raises: ValueError: it is not there, is cut off, or no YAML."""
    try:
        return parsed_yaml(path.read_bytes(), path.name)
    except FileNotFoundError:
        raise ValueError(f"there is no {path.name}") from None


def parsed_yaml(content: bytes, name: str) -> Any:
    """The mapping that `content` is, of a file called `name`.

    Raises:
        ValueError: it is cut off, or no YAML.
    """
    import yaml

    try:
        found = yaml.load(content.decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name} is {'empty' if found is None else 'no mapping'}")
    return found
