"""A trajectory on disk: HDF5 files of one chunk each, written whole or not at all, with the state to go on from.

Each file holds the frames since the one before and the exact state at its end, so a kill, a torn file or a lost
one costs no more than what comes after the last whole chunk. The first 512 bytes of a file (an HDF5 user block,
which every HDF5 reader skips) hold the sha256 of the rest.

`chunk-<phase>-<last step>.h5`: `velocities` (frames, atoms, 3) float32 in Å/fs, in production only; `positions`
(kept frames, atoms, 3) in Å, and `position_steps`; `potential_eV` and `kinetic_eV` (frames,); `state/` positions
in Å and momenta in ASE's units, float64.
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

from flows.checkpoints import write_whole
from flows.failure import MachineTrouble

USER_BLOCK = 512
ATOMS_TOGETHER = 16  # in HDF5's own chunks: spectra read all frames of a few atoms at a time
EQUILIBRATION, PRODUCTION = "0-equilibration", "1-production"  # as they sort


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


class Trajectory:
    """The chunks of one start, in a directory that belongs to it. `belongs_to` names what made them.

    On opening, whatever does not continue an unbroken row of whole chunks is removed.

    Raises:
        MachineTrouble: files cannot be read, written or removed (a full disk, a directory that is not ours).
    """

    def __init__(self, directory: Path, belongs_to: str) -> None:
        self.directory, self.belongs_to = directory, belongs_to
        self.last: Chunk | None = None
        self.files: list[Path] = []
        try:
            for path in sorted(directory.glob("chunk-*.h5")):
                self._take(path)
        except OSError as error:
            raise MachineTrouble(f"cannot read the trajectory in {directory}: {error}") from error

    def steps_done(self, phase: str) -> int:
        """Of a phase that is not over, or 0."""
        return self.last.last if self.last is not None and self.last.phase == phase else 0

    def append(self, chunk: Chunk) -> None:
        path = self.directory / f"chunk-{chunk.phase}-{chunk.last:09d}.h5"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_whole(path, _encoded(chunk, self.belongs_to))
        except OSError as error:
            raise MachineTrouble(f"cannot write {path}: {error}") from error
        self.files.append(path)
        self.last = chunk

    def velocities(self) -> Velocities:
        """Of production, (frames, atoms, 3) in Å/fs, read where they are sliced."""
        return Velocities([path for path in self.files if PRODUCTION in path.name])

    def column(self, name: str, phase: str = PRODUCTION) -> NDArray[np.float64]:
        """A whole array of a phase, frames first: `potential_eV`, `kinetic_eV`, `positions`."""
        return np.concatenate([_read(path, name) for path in self.files if phase in path.name])

    def clear(self) -> None:
        """Remove the chunks, and nothing else."""
        for path in self.files:
            path.unlink(missing_ok=True)
        self.files, self.last = [], None

    def _take(self, path: Path) -> None:
        chunk = _decoded(path, self.belongs_to)
        if chunk is not None and self._continues(chunk):
            self.files.append(path)
            self.last = chunk
        else:
            path.unlink()

    def _continues(self, chunk: Chunk) -> bool:
        """A phase that follows another begins at its own step 0."""
        if self.last is None or self.last.phase != chunk.phase:
            return chunk.first == 0
        return chunk.first == self.last.last


class Velocities:
    """Velocities in several files, as one array (frames, atoms, 3) of which atoms can be sliced."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        shapes = [_shape(path) for path in files]
        self.shape = (sum(shape[0] for shape in shapes), *shapes[0][1:]) if shapes else (0, 0, 3)

    def __getitem__(self, asked: tuple[slice, slice]) -> NDArray[np.float32]:
        frames, atoms = asked
        if frames != slice(None):
            raise IndexError("velocities on disk are sliced by atoms, with all their frames")
        found = np.empty((self.shape[0], len(range(*atoms.indices(self.shape[1]))), 3), dtype=np.float32)
        done = 0
        for path in self.files:
            part = _read(path, "velocities", atoms)
            found[done : done + len(part)] = part
            done += len(part)
        return found


def _shape(path: Path) -> tuple[int, ...]:
    import h5py

    with h5py.File(path, "r") as file:
        return tuple(file["velocities"].shape)


def _read(path: Path, name: str, atoms: slice | None = None) -> NDArray[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return np.asarray(file[name][:] if atoms is None else file[name][:, atoms])
    except OSError as error:
        raise MachineTrouble(f"cannot read {path}: {error}") from error


def _encoded(chunk: Chunk, belongs_to: str) -> bytes:
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
        # an attribute holds at most 64 kB, a dataset any text
        file["about"] = json.dumps(told)
    content = buffer.getvalue()[USER_BLOCK:]
    return hashlib.sha256(content).hexdigest().encode().ljust(USER_BLOCK, b"\0") + content


def _decoded(path: Path, belongs_to: str) -> Chunk | None:
    """Without the frames; None if the file is damaged or belongs to something else."""
    import h5py

    content = path.read_bytes()
    if hashlib.sha256(content[USER_BLOCK:]).hexdigest().encode() != content[:64]:
        return None
    with h5py.File(io.BytesIO(content), "r") as file:
        told = json.loads(file["about"][()])
        if told["belongs_to"] != belongs_to or told["format"] != 1:
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
    return Chunk(told["phase"], told["first"], told["last"], {}, state, told["spent_s"], resumed)
