"""A fitted difference: what it adds to its base, and the file that keeps it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.training.force_constants.basis import Interactions
from flows.training.force_constants.sites import Sites

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PairFit:
    """The pairs of one acceptable fit, at rest, with what is known of their errors: `mean` (1 + P,) and `covariance` of α and them."""

    pairs: Interactions
    mean: NDArray
    covariance: NDArray


@dataclass(frozen=True, eq=False)
class ForceConstants:
    """ΔE = `constant` per primitive cell + `slope` E_base + polynomial of the displacements from the sites of `primitive`.

    `interactions` have one tensor each: the chosen fit's, effective at the displacements of its frames. `fits` are what fits that the
    labels cannot tell from it say of the crystal at rest, with all their parameters: the errors of frequencies come from them.
    """

    primitive: Atoms
    constant_eV: float
    slope: float
    interactions: tuple[Interactions, ...]
    fits: tuple[PairFit, ...]

    def file(self) -> bytes:
        """As a NumPy archive (`.npz`); the same model gives the same bytes."""
        arrays: dict[str, Any] = {
            "cell": self.primitive.cell.array,
            "positions": self.primitive.positions,
            "numbers": self.primitive.numbers,
            "constant_eV": self.constant_eV,
            "slope": self.slope,
        }
        for one in self.interactions:
            arrays |= _arrays(f"order{one.order}", one)
        for number, fit in enumerate(self.fits):
            name = f"fit{number}"
            arrays |= {**_arrays(name, fit.pairs), f"{name}_mean": fit.mean, f"{name}_covariance": fit.covariance}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def of_file(cls, content: bytes) -> ForceConstants:
        """From the bytes of `file`.

        Raises:
            ValueError: they are not such a file.
        """
        from ase import Atoms

        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
            primitive = Atoms(numbers=found["numbers"], positions=found["positions"], cell=found["cell"], pbc=True)
            orders = [order for order in (2, 3, 4) if f"order{order}_basis" in found]
            count = sum(name.endswith("_mean") for name in found)
            return cls(
                primitive,
                float(found["constant_eV"]),
                float(found["slope"]),
                tuple(_read(f"order{order}", found) for order in orders),
                tuple(PairFit(_read(f"fit{n}", found), found[f"fit{n}_mean"], found[f"fit{n}_covariance"]) for n in range(count)),
            )
        except (KeyError, OSError) as error:
            raise ValueError(f"these are not force constants: {error}") from error

    def energies(self, u: NDArray, cell: Sites) -> NDArray:
        """(frames,): what is added beside the multiple of the base, eV, at displacements `u` (frames, N, 3) in Å."""
        cells = len(cell) // len(self.primitive)
        found: NDArray = sum((one.energies(u, cell)[:, 0] for one in self.interactions), start=np.zeros(len(u)))
        return found + self.constant_eV * cells


def _arrays(name: str, one: Interactions) -> dict[str, Any]:
    return {f"{name}_basis": one.basis, f"{name}_translations": one.translations, f"{name}_tensors": one.tensors}


def _read(name: str, arrays: dict[str, Any]) -> Interactions:
    basis = arrays[f"{name}_basis"]
    return Interactions(basis.shape[1], basis, arrays[f"{name}_translations"], arrays[f"{name}_tensors"])
