"""What every record is, and what several of them hold: bytes, structures."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict

from flows.keys import digest

if TYPE_CHECKING:
    from ase import Atoms

Vector = tuple[float, float, float]
Matrix3 = tuple[Vector, Vector, Vector]


class Record(BaseModel):
    """A frozen document that tolerates fields it does not know (those of a later version)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1


class Blob(Record):
    """Bytes inside a record. Fields called `blob` are kept in the job store's `blobs` store (GridFS)."""

    sha256: str
    size: int
    base64: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            base64=base64.b64encode(content).decode("ascii"),
        )

    def content(self) -> bytes:
        """The bytes.

        Raises:
            ValueError: they are not those whose sha256 was recorded.
        """
        content = base64.b64decode(self.base64)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ValueError(f"a stored blob is damaged: sha256 is {found}, recorded was {self.sha256}")
        return content


class Structure(Record):
    """Atoms in a periodic cell: `cell` rows are lattice vectors (Å), `positions` is (N, 3) in Å."""

    symbols: tuple[str, ...]
    cell: Matrix3
    positions: tuple[Vector, ...]

    @classmethod
    def from_atoms(cls, atoms: Atoms) -> Self:
        return cls(
            symbols=tuple(atoms.get_chemical_symbols()),
            cell=atoms.cell.array.tolist(),
            positions=atoms.get_positions().tolist(),
        )

    def atoms(self) -> Atoms:
        from ase import Atoms

        return Atoms(symbols=list(self.symbols), positions=self.positions, cell=self.cell, pbc=True)

    def key(self) -> str:
        """Identity: symbols in order, cell to 1e-6 Å, wrapped fractional positions to 1e-7."""
        fractional = self.atoms().get_scaled_positions(wrap=True).round(7) % 1.0
        return digest(
            "structure",
            1,
            symbols=list(self.symbols),
            cell=[[round(x, 6) + 0.0 for x in row] for row in self.cell],
            fractional=[[float(x) + 0.0 for x in row] for row in fractional],
        )
