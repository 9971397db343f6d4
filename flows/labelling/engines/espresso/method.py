"""What Quantum ESPRESSO is asked to do: pseudopotentials, cutoffs, k-points, smearing, tolerance."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, field_validator, model_validator

from flows.labelling.engines.given_files import GivenFile
from flows.labelling.engines.kmesh import mesh_by_spacing
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.values import Command, Mesh, Scalar

if TYPE_CHECKING:
    from ase import Atoms

Half = Literal[0, 1]
Name = Annotated[str, Field(min_length=1), AfterValidator(lambda name: name.strip().lower())]

_OURS = {
    "control": "calculation restart_mode tprnfor disk_io outdir prefix pseudo_dir wfcdir max_seconds",
    "system": "ibrav nat ntyp a b c cosab cosac cosbc ecutwfc ecutrho occupations smearing degauss nosym nspin noncolin input_dft",
    "electrons": "conv_thr electron_maxstep scf_must_converge",
    "inputph": "outdir prefix epsil zeu zue trans ldisp qplot nogg recover max_seconds",
}


class EspressoMethod(EngineSettings):
    """One self-consistent calculation by `pw.x`: closed shells, no spin, the functional of its pseudopotentials.

    `pseudopotentials` names a UPF file for each element; in a resolved campaign they are `GivenFile`s. `ecutrho_Ry` is
    four times `ecutwfc_Ry` where it is not given, which is enough for norm-conserving ones alone. K-points are a mesh of the cell that
    is labelled, shifted by half a step where `kpoints_shift` is 1, or a `kspacing_per_A` (with 2π, as VASP's KSPACING) of which
    each cell gets its own mesh. `smearing` is for cells without a gap; energies are then free energies, to which the forces belong.
    `namelists` adds keys of `pw.x`, as `{electrons: {mixing_beta: 0.4}}`, and in `inputph` those of `ph.x`.

    Symmetry is never used for labels: structures of one cell have the same k-points and the same FFT grid, and energies are smooth.

    `max_scf_cycles`, `command`, `ph_command` and `scratch` decide no numbers and are in no key.
    """

    pseudopotentials: dict[str, Any] = Field(min_length=1)
    functional: Name = "pbe"
    ecutwfc_Ry: PositiveFloat
    ecutrho_Ry: PositiveFloat | None = None
    kpoints: Mesh | None = None
    kpoints_shift: tuple[Half, Half, Half] = (0, 0, 0)
    kspacing_per_A: PositiveFloat | None = None
    smearing: Literal["gaussian", "methfessel-paxton", "marzari-vanderbilt", "fermi-dirac"] | None = None
    degauss_Ry: PositiveFloat | None = None
    conv_thr_Ry: PositiveFloat = 1e-10
    namelists: dict[str, dict[str, Scalar]] = Field(default={})
    max_scf_cycles: PositiveInt = 100
    command: Command = "pw.x"
    ph_command: Command | None = None  # None: `command` with ph.x instead of pw.x
    scratch: str | None = Field(default=None, min_length=1)

    @field_validator("pseudopotentials")
    @classmethod
    def _names_files(cls, named: dict[str, Any]) -> dict[str, Any]:
        for symbol, one in named.items():
            if not isinstance(one, str) and GivenFile.of(one) is None:
                raise ValueError(f"{symbol}: no name of a file: {one!r}; write the file of a pseudopotential, as {symbol}.UPF")
        return {symbol: one if isinstance(one, str) else GivenFile.of(one) for symbol, one in named.items()}

    @field_validator("namelists")
    @classmethod
    def _not_ours(cls, namelists: dict[str, dict[str, Scalar]]) -> dict[str, dict[str, Scalar]]:
        lower = {name.lower(): {key.lower(): value for key, value in keys.items()} for name, keys in namelists.items()}
        for name, keys in lower.items():
            if name not in _OURS:
                raise ValueError(f"no namelist {name!r} of one structure; there is {', '.join(_OURS)}")
            if taken := sorted(keys.keys() & set(_OURS[name].split())):
                raise ValueError(f"{', '.join(taken)} of {name} follows from the other settings: remove it")
        return lower

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kpoints is None) == (self.kspacing_per_A is None):
            raise ValueError("give one of kpoints (a mesh of the labelled cell, as [2, 2, 2]) and kspacing_per_A")
        if self.kspacing_per_A is not None and any(self.kpoints_shift):
            raise ValueError("kpoints_shift is of kpoints: with kspacing_per_A meshes are Γ-centred")
        if (self.smearing is None) != (self.degauss_Ry is None):
            raise ValueError("smearing and degauss_Ry belong together: give both, or none for an insulator")
        if self.cutoff_of_density_Ry < self.ecutwfc_Ry:
            raise ValueError(f"ecutrho_Ry should be 4 ecutwfc_Ry or more, got {self.ecutrho_Ry:g}")
        return self

    @property
    def cutoff_of_density_Ry(self) -> float:
        """What `pw.x` takes as `ecutrho`."""
        return self.ecutrho_Ry or 4 * self.ecutwfc_Ry

    @property
    def words(self) -> list[str]:
        """The command, word by word."""
        return shlex.split(self.command)

    @property
    def ph_words(self) -> list[str]:
        """The command of `ph.x`, word by word; that of `pw.x` where it names no such program and no other is given."""
        return [re.sub(r"pw(?=\.x$)", "ph", word) for word in self.words] if self.ph_command is None else shlex.split(self.ph_command)

    def mesh_of(self, atoms: Atoms) -> Mesh:
        """The k-points along each reciprocal vector of this cell."""
        if self.kpoints is not None:
            return self.kpoints
        assert self.kspacing_per_A is not None
        return mesh_by_spacing(atoms, self.kspacing_per_A)
