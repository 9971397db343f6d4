"""What differences are added to: chains of models from energies and forces at the bottom to the level on top.

`ccsd(t)-hf` is added to `hf_ef` or, where that is not asked for, to `hf-dft` and `dft_ef`. A level may stand in differences
for another one (`in_place_of`): `ccsd(t)-dft_gamma`, both by one engine, is added to `dft_ef`, whose labels are another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.training.names import ModelName

Levels = tuple[str, ...]


class NoChain(ValueError):
    """A difference that is added to nothing, or to more than one thing; `model` is that of the list that is the trouble."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(message)
        self.model = model


@dataclass(frozen=True)
class Chains:
    """The chains of the `models` of a campaign; `standing` says for which level another stands in differences."""

    models: tuple[str, ...]
    standing: Mapping[str, str] = field(default_factory=dict)

    def below(self, level: str) -> str:
        """The level to whose models a difference against `level` is added."""
        return self.standing.get(level, level)

    def parts(self, model: str) -> tuple[str, ...]:
        """The models whose sum stands for the level of `model`, from the bottom; the last is itself.

        Raises:
            NoChain: there is no such sum.
        """
        return self._parts(model, ())

    def trained_on(self, model: str) -> Levels:
        """The levels of which one structure needs labels: of a difference the upper and the lower one and, where what it is
        added to is not the lower level itself, the levels whose energies, + - + ..., are that."""
        name = ModelName.parse(model)
        if name.base is None:
            return name.levels
        under = self.stands_for(self.parts(model)[-2])
        return name.levels if under == (name.base,) else (*name.levels, *under)

    def stands_for(self, model: str) -> Levels:
        """The levels whose energies, + - + ..., are what the sum up to `model` is to give: `ccsd(t)`, or of a composite
        `ccsd(t)`, `dft_gamma`, `dft`."""
        bottom, *differences = (ModelName.parse(one) for one in self.parts(model))
        terms: Levels = (bottom.level,)
        for one in differences:
            assert one.base is not None
            terms = (one.level, *terms[1:]) if one.base == terms[0] else (one.level, one.base, *terms)
        return terms

    def top(self, level: str) -> Levels:
        """As `stands_for`, of the sum that leads to `level`; where none does, itself."""
        names = {model: ModelName.parse(model) for model in self.models}
        found = next((model for model, one in names.items() if one.level == level and one.base is not None), None)
        return (level,) if found is None else self.stands_for(found)

    def _parts(self, model: str, above: Sequence[str]) -> tuple[str, ...]:
        name = ModelName.parse(model)
        if name.base is None:
            return (model,)
        if model in above:
            circle = " and ".join(dict.fromkeys(above))
            raise NoChain(model, f"{circle} are added to each other: one of them needs a model of energies and forces below, as dft_ef")
        under = self.below(name.base)
        if f"{under}_ef" in self.models:
            return (f"{under}_ef", model)
        leading = [one for one in self.models if _leads_to(one, under)]
        like = [one for one in leading if ModelName.parse(one).method == name.method] or leading
        if not like:
            raise NoChain(model, self._missing(model, name.base, under))
        return (*self._parts(like[0], (*above, model)), model)

    def _missing(self, model: str, base: str, under: str) -> str:
        message = f"{model} is added to {under}_ef, which is not in the list; add {under}_ef"
        if under != base or under == "dft":
            return message
        stands = f"where {under} stands in differences for a level whose labels are another's, in_place_of at levels.{under}"
        return f"{message}, or a difference that leads to {under} (as {under}-dft), or, {stands}"


def _leads_to(model: str, level: str) -> bool:
    name = ModelName.parse(model)
    return name.base is not None and name.level == level


def check_chains(chains: Chains) -> None:
    """That every difference has one way down to energies and forces, and every sum is that of one difference.

    Raises:
        NoChain: it is not so.
    """
    sums: dict[str, str] = {}
    for model in chains.models:
        chains.parts(model)
        name = ModelName.parse(model)
        if name.base is None:
            continue
        stood_for = chains.standing.get(name.base)
        if stood_for is not None and f"{name.base}_ef" in chains.models:
            both = f"{name.base}_ef and, as {name.base} is in_place_of {stood_for}, {stood_for}_ef"
            raise NoChain(model, f"{model} could be added to {both}: remove {name.base}_ef, or in_place_of")
        total = str(ModelName("sum", name.level, method=name.method))
        if total in sums:
            why = f"{sums[total]} and {model} both lead to {name.level}: their sums would both be {total}"
            raise NoChain(model, f"{why}; keep one here, and the other in a campaign of its own, which computes nothing twice")
        sums[total] = model
