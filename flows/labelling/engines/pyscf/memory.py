"""What a PySCF calculation at Γ needs at least, so that one that cannot fit is refused before it starts."""

from __future__ import annotations

from dataclasses import dataclass

_PROCESS = 0.3e9  # the interpreter with numpy, scipy and PySCF


@dataclass(frozen=True)
class Size:
    """`functions` of the basis, `occupied` orbitals, `points` of the mesh (0: none)."""

    functions: int
    occupied: int
    points: int

    @property
    def empty(self) -> int:
        return self.functions - self.occupied


def needed_GB(level: str, size: Size) -> float:
    """The least memory that `level` runs in, in GB (1e9 bytes), for n functions, o occupied and v empty orbitals.

    All levels: 0.3 GB for the process. A mesh of M points takes 8 M 20 for the densities, potentials and their
    Fourier transforms of DFT, or 48 M n for one row of orbital pairs: real, complex, transformed and back, real.
    MP2 adds two copies of (ov|ov), 16 o² v². Coupled cluster adds the integrals twice (all of them, then by
    blocks), 16 n⁴, and 18 arrays of doubles (six steps of DIIS with their errors, amplitudes, intermediates),
    144 o² v². (T) adds the integrals (vv|on), sorted, 8 v² o n, and two copies of the amplitudes.
    """
    n, o, v = size.functions, size.occupied, size.empty
    needed = _PROCESS + 16 * n**2
    needed += 8 * size.points * (20 if level == "dft" else 6 * n)
    if level == "mp2":
        needed += 16 * o**2 * v**2
    if level in ("ccsd", "ccsd(t)"):
        needed += 16 * n**4 + 144 * o**2 * v**2
    if level == "ccsd(t)":
        needed += 8 * v**2 * o * n + 16 * o**2 * v**2
    return needed / 1e9
