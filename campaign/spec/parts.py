"""The parts of a campaign as its user writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, model_validator

from campaign.spec.errors import nearest
from campaign.spec.labelling import Engines, FrozenPhononSpec, SamplingSpec
from campaign.spec.levels import LEVELS, Level
from campaign.spec.located import MayBeEmpty, TextList, inside, located
from campaign.spec.mace import MaceSpec
from campaign.spec.nac import NacSpec
from campaign.spec.reference import References
from campaign.spec.sizes import Size, Sizes
from flows.labelling.published.formats import NAMES
from flows.settings import Settings

IntVector = tuple[int, int, int]
IntMatrix = tuple[IntVector, IntVector, IntVector]

# prototypes of cubic crystals: how many symbols each takes
PROTOTYPES = {
    "sc": 1,
    "fcc": 1,
    "bcc": 1,
    "diamond": 1,
    "rocksalt": 2,
    "zincblende": 2,
    "cesiumchloride": 2,
}


def _prototype(value: str) -> str:
    if value not in PROTOTYPES:
        raise ValueError(f"{value!r} is no prototype (for others, give a file); {nearest(value, PROTOTYPES)}")
    return value


def _symbol(value: str) -> str:
    from ase.data import chemical_symbols

    if value not in chemical_symbols[1:]:
        raise ValueError(f"{value!r} is no element; {nearest(value, chemical_symbols[1:])}")
    return value


def _matrix(value: Any) -> Any:
    """Three numbers as the diagonal matrix that they mean."""
    if _is_three(value) and all(_is_three(row) for row in value):
        return value
    if _is_three(value) and not any(isinstance(x, list | tuple) for x in value):
        return tuple(tuple(x if i == j else 0 for j in range(3)) for i, x in enumerate(value))
    raise ValueError(f"should be three numbers or a 3x3 matrix, as in [2, 2, 1]; got {value!r}")


def _is_three(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3


def _right_handed(matrix: IntMatrix) -> IntMatrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    diagonal = not any((b, c, d, f, g, h))
    if volume <= 0 or (diagonal and min(a, e, i) < 1):
        shown = [a, e, i] if diagonal else [list(row) for row in matrix]
        raise ValueError(
            f"{shown} spans no cell (determinant {volume}); all repeats must be 1 or more, a matrix right-handed"
        )
    return matrix


Symbol = Annotated[str, AfterValidator(_symbol)]
CellMatrix = Annotated[IntMatrix, BeforeValidator(_matrix), AfterValidator(_right_handed)]


class StructureSpec(Settings):
    """The conventional cell: a cubic prototype with its lattice constant `a` (Å), or a file.

    A CIF, a POSCAR or frame `frame` of an extended-XYZ file is taken as it is: cell, orientation and sites.
    """

    prototype: Annotated[str, AfterValidator(_prototype)] | None = None
    symbols: Annotated[tuple[Symbol, ...], TextList] | None = None
    a: PositiveFloat | None = None
    file: str | None = None
    frame: int | None = Field(default=None, ge=0)
    no_symmetry: bool = False  # a file without any is taken for a crystal, not for a frame of an MD

    @model_validator(mode="after")
    def _one_source(self) -> StructureSpec:
        if (self.prototype is None) == (self.file is None):
            raise ValueError("give either prototype (with symbols and a) or file")
        foreign = ("symbols", "a") if self.file is not None else ("frame",)
        for name in foreign:
            if getattr(self, name) is not None:
                raise located(
                    (name,), f"does not go with {'file' if self.file is not None else 'prototype'}; remove it"
                )
        if self.prototype is not None:
            self._check_prototype(self.prototype)
        return self

    def _check_prototype(self, prototype: str) -> None:
        wanted = PROTOTYPES[prototype]
        if self.symbols is None or len(self.symbols) != wanted:
            given = list(self.symbols or ())
            raise located(("symbols",), f"{prototype} takes {wanted} element(s), got {given}")
        if self.a is None:
            raise located(("a",), "missing: the lattice constant of the conventional cell in Å")


class CellsSpec(Settings):
    """Supercells: `training` and `big` of the conventional cell, `phonons` of the primitive cell."""

    training: CellMatrix
    phonons: CellMatrix = ((4, 0, 0), (0, 4, 0), (0, 0, 4))
    big: CellMatrix = ((4, 0, 0), (0, 4, 0), (0, 0, 4))


class UntilSpec(Settings):
    """When a level has labels enough: one standard error of its frequencies by force constants, RMS over all modes."""

    modes_cm1: PositiveFloat


class LevelSpec(Settings):
    """Labels of one level, and whether their forces are its own: files that hold them, or the engine that computes
    them, for all structures that are drawn or a subset of them. Neither: a named gap."""

    data: Annotated[tuple[str, ...], TextList] = ()
    engine: str | None = None
    method: str | None = None  # what the engine computes; None: what the level is called
    forces: bool = False
    functional: str | None = None
    in_place_of: str | None = None  # what is taken against it is added to that level
    structures: Size = "full"
    draw: Literal["random", "stratified", "informative", "farthest"] = "random"
    until: UntilSpec | None = None  # labelled in rounds; None: all of `structures` at once
    phonons: bool = False  # its own, by finite displacements with the engine: the reference of its models
    energy_key: str | dict[str, str] | None = None  # what the files call it, or by format; None: by rule
    forces_key: str | None = None  # None: forces, or force
    beside: str | None = None  # the folder, seen from each file of data, of the files that belong to it
    in_eV: bool = False  # the user says so: a slope that speaks against it does not set the level aside

    @model_validator(mode="after")
    def _keys_of_files(self) -> LevelSpec:
        for name in ("energy_key", "forces_key"):
            if getattr(self, name) == "":
                raise located((name,), "is empty; remove it")
            if getattr(self, name) is not None and not self.data:
                raise located((name,), "names what the files of data call it, and there are none; remove it")
        if isinstance(self.energy_key, dict) and (strange := sorted(self.energy_key.keys() - set(NAMES))):
            raise located(("energy_key",), f"{strange[0]!r} is no format of files; {nearest(strange[0], NAMES)}")
        if self.method is not None and self.engine is None:
            raise located(("method",), "says what an engine computes, and none is named; remove it")
        if self.in_eV and not self.data:
            raise located(("in_eV",), "is about energies of files, and there are none; remove it")
        if self.beside is not None and not self.data:
            raise located(("beside",), "says where files that belong to those of data lie, and there are none; remove it")
        if self.forces_key is not None and not self.forces:
            raise located(("forces_key",), "names forces that are not used; add forces: true, or remove it")
        return self

    @model_validator(mode="after")
    def _rounds_have_an_order(self) -> LevelSpec:
        if self.until is not None and self.engine is not None and self.draw not in ("informative", "farthest"):
            why = "rounds take the structures that tell most first; add draw: informative (or farthest), or remove it"
            raise located(("until",), why)
        return self

    @model_validator(mode="after")
    def _one_origin(self) -> LevelSpec:
        if self.phonons and not (self.engine and self.forces):
            raise located(("phonons",), "a level's own phonons need an engine with forces; remove it")
        if self.data and self.engine is not None:
            raise located(("engine",), "labels come from data or from an engine, not from both; remove one")
        return self


class SystemSpec(Settings):
    """A material: its cells, its levels, and where MACE or sizes differ from the campaign's."""

    structure: StructureSpec
    cells: CellsSpec
    levels: dict[Level, Annotated[LevelSpec, MayBeEmpty]] = Field(min_length=1)
    mace: Annotated[MaceSpec, MayBeEmpty] = MaceSpec()
    sizes: Sizes | None = None
    nac: NacSpec | None = None  # None: no LO-TO splitting
    reference: References = {}  # noqa: RUF012  # pydantic copies defaults
    engines: Engines = {}  # noqa: RUF012  # beside the campaign's, or instead of those of the same name
    sampling: SamplingSpec | None = None
    frozen_phonon: FrozenPhononSpec | None = None

    @model_validator(mode="after")
    def _engines_have_structures(self) -> SystemSpec:
        asked = [name for name, level in self.levels.items() if level.engine is not None]
        published = any(level.data for level in self.levels.values())
        if asked and not published and self.sampling is None:
            raise located(("levels", asked[0], "engine"), "has no structures to label; say how to draw them: sampling")
        if self.sampling is not None and (published or not asked):
            why = "the structures are those of the files in levels" if published else "no level names an engine"
            raise located(("sampling",), f"draws what nobody labels: {why}; remove it")
        return self

    @model_validator(mode="after")
    def _wave_functions_have_no_functional(self) -> SystemSpec:
        for name, level in self.levels.items():
            if level.functional is not None and (level.method or name) in LEVELS[1:]:
                raise located(("levels", name, "functional"), "only dft has a functional; remove it")
        return self

    @model_validator(mode="after")
    def _phonons_of_references_have_a_level(self) -> SystemSpec:
        known = dict.fromkeys([*LEVELS, *self.levels])
        for name, reference in self.reference.items():
            if reference.phonopy is not None and name not in known:
                why = f"phonons are drawn with a level, and {name!r} is no level of theory, and none of levels; {nearest(name, known)}"
                raise located(("reference", name), why)
        return self

    @model_validator(mode="after")
    def _stand_ins_have_another(self) -> SystemSpec:
        for name, level in self.levels.items():
            other = level.in_place_of
            if other is None:
                continue
            with inside("levels", name):
                if other == name or other not in self.levels:
                    others = [one for one in self.levels if one != name]
                    raise located(("in_place_of",), f"{other!r} is no other level of this system; {nearest(other, others)}")
                if self.levels[other].in_place_of is not None:
                    raise located(("in_place_of",), f"{other} is in place of {self.levels[other].in_place_of} itself; name that")
        return self
