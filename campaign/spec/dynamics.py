"""Long MD as a spec asks for it: which models, seeds and sizes, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from campaign.spec.errors import nearest
from campaign.spec.located import MayBeEmpty, TextList, located
from flows.dynamics.settings import DynamicsSettings, VibrationSettings, check_resolution
from flows.training.names import ModelName

if TYPE_CHECKING:
    from collections.abc import Sequence


def _fits(spec: DynamicsSpec) -> DynamicsSpec:
    check_resolution(spec, spec.vibrations)
    return spec


class DynamicsSpec(DynamicsSettings):
    """MD of each of `models` (`dft_ef`, `delta_ccsd(t)`, ...), `seeds` and `sizes`; the rest is how."""

    models: Annotated[tuple[str, ...], TextList] = Field(min_length=1)
    seeds: tuple[int, ...] | None = None  # None: all that are trained
    sizes: Annotated[tuple[str, ...], TextList] = ("full",)
    vibrations: Annotated[VibrationSettings, MayBeEmpty] = VibrationSettings()

    def settings(self) -> DynamicsSettings:
        """How the MD runs."""
        return DynamicsSettings(**{name: getattr(self, name) for name in DynamicsSettings.model_fields})

    def wants(self, model: str, seed: int | None, size: str) -> bool:
        """Whether MD is asked of this model."""
        return model in self.models and size in self.sizes and (self.seeds is None or seed in self.seeds)

    def check(self, models: Sequence[str], seeds: Sequence[int], sizes: Sequence[str]) -> None:
        """That the campaign trains what MD is asked of.

        Raises:
            PydanticCustomError: it does not; seen from `dynamics`.
        """
        _each_known("models", self.models, potentials(models))
        _each_known("seeds", self.seeds or (), seeds)
        _each_known("sizes", self.sizes, sizes)


Dynamics = Annotated[DynamicsSpec, AfterValidator(_fits)]


def potentials(models: Sequence[str]) -> list[str]:
    """The models with which a crystal can move: those of a level, and the sums that differences make."""
    names = [ModelName.parse(model) for model in models]
    return [str(ModelName("sum", name.level, method=name.method) if name.base is not None else name) for name in names]


def _each_known(key: str, asked: Sequence[Any], known: Sequence[Any]) -> None:
    for value in asked:
        if value not in known:
            advice = nearest(str(value), [str(one) for one in known])
            raise located(("dynamics", key), f"{value!r} is not trained by this campaign; {advice}")
