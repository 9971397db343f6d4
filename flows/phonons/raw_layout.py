"""phonopy's own layout of files: the crystal in one (`phonopy_disp.yaml`), forces, force constants and BORN in others."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.phonons.nac import read_born_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from phonopy import Phonopy

LAYOUT = ("force_sets", "force_constants", "born")
PARAMS = "phonopy-load --include-all writes phonopy_params.yaml, which has all"
_HDF5 = b"\x89HDF"


@dataclass(frozen=True)
class RawLayout:
    """The files beside the crystal, unpacked; empty: there is none."""

    force_sets: bytes = b""
    force_constants: bytes = b""
    born: bytes = b""

    @classmethod
    def of(cls, contents: Mapping[str, bytes]) -> RawLayout:
        """From contents by the names of `LAYOUT`, packed or not."""
        return cls(**{kind: unpacked(contents[kind]) for kind in LAYOUT if kind in contents})

    def add_to(self, phonopy: Phonopy, displacements: Any) -> bool:
        """Give `phonopy` its force constants and its non-analytical term; whether there were force constants.

        `displacements` are those of its own file, for forces that are listed alone.

        Raises:
            ValueError: a file is not what its name says, or of another crystal.
        """
        if self.born:
            _add_born(phonopy, self.born.decode())
        if self.force_constants:
            phonopy.force_constants = _force_constants(self.force_constants, phonopy)
        elif self.force_sets:
            dataset = _dataset(self.force_sets.decode(), len(phonopy.supercell))
            _refuse_other_displacements(dataset, displacements)
            solve(phonopy, dataset)
        return bool(self.force_constants or self.force_sets)


def solve(phonopy: Phonopy, dataset: Any) -> None:
    """Force constants from displacements and forces, as the forces have them: not symmetrized."""
    phonopy.dataset = dataset
    # phonopy's own solver takes displacements of one atom at a time
    solver: Any = None if "first_atoms" in dataset else "symfc"
    phonopy.produce_force_constants(fc_calculator=solver, calculate_full_force_constants=False, show_drift=False)


def unpacked(content: bytes) -> bytes:
    """The content of a .gz or .xz file, any other as it is."""
    import gzip
    import lzma

    if content.startswith(b"\xfd7zXZ"):
        return lzma.decompress(content)
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def another_kind(content: bytes) -> str:
    """What a file is, if it is one of phonopy's that has no crystal with its phonons, and what to name instead; or empty."""
    text = content[:4000].decode(errors="replace")
    if content.startswith(_HDF5):
        return "it is an HDF5 file: name the YAML file of the crystal as phonopy, and force_constants.hdf5 as force_constants"
    lines = [line.split() for line in text.splitlines() if line.strip()]
    heads = {line[0].rstrip(":") for line in lines if not text.startswith(" ") and line[0].endswith(":")}
    if {"nqpoint", "npath"} <= heads or ("nqpoint" in heads and "phonon" in heads):
        return f"these are frequencies, as band.yaml and mesh.yaml have them, and no force constants: {PARAMS}"
    numbers = [[_is_number(word) for word in line] for line in lines[:6]]
    if len(numbers) < 5 or not all(all(line) for line in numbers):
        return ""
    widths = [len(line) for line in numbers]
    if widths[0] in (1, 2) and widths[1] == 2 and widths[2:5] == [3, 3, 3]:
        return "this is FORCE_CONSTANTS, without its crystal: name the YAML file of the crystal as phonopy, and this as force_constants"
    if widths[:3] == [1, 1, 1] or widths[:4] == [6, 6, 6, 6]:
        return "this is FORCE_SETS, without its crystal: name phonopy_disp.yaml as phonopy, and this as force_sets"
    return ""


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _dataset(text: str, atoms: int) -> Any:
    from phonopy.file_IO import parse_FORCE_SETS_from_strings

    try:
        dataset: Any = parse_FORCE_SETS_from_strings(text, natom=atoms)
    except Exception as error:  # whatever phonopy's parser stumbles over
        raise ValueError(f"no FORCE_SETS of {atoms} atoms ({' '.join(str(error).split())[:120]})") from None
    values = [array for one in dataset.get("first_atoms", [dataset]) for array in (one.get("forces"), one.get("displacement"))]
    if not all(np.isfinite(array).all() for array in values if array is not None):
        raise ValueError("FORCE_SETS has a number that is not finite")
    return dataset


def _refuse_other_displacements(dataset: Any, own: Any) -> None:
    """phonopy pairs forces with displacements by their order alone: those of two runs give phonons of nothing."""
    pairs = [(one["number"], one["displacement"]) for one in dataset.get("first_atoms", ())]
    theirs = [(one["number"], one["displacement"]) for one in (own or {}).get("first_atoms", ())]
    if not pairs or not theirs:
        return
    if len(pairs) != len(theirs) or any(
        number != other or not np.allclose(moved, there, atol=1e-4) for (number, moved), (other, there) in zip(pairs, theirs, strict=True)
    ):
        raise ValueError(
            f"the {len(pairs)} displacements of FORCE_SETS are not the {len(theirs)} of the YAML file: they are of two calculations"
        )


def _force_constants(content: bytes, phonopy: Phonopy) -> NDArray[np.float64]:
    from phonopy.file_IO import parse_FORCE_CONSTANTS, read_force_constants_hdf5

    read: Any = read_force_constants_hdf5 if content.startswith(_HDF5) else parse_FORCE_CONSTANTS
    with tempfile.TemporaryDirectory() as directory:  # both take names of files alone
        path = Path(directory) / "force-constants"
        path.write_bytes(content)
        try:
            found = np.asarray(read(str(path), p2s_map=phonopy.primitive.p2s_map))
        except Exception as error:
            raise ValueError(f"no FORCE_CONSTANTS of this crystal ({' '.join(str(error).split())[:120]})") from None
    atoms, every = len(phonopy.primitive), len(phonopy.supercell)
    if found.shape not in ((atoms, every, 3, 3), (every, every, 3, 3)):
        raise ValueError(f"FORCE_CONSTANTS is of {found.shape[1]} atoms, the supercell of the crystal has {every}")
    return found


def _add_born(phonopy: Phonopy, text: str) -> None:
    from phonopy.physical_units import get_calculator_physical_units

    born, dielectric = read_born_of(text, phonopy.primitive, "BORN")
    factor = get_calculator_physical_units(phonopy.calculator).nac_factor
    phonopy.nac_params = {"born": born, "dielectric": dielectric, "factor": factor}
