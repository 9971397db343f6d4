"""What published labels are asked to be."""

from __future__ import annotations

from pydantic import PositiveFloat

from flows.settings import Settings


class PublishedFile(Settings):
    """One labelled file: which level its energies are, whether its forces are that level's own, its content.

    `sha256` is the identity of the content; `name` is for messages only and leaves the identity alone.
    """

    name: str
    sha256: str
    level: str
    forces: bool = False

    def identity(self) -> dict[str, object]:
        return {"sha256": self.sha256, "level": self.level, "forces": self.forces}


class MatchingSettings(Settings):
    """How structures of different files are found to be the same: largest displacement of any atom (Å),
    after wrapping, and of any cell vector component (Å)."""

    position_tolerance_A: PositiveFloat = 1e-3
    cell_tolerance_A: PositiveFloat = 1e-3
