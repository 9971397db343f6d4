"""A system as figures need it: its path of bands, which of its q-points cells hold, its cells in words, its references."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from campaign.references import Reference, references_of
from campaign.references.user_files import UserReferences
from campaign.report.document import Marker, Peak
from campaign.report.qpoints import PointCoverage
from campaign.spec.campaign import ResolvedSystem
from flows.phonons.cells import supercell_matrix
from flows.phonons.path import BandPath, band_path
from flows.phonons.qpoints import coverage

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Crystal:
    """A system of a campaign, as far as figures need it; `user_references` are what its user gave to compare with."""

    name: str
    cells: ResolvedSystem
    user_references: UserReferences = field(default_factory=UserReferences)

    @cached_property
    def path(self) -> BandPath:
        return band_path(self.cells.primitive.atoms())

    @cached_property
    def coverage(self) -> tuple[PointCoverage, ...]:
        """Of every named point, over its whole star, by the training cell and by that of the phonons."""
        primitive = self.cells.primitive.atoms()
        cells = (supercell_matrix(primitive, self.cells.training.cell), self.cells.phonon_supercell)
        found = {label: [coverage(primitive, one, q) for one in cells] for label, q in self.path.points.items()}
        return tuple(
            PointCoverage(
                label=label, qpoint=self.path.points[label], arms=one.arms, held=one.held, held_by_phonons=phonons.held
            )
            for label, (one, phonons) in found.items()
        )

    @property
    def marks(self) -> dict[str, str]:
        """What stands behind the label of each named point: † and ‡."""
        return {one.label: one.mark for one in self.coverage}

    @property
    def training_cell(self) -> str:
        """`2×2×1 cell (32 atoms)`."""
        return _cell_text(
            supercell_matrix(self.cells.conventional.atoms(), self.cells.training.cell),
            len(self.cells.training.symbols),
        )

    @property
    def md_cell(self) -> str:
        """`4×4×4 cell (512 atoms)`."""
        big = self.cells.big
        return _cell_text(supercell_matrix(self.cells.conventional.atoms(), big.cell), len(big.symbols))

    @property
    def phonon_cell(self) -> str:
        """`4×4×4 of the primitive cell (128 atoms)`."""
        import numpy as np

        matrix = np.array(self.cells.phonon_supercell)
        atoms = round(abs(float(np.linalg.det(matrix)))) * len(self.cells.primitive.symbols)
        return _cell_text(matrix, atoms).replace(" cell", " supercell of the primitive cell")

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        return references_of(self.cells.primitive)

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Measured frequencies at named points; calculated ones of others stand in a table."""
        return tuple(
            Marker(label=one.point, value_cm1=one.value_cm1, title=one.quantity, source=one.source)
            for one in self.references
            if one.kind == "experiment" and one.point is not None
        )

    @property
    def peaks(self) -> tuple[Peak, ...]:
        """Measured peaks of the densities of states of its elements."""
        return tuple(
            Peak(element=one.element, value_cm1=one.value_cm1, title=one.quantity, source=one.source)
            for one in self.references
            if one.kind == "experiment" and one.element is not None
        )


def _cell_text(matrix: NDArray, atoms: int) -> str:
    import numpy as np

    plain = bool((matrix == np.diag(np.diag(matrix))).all())
    return f"{'×'.join(str(n) for n in np.diag(matrix)) + ' ' if plain else ''}cell ({atoms} atoms)"
