"""The non-analytical term as its user writes it, and as numbers for the primitive cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, PositiveFloat, model_validator

from campaign.spec.errors import nearest
from campaign.spec.located import located
from flows.phonons.nac import missed_e, nac_settings, read_born
from flows.phonons.nac_espresso import is_ph_output, read_born_ph
from flows.phonons.nac_vasp import is_vasprun, read_born_vasprun
from flows.phonons.settings import NacSettings
from flows.records import Matrix3
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.records import Structure

_WORTH_SAYING_E = 1e-3  # files are rounded to less
Method = Literal["gonze", "wang"]

Charges = dict[str, Matrix3] | tuple[Matrix3, ...]


def _tensor(value: Any) -> Matrix3:
    """A number or three as the diagonal tensor that they mean."""
    rows = [value] * 3 if _is_number(value) else value
    if isinstance(rows, list | tuple) and len(rows) == 3:
        if all(_is_number(x) for x in rows):
            x, y, z = map(float, rows)
            return (x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, z)
        if all(isinstance(row, list | tuple) and len(row) == 3 for row in rows) and all(
            _is_number(x) for row in rows for x in row
        ):
            a, b, c = (tuple(map(float, row)) for row in rows)
            return a, b, c  # type: ignore[return-value]  # three numbers each, as seen above
    raise ValueError(f"should be a number, three, or a 3x3 matrix, got {value!r}")


def _charges(value: Any) -> Charges:
    if not isinstance(value, dict | list | tuple) or not value:
        example = "{Li: 1.05, H: -1.05}"
        raise ValueError(f"should map elements to charges, as in {example}, or list all atoms, got {value!r}")
    found: dict[Any, Matrix3] = {}
    for name, charge in value.items() if isinstance(value, dict) else enumerate(value):
        try:
            found[name] = _tensor(charge)
        except ValueError as error:
            raise located((name,), str(error)) from None
    return found if isinstance(value, dict) else tuple(found.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)  # true and false are refused with all others


class NacSpec(Settings):
    """LO-TO splitting: Born charges (e) by element or by atom, and the dielectric tensor; or a BORN file of phonopy, a
    vasprun.xml or an output of ph.x with both; or the engine that is to compute them.

    Tensors are Cartesian, in the orientation of the system's cell. A BORN file is about its primitive cell, the
    others about any cell of the crystal.
    """

    born_charges: Annotated[Charges, BeforeValidator(_charges)] | None = None
    dielectric: Annotated[Matrix3, BeforeValidator(_tensor)] | None = None
    file: str | None = None
    engine: str | None = None
    method: Method = "gonze"
    sum_rule_e: PositiveFloat | None = None  # what is mended of the sum of the charges; None: by their number and size

    @model_validator(mode="after")
    def _one_source(self) -> NacSpec:
        given = [name for name in ("born_charges", "dielectric") if getattr(self, name) is not None]
        sources = [name for name in ("file", "engine") if getattr(self, name) is not None]
        if sources and (others := [*sources[1:], *given]):
            raise located((others[0],), f"does not go with {sources[0]}; remove one of them")
        if not sources and len(given) < 2:
            raise ValueError("give born_charges and dielectric, or file, or engine")
        return self

    def born(self) -> BornSpec | None:
        """What is asked of an engine; None where nothing is."""
        return None if self.engine is None else BornSpec(engine=self.engine, method=self.method, sum_rule_e=self.sum_rule_e)

    def resolve(self, primitive: Structure, born_file: str | None) -> tuple[NacSettings, str]:
        """Numbers for the atoms of `primitive`, and what was mended (empty: nothing); `born_file` is the text of `file`.

        Raises:
            ValueError: the charges are not those of the crystal, or their sum is not zero.
        """
        atoms = primitive.atoms()
        if born_file is not None:
            read = read_born_vasprun if is_vasprun(born_file) else read_born_ph if is_ph_output(born_file) else read_born
            charges, dielectric = read(born_file, atoms, str(self.file))
        else:
            assert self.born_charges is not None
            charges, dielectric = np.array(_of_atoms(self.born_charges, primitive.symbols)), np.array(self.dielectric)
        found = nac_settings(atoms, charges, dielectric, self.method, self.sum_rule_e)
        return found, mended(missed_e(charges), len(charges))


class BornSpec(Settings):
    """Born charges and dielectric tensor that an engine is to compute."""

    engine: str
    method: Method = "gonze"
    sum_rule_e: PositiveFloat | None = None


def mended(missed: float, atoms: int) -> str:
    """What to say of charges that `missed` the acoustic sum rule by so much (e); empty: nothing."""
    said = f"the Born charges sum to {missed:.3g} e instead of zero: spread evenly over {atoms} atoms"
    return said if missed > _WORTH_SAYING_E else ""


def _of_atoms(charges: Charges, symbols: tuple[str, ...]) -> tuple[Matrix3, ...]:
    if not isinstance(charges, dict):
        return charges
    for symbol in charges:
        if symbol not in symbols:
            raise ValueError(
                f"born_charges: no {symbol} in the crystal; {nearest(symbol, dict.fromkeys(symbols))}"
            )
    missing = [symbol for symbol in dict.fromkeys(symbols) if symbol not in charges]
    if missing:
        raise ValueError(f"born_charges: none of {', '.join(missing)}; add it")
    return tuple(charges[symbol] for symbol in symbols)
