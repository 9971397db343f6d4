"""What to cite of what made the numbers of a campaign: by the packages that its records name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Citation(NamedTuple):
    """A publication: its identifier, and how it is cited. `package`: what a record names that it is about; empty: always."""

    identifier: str
    text: str
    package: str = ""


_ALL = (
    Citation(
        "#method",
        "S. Schönbauer, J. P. Carbone, A. Grüneis, Machine-Learned Force Fields for Lattice Dynamics at Coupled-Cluster Level Accuracy",
    ),
    Citation("https://doi.org/10.1088/1361-648X/aa680e", "A. H. Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017): ASE"),
    Citation("https://doi.org/10.21105/joss.05995", "A. S. Rosen et al., J. Open Source Softw. 9, 5995 (2024): jobflow"),
    Citation("https://doi.org/10.1002/cpe.3505", "A. Jain et al., Concurrency Computat.: Pract. Exper. 27, 5037 (2015): FireWorks"),
    Citation("https://doi.org/10.48550/arXiv.2206.07697", "I. Batatia et al., NeurIPS 35 (2022): MACE", "mace-torch"),
    Citation("https://doi.org/10.7566/JPSJ.92.012001", "A. Togo, J. Phys. Soc. Jpn. 92, 012001 (2023): phonopy", "phonopy"),
    Citation("https://doi.org/10.1063/5.0006074", "Q. Sun et al., J. Chem. Phys. 153, 024109 (2020): PySCF", "pyscf"),
    Citation("https://doi.org/10.1103/PhysRevB.110.214302", "A. Seko, A. Togo, Phys. Rev. B 110, 214302 (2024): symfc", "symfc"),
)


def citations(packages: Iterable[str]) -> tuple[Citation, ...]:
    """Of a campaign whose records name `packages`."""
    named = set(packages)
    return tuple(one for one in _ALL if not one.package or one.package in named)
