"""What a user has to compare with: phonons of a level in a phonopy file, or values in CSV files."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints, model_validator

from campaign.spec.located import MayBeEmpty, located
from flows.phonons.raw_layout import LAYOUT
from flows.settings import Settings

KINDS = ("phonopy", "csv", "dos_csv")
BESIDE = LAYOUT  # a phonopy file that has its crystal alone
ReferenceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_()-]*$")]


class ReferenceSpec(Settings):
    """Phonons from a phonopy YAML file, and from `force_sets` or `force_constants`, and `born`, beside it; or frequencies (`csv`) and a density of states (`dos_csv`) with their source.

    `element`: the density of states is that of this element alone. `campaign.references.files` says what the
    columns are.
    """

    phonopy: str | None = None
    csv: str | None = None
    dos_csv: str | None = None
    force_sets: str | None = None
    force_constants: str | None = None
    born: str | None = None
    title: str | None = None
    source: str | None = None
    element: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """The files by what they hold."""
        return {kind: file for kind in KINDS if (file := getattr(self, kind)) is not None}

    @property
    def beside(self) -> dict[str, str]:
        """The files beside that of phonopy, by what they hold."""
        return {kind: file for kind in BESIDE if (file := getattr(self, kind)) is not None}

    @model_validator(mode="after")
    def _crystal_of_forces(self) -> ReferenceSpec:
        if self.beside and self.phonopy is None:
            raise located((next(iter(self.beside)),), "needs its crystal: name phonopy_disp.yaml as phonopy")
        if self.force_sets is not None and self.force_constants is not None:
            raise located(("force_sets",), "force constants are made of them, and are given too; remove one")
        return self

    @model_validator(mode="after")
    def _one_source(self) -> ReferenceSpec:
        if not self.files:
            raise ValueError(f"names no file; give {', '.join(KINDS[:-1])} or {KINDS[-1]}")
        if self.phonopy is not None and len(self.files) > 1:
            raise located(
                ("phonopy",), "does not go with values of a CSV file; give these a name of their own"
            )
        if self.element is not None and self.dos_csv is None:
            raise located(("element",), "says of what dos_csv is the density of states; remove it, or add dos_csv")
        if self.phonopy is None and not (self.source or "").strip():
            raise located(
                ("source",), "missing: where the values were published, as figures and tables will say"
            )
        return self


References = Annotated[dict[ReferenceName, ReferenceSpec], MayBeEmpty]


class KeptFile(Settings):
    """A file that the database keeps under its sha256."""

    name: str
    sha256: str


class ResolvedReference(Settings):
    """A reference with its files found."""

    phonopy: KeptFile | None = None
    csv: KeptFile | None = None
    dos_csv: KeptFile | None = None
    force_sets: KeptFile | None = None
    force_constants: KeptFile | None = None
    born: KeptFile | None = None
    title: str
    source: str = ""
    element: str | None = None

    @property
    def kept(self) -> tuple[KeptFile, ...]:
        """All of its files."""
        return tuple(file for kind in (*KINDS, *BESIDE) if (file := getattr(self, kind)) is not None)

    @property
    def beside(self) -> dict[str, KeptFile]:
        """The files beside that of phonopy, by what they hold."""
        return {kind: file for kind in BESIDE if (file := getattr(self, kind)) is not None}
