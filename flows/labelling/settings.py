"""What published labels are asked to be."""

from __future__ import annotations

from pydantic import PositiveFloat

from flows.records import Matrix3
from flows.settings import Settings


class FileBeside(Settings):
    """A file that belongs to one with labels; `name` is for messages only."""

    name: str
    sha256: str


class PublishedFile(Settings):
    """One labelled file: which level its energies are, whether its forces are that level's own, its content.

    `sha256` is the identity of the content; `name` is for messages only and leaves the identity alone. `energy_key` and
    `forces_key` are what its program calls them where that is not `energy` and `forces`. `headers` is as
    `flows.labelling.former_headers` says. `in_eV` has the word of the user for the units: they are not judged. `format` is
    one of `flows.labelling.published.formats`, `beside` are the files that belong to it, by role.
    """

    name: str
    sha256: str
    level: str
    forces: bool = False
    energy_key: str | None = None
    forces_key: str | None = None
    headers: int = 1
    in_eV: bool = False
    format: str = "extxyz"
    beside: dict[str, FileBeside] = {}  # noqa: RUF012  # pydantic copies defaults

    @property
    def names(self) -> dict[str, str]:
        """What it and the files that belong to it are called, by sha256."""
        return {self.sha256: self.name} | {one.sha256: one.name for one in self.beside.values()}

    def identity(self) -> dict[str, object]:
        """To name what is read anyway changes nothing."""
        named = {"energy_key": (self.energy_key, "energy"), "forces_key": (self.forces_key if self.forces else None, "forces")}
        others: dict[str, object] = {name: key for name, (key, usual) in named.items() if key not in (None, usual)}
        if self.headers > 1:
            others["headers"] = self.headers
        if self.in_eV:
            others["in_eV"] = True
        if self.format != "extxyz":  # an earlier version read no frame of others
            others["format"] = self.format
        if self.beside:
            others["beside"] = {role: one.sha256 for role, one in self.beside.items()}
        return {"sha256": self.sha256, "level": self.level, "forces": self.forces, **others}


class MatchingSettings(Settings):
    """How structures of different files are found to be the same: largest displacement of any atom (Å),
    after wrapping, and of any cell vector component (Å). Frames of one level that differ by less than
    `duplicate_tolerance_A` are one frame written twice."""

    position_tolerance_A: PositiveFloat = 1e-3
    cell_tolerance_A: PositiveFloat = 1e-3
    duplicate_tolerance_A: PositiveFloat = 1e-4


class Expectations(Settings):
    """What the frames should hold: atoms per element and lattice vectors (rows, Å) of the training cell.

    Without a `composition` the most frequent one of the base level counts; without a `cell` any will do. How far cells
    may be off is `flows.strain.LATTICE_TOLERANCE`; `cell_tolerance` is what it once was, and decides nothing but the
    key; `cells` is as `flows.labelling.former_cells` says. `lattice_constant` (Å) of a cubic crystal is for messages
    only and leaves the identity alone.
    """

    composition: dict[str, int] | None = None
    cell: Matrix3 | None = None
    cell_tolerance: PositiveFloat = 0.01
    cells: int = 1
    lattice_constant: PositiveFloat | None = None

    def identity(self) -> dict[str, object]:
        others = {"cells"} if self.cells == 1 else set()
        return self.model_dump(mode="json", exclude={"lattice_constant", *others})
