"""A trajectory on disk: HDF5 files of one chunk each, written whole or not at all, with the state to go on from.

Each file holds the frames since the one before and the exact state at its end (`flows.dynamics.chunk`), so a kill, a
torn file or a lost one costs no more than what comes after the last whole chunk. Where the MD is run as a job, each
file has a copy in the database (`flows.shelf`), written once. A file is `chunk-<phase>-<last step>-<digest>.h5`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.checkpoints import ELSEWHERE, HERE, OTHERS, write_whole
from flows.depot import Stowed
from flows.dynamics.chunk import Chunk, decoded, encoded
from flows.dynamics.row import BEGINNING, Link, longest_row
from flows.failure import MachineTrouble
from flows.shelf import Shelf

EQUILIBRATION, PRODUCTION = "0-equilibration", "1-production"  # as they sort


class Trajectory:
    """The chunks of one start, in a directory that belongs to it. `belongs_to` names what made them.

    On opening, the longest unbroken row of its own whole chunks is taken up, of those in the directory and of those
    that the database has of it, which are fetched. A damaged one is removed; others stay. `ignored` names what was
    passed over.

    Raises:
        MachineTrouble: files cannot be read, written or removed (a full disk, a directory that is not ours).
    """

    def __init__(self, place: Path | Shelf, belongs_to: str) -> None:
        self.shelf, self.belongs_to = Shelf.of(place), belongs_to
        self.last: Chunk | None = None
        self.files: list[Path] = []
        self.ignored: list[str] = []
        self._end = BEGINNING
        try:
            self._open()
        except OSError as error:
            raise MachineTrouble(f"cannot read the trajectory in {self.directory}: {error}") from error

    @property
    def directory(self) -> Path:
        return self.shelf.directory

    def steps_done(self, phase: str) -> int:
        """Of a phase that is not over, or 0."""
        return self.last.last if self.last is not None and self.last.phase == phase else 0

    def append(self, chunk: Chunk) -> None:
        content = encoded(chunk, self.belongs_to, self._end)
        digest = content[:64].decode()
        path = self.directory / f"chunk-{chunk.phase}-{chunk.last:09d}-{digest[:12]}.h5"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise MachineTrouble(f"cannot write {path}: {error}") from error
        self._carry(Link(digest, self._end, chunk.phase, chunk.first, chunk.last, path))
        self.files.append(path)
        self.last, self._end = chunk, digest

    def velocities(self) -> Velocities:
        """Of production, (frames, atoms, 3) in Å/fs, read where they are sliced."""
        return Velocities([path for path in self.files if PRODUCTION in path.name])

    def column(self, name: str, phase: str = PRODUCTION) -> NDArray[np.float64]:
        """A whole array of a phase, frames first: `potential_eV`, `kinetic_eV`, `positions`.

        A chunk that is shorter than from one kept position to the next has none.
        """
        return np.concatenate([_read(path, name) for path in self.files if phase in path.name and _has(path, name)])

    def clear(self) -> None:
        """Remove its chunks, here and in the database, and nothing else."""
        for path in self.directory.glob("chunk-*.h5"):
            found = decoded(path)
            if found is None or found.belongs_to == self.belongs_to:
                path.unlink(missing_ok=True)
        self.shelf.forget(self.belongs_to)
        self.files, self.last, self._end = [], None, BEGINNING

    def _open(self) -> None:
        here, elsewhere = self._here(), self._elsewhere()
        links = {link.digest: link for link in (*elsewhere, *here)}
        row = longest_row(links.values())
        while any(isinstance(link.place, Stowed) for link in row):
            for link in row:
                if isinstance(link.place, Stowed) and not self._fetch(link, links):
                    break
            row = longest_row(links.values())
        copied = {link.digest for link in elsewhere}
        for link in row:
            assert isinstance(link.place, Path)
            self.files.append(link.place)
            if link.digest not in copied:
                self._carry(link)
        if row:
            last = decoded(self.files[-1])
            assert last is not None
            self.last, self._end = last.chunk, last.link.digest

    def _here(self) -> list[Link]:
        others: list[Link] = []
        mine: list[Link] = []
        for path in sorted(self.directory.glob("chunk-*.h5")):
            found = decoded(path)
            if found is None:
                self._ignore(f"{path.name} {HERE}: damaged")
                path.unlink(missing_ok=True)
            else:
                (mine if found.belongs_to == self.belongs_to else others).append(found.link)
        self._name_others(others, HERE)
        return mine

    def _elsewhere(self) -> list[Link]:
        others: list[Link] = []
        mine: list[Link] = []
        for stowed in self.shelf.elsewhere():
            (mine if stowed.about["belongs_to"] == self.belongs_to else others).append(Link.of(stowed))
        self._name_others(others, ELSEWHERE)
        return mine

    def _fetch(self, link: Link, links: dict[str, Link]) -> bool:
        """Have a link of the database here; False, and out of `links`, where it is damaged."""
        assert isinstance(link.place, Stowed)
        path = self.shelf.fetch(link.place)
        found = None if path is None else decoded(path)
        if path is None or found is None or found.link.digest != link.digest:
            self._ignore(f"{link.place.name} {ELSEWHERE}: damaged")
            del links[link.digest]
            return False
        links[link.digest] = found.link
        return True

    def _carry(self, link: Link) -> None:
        assert isinstance(link.place, Path)
        self.shelf.carry(link.place, link.about() | {"belongs_to": self.belongs_to})

    def _name_others(self, links: list[Link], where: str) -> None:
        if links:
            phase, step = max(link.end for link in links)
            self._ignore(f"{self.shelf.below}up to step {step} of {phase[2:]} {where}: {OTHERS}")

    def _ignore(self, words: str) -> None:
        self.ignored.append(words)
        print(f"checkpoint ignored: {words}", flush=True)


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


def _has(path: Path, name: str) -> bool:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return name in file
    except OSError as error:
        raise MachineTrouble(f"cannot read {path}: {error}") from error


def _read(path: Path, name: str, atoms: slice | None = None) -> NDArray[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return np.asarray(file[name][:] if atoms is None else file[name][:, atoms])
    except OSError as error:
        raise MachineTrouble(f"cannot read {path}: {error}") from error
