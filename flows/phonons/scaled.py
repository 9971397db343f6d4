"""A crystal from its stored force constants: its modes on a mesh, and frequencies of a potential that is multiplied by a number.

Force constants are multiplied by it, so frequencies by its root; but not those of an insulator, whose non-analytical
term stays what it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from flows.phonons.harmonic import HarmonicCrystal, cm1_per_THz, load_phonopy
from flows.phonons.nac import add_nac
from flows.phonons.path import BandPath, band_path
from flows.phonons.settings import PhononTask
from flows.phonons.spectra import points_cm1
from flows.phonons.thermal import SampledModes

if TYPE_CHECKING:
    from numpy.typing import NDArray


_FORCE_CONSTANTS = b"\nforce_constants:\n"  # the last of a file of ours


@dataclass(frozen=True)
class StoredCrystal:
    """A crystal from a phonopy YAML file of ours, whose `head` is all of it before its force constants.

    Its symmetry, which takes a second, is that of all its models.
    """

    crystal: HarmonicCrystal
    path: BandPath
    head: bytes = field(repr=False)
    _qpoints: dict[tuple[int, int, int], IrreduciblePoints] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, content: bytes, task: PhononTask) -> Self:
        """The crystal that the phonons of `task` are of, with its non-analytical term.

        Raises:
            ValueError: the file has no crystal, or no force constants.
        """
        phonopy = load_phonopy(content)
        add_nac(phonopy, task.nac)
        return cls(HarmonicCrystal(phonopy, nac=task.nac), band_path(task.primitive.atoms()), content.partition(_FORCE_CONSTANTS)[0])

    def scaled_points_cm1(self, content: bytes, *factors: float) -> Iterator[dict[str, tuple[float, ...]]]:
        """For each factor the sorted frequencies at the named points, by the force constants in a file of the crystal.

        Raises:
            ValueError: the file has none, or is of another crystal.
        """
        constants, phonopy = self._force_constants(content), self.crystal.phonopy
        for factor in factors:
            phonopy.force_constants = factor * constants
            yield points_cm1(self.crystal, self.path)

    def sampled_modes(self, content: bytes, mesh: tuple[int, int, int]) -> SampledModes:
        """All modes on a Γ-centred mesh, by the force constants in a file of the crystal; Γ is without non-analytical term.

        Raises:
            ValueError: as `scaled_points_cm1`.
        """
        phonopy = self.holding(content).phonopy
        if mesh not in self._qpoints:
            sampled = phonopy.run_mesh(list(mesh), is_gamma_center=True)
            self._qpoints[mesh] = IrreduciblePoints(np.asarray(sampled.qpoints), np.asarray(sampled.weights))
        points = self._qpoints[mesh]
        frequencies = np.asarray(phonopy.run_qpoints(points.qpoints).frequencies) * cm1_per_THz()
        return SampledModes(*points, frequencies)

    def holding(self, content: bytes) -> HarmonicCrystal:
        """The crystal with the force constants in a file of it, until this is called again.

        Raises:
            ValueError: the file has none, or is of another crystal.
        """
        self.crystal.phonopy.force_constants = self._force_constants(content)
        return self.crystal

    def _force_constants(self, content: bytes) -> NDArray[np.float64]:
        head, _, rest = content.partition(_FORCE_CONSTANTS)
        return _elements(rest) if rest and head == self.head else self._read_whole(content)

    def _read_whole(self, content: bytes) -> NDArray[np.float64]:
        from phonopy.interface.phonopy_yaml import PhonopyYaml

        read, own = PhonopyYaml(), self.crystal.phonopy.supercell
        read.read(io.StringIO(content.decode()))
        if read.force_constants is None or read.supercell is None:
            raise ValueError("no force constants in it")
        if read.supercell.symbols != own.symbols or not np.allclose(read.supercell.positions, own.positions, atol=1e-6):
            raise ValueError("of another crystal, or with its atoms in another order")
        return np.array(read.force_constants)


class IrreduciblePoints(NamedTuple):
    """Irreducible q-points (Q, 3) of a mesh, and how many q-points each stands for (Q,)."""

    qpoints: NDArray[np.float64]
    weights: NDArray[np.int64]


def _elements(section: bytes) -> NDArray[np.float64]:
    """(P, N, 3, 3) of what stands in a phonopy YAML file below `force_constants:`; libyaml reads it, and no tree is built.

    Raises:
        ValueError: it is no such section.
    """
    import yaml

    try:
        events = yaml.parse(section, Loader=yaml.CSafeLoader)
        words = [one.value for one in events if isinstance(one, yaml.ScalarEvent)]
        start = words.index("elements")
        shape = [int(one) for one in words[words.index("shape") + 1 : start]]
        return np.array(words[start + 1 :], dtype=float).reshape(*shape, 3, 3)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"its force constants are not as phonopy writes them: {error}") from error
