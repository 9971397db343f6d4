"""A chunk of a trajectory: an HDF5 file that holds its frames and the exact state at its end, and tells damage.

The first 512 bytes of a file (an HDF5 user block, which every HDF5 reader skips) hold the sha256 of the rest: the
digest of the chunk. In it: `velocities` (frames, atoms, 3) float32 in Å/fs, in production only; `positions` (kept
frames, atoms, 3) in Å, and `position_steps`; `potential_eV` and `kinetic_eV` (frames,); `state/` positions in Å and
momenta in ASE's units, float64.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.dynamics.row import Link

USER_BLOCK = 512
ATOMS_TOGETHER = 16  # in HDF5's own chunks: spectra read all frames of a few atoms at a time


@dataclass(frozen=True)
class State:
    """All that the steps to come depend on; `random` is JSON of numpy's Mersenne Twister.

    `reference_eV` is the total energy at the start of production. Potential energy and forces (eV/Å) are kept
    where it would be expensive to ask for them again.
    """

    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]
    random: str
    reference_eV: float = 0.0
    potential_eV: float | None = None
    forces: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Chunk:
    """What was simulated from step `first` to step `last` of a phase; `arrays` as in the file."""

    phase: str
    first: int
    last: int
    arrays: dict[str, NDArray[Any]]
    state: State
    spent_s: float
    resumed_from: tuple[int, ...] = ()


@dataclass(frozen=True)
class Written:
    """A chunk as it was read, without its frames: whom it belongs to, and what it follows."""

    chunk: Chunk
    belongs_to: str
    link: Link


def encoded(chunk: Chunk, belongs_to: str, previous: str) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=USER_BLOCK) as file:
        for name, array in chunk.arrays.items():
            chunks = (len(array), min(ATOMS_TOGETHER, array.shape[1]), 3) if name == "velocities" else None
            file.create_dataset(name, data=array, chunks=chunks)
        file["state/positions"], file["state/momenta"] = chunk.state.positions, chunk.state.momenta
        if chunk.state.forces is not None:
            file["state/forces"] = chunk.state.forces
        told = {"phase": chunk.phase, "first": chunk.first, "last": chunk.last, "spent_s": chunk.spent_s}
        told |= {"random": chunk.state.random, "reference_eV": chunk.state.reference_eV}
        told |= {"potential_eV": chunk.state.potential_eV}
        told |= {"resumed_from": json.dumps(chunk.resumed_from), "belongs_to": belongs_to, "format": 1}
        told |= {"previous": previous}
        # an attribute holds at most 64 kB, a dataset any text
        file["about"] = json.dumps(told)
    content = buffer.getvalue()[USER_BLOCK:]
    return hashlib.sha256(content).hexdigest().encode().ljust(USER_BLOCK, b"\0") + content


def decoded(path: Path) -> Written | None:
    """None if the file is damaged or of a format that is not known."""
    import h5py

    content = path.read_bytes()
    digest = hashlib.sha256(content[USER_BLOCK:]).hexdigest()
    if digest.encode() != content[:64]:
        return None
    with h5py.File(io.BytesIO(content), "r") as file:
        told = json.loads(file["about"][()])
        if told["format"] != 1:
            return None
        state = State(
            positions=file["state/positions"][:],
            momenta=file["state/momenta"][:],
            random=told["random"],
            reference_eV=told["reference_eV"],
            potential_eV=told.get("potential_eV"),
            forces=file["state/forces"][:] if "state/forces" in file else None,
        )
    resumed = tuple(json.loads(told["resumed_from"]))
    chunk = Chunk(told["phase"], told["first"], told["last"], {}, state, told["spent_s"], resumed)
    link = Link(digest, told.get("previous"), chunk.phase, chunk.first, chunk.last, path)
    return Written(chunk, told["belongs_to"], link)
