"""Which potential an element has: settings that all engines share which run VASP."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.vasp import potentials
from flows.labelling.engines.vasp.potentials import Potcar, Potential

if TYPE_CHECKING:
    from ase import Atoms

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ChosenPotentials(EngineSettings):
    """`potentials` says which potential of VASP's an element has (`Li: Li_sv`), where it is not that of its own name, `family` of
    which release of them, as pymatgen calls it; without one it is `LDA_54` or `PBE_54`. POTCARs lie in `potcars`, or where pymatgen has
    them. `digests` are the sha256 of their contents by element, where the campaign says them, `found` of those that lie where it is planned.
    """

    called_by: ClassVar[str] = "name"
    potentials: dict[str, str] = Field(default={})
    family: str | None = Field(default=None, min_length=1)
    digests: dict[str, Sha256] = Field(default={})
    found: dict[str, Sha256] = Field(default={})
    potcars: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_potentials(self) -> Self:
        for symbol in {*self.potentials, *self.digests}:
            self.potential(symbol)  # raises
        return self

    @property
    @abstractmethod
    def made_for(self) -> str:
        """The functional of the potentials: `lda` or `pbe`."""

    def potential(self, element: str) -> Potential:
        """The potential of an element."""
        family = self.family or f"{self.made_for.upper()}_54"
        return Potential(family=family, symbol=self.potentials.get(element, element), sha256={**self.found, **self.digests}.get(element))

    def for_elements(self, symbols: Collection[str]) -> Self:
        """With a potential for each of them, and none for others."""
        named = {symbol: self.potential(symbol).symbol for symbol in sorted(symbols)}
        return self.model_copy(update={"potentials": named, "digests": {one: text for one, text in self.digests.items() if one in named}})

    def pinned(self) -> Self:
        found = {}
        for symbol in self.potentials:
            try:
                potcar = potentials.find(self.potential(symbol), self.potcars)
            except (OSError, ValueError):
                continue  # told as a trouble
            if potcar is not None:
                found[symbol] = potcar.sha256
        return self.model_copy(update={"found": found})

    def told_files(self) -> tuple[tuple[str, str, str], ...]:
        asked = {symbol: self.potential(symbol) for symbol in self.potentials}
        return tuple((f"potentials.{symbol}", f"{one.symbol} of {one.family}", one.text()) for symbol, one in asked.items() if one.sha256)

    def by_path(self) -> Self | None:
        """A campaign may have been planned where its POTCARs are not."""
        return self.model_copy(update={"digests": {}, "found": {}}) if self.digests or self.found else None

    def anew(self) -> str:
        return f"digests: {{{', '.join(f'{symbol}: {sha256}' for symbol, sha256 in self.found.items())}}}"

    @property
    def by_content_alone(self) -> bool:
        return bool(self.digests)

    def fetched(self, atoms: Atoms) -> dict[str, Potcar]:
        """The potential of each element, in the order in which these come first.

        Raises: CalculationFailed: `no-pseudopotential`, `wrong-pseudopotential`.
        """
        return {one: potentials.fetch(self.potential(one), one, self.made_for, self.potcars) for one in dict.fromkeys(atoms.symbols)}

    def identities(self) -> dict[str, Any]:
        """Of the potentials: what they hold, where it is known."""
        return {symbol: self.potential(symbol).identity() for symbol in self.potentials}

    def unfit_potcars(self, atoms: Atoms, found: dict[str, Potcar]) -> Iterator[tuple[str, str]]:
        """What is wrong with the potentials for `atoms` that are on this machine; `found` is filled with them."""
        known = potentials.families()
        if self.family is not None and self.family not in known:
            yield "family", f"pymatgen knows no POTCARs called {self.family}; it knows {', '.join(known)}"
            return
        for symbol in dict.fromkeys(atoms.symbols):
            asked = self.potential(symbol)
            try:
                potcar = potentials.find(asked, self.potcars)
            except (OSError, ValueError) as error:
                yield "potentials", str(error)
                continue
            if potcar is not None:
                found[symbol] = potcar
                yield from (("potentials", why) for why in potentials.misfits(asked, potcar, symbol, self.made_for))

    def lacking_potcars(self) -> Iterator[tuple[str, str]]:
        """The potentials that are not on this machine."""
        absent = [asked for symbol in self.potentials if not _is_here(asked := self.potential(symbol), self.potcars)]
        if absent:
            what = f"no POTCAR {', '.join(one.text() for one in absent)} {potentials.looked(self.potcars)}"
            known = "" if all(one.sha256 for one in absent) else ": labels are known by these names, as long as neither they nor digests say more"
            yield "potentials", f"{what}{known}; {potentials.how_to_have(self.potcars)}"


def _is_here(asked: Potential, folder: str | None) -> bool:
    try:
        return potentials.find(asked, folder) is not None
    except (OSError, ValueError):
        return True  # what is wrong with it is told as a trouble
