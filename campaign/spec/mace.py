"""MACE settings as a spec gives them: a preset, what differs from it, and what differs for one kind of model."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast

from pydantic import SerializerFunctionWrapHandler, create_model, field_validator, model_serializer

from flows.settings import Settings
from flows.training.names import Kind
from flows.training.settings import TrainingSettings

PRESETS: dict[str, dict[str, Any]] = {
    # MACE's own default: the paper gives r_max, seeds and epochs, no architecture
    "paper": {"hidden_irreps": "128x0e + 128x1o", "max_ell": 3, "correlation": 3, "radial_mlp": (64, 64, 64)},
    "small": {"hidden_irreps": "8x0e + 8x1o", "max_ell": 2, "correlation": 2, "radial_mlp": (32, 32)},
}

# the keys of a spec for the kinds of models
KINDS: dict[Kind, str] = {"ef": "forces", "e": "energy_only", "difference": "difference"}

# at gamma 0.93 the learning rate of a difference freezes while the model is still a straight line in E_DFT
KIND_DEFAULTS: dict[Kind, dict[str, Any]] = {"difference": {"max_epochs": 300, "gamma": 0.988}}


class _Checked(Settings):
    @field_validator("hidden_irreps", "mlp_irreps", check_fields=False)
    @classmethod
    def _irreps(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+x\d+[eo](\s*\+\s*\d+x\d+[eo])*", value):
            raise ValueError(f"{value!r} are no irreps; write them as 128x0e + 128x1o")
        return value


def _optional_fields() -> dict[str, Any]:
    fields = {}
    for name, field in TrainingSettings.model_fields.items():
        kind: Any = field.annotation
        for constraint in field.metadata:
            kind = Annotated[kind, constraint]
        fields[name] = (kind | None, None)
    return fields


class _Given(_Checked):
    """The fields of TrainingSettings, each of them optional, are added below."""

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}

    def given(self) -> dict[str, Any]:
        """The training settings that were given."""
        return {
            name: value
            for name in TrainingSettings.model_fields
            if (value := getattr(self, name)) is not None
        }


MaceFields = cast("type[_Given]", create_model("MaceFields", __base__=_Given, **_optional_fields()))


class MaceSpec(MaceFields):  # type: ignore[valid-type,misc]
    """`preset`, any field of TrainingSettings, and the same fields again for one kind of model."""

    preset: Literal["paper", "small"] | None = None
    forces: MaceFields | None = None  # type: ignore[valid-type]
    energy_only: MaceFields | None = None  # type: ignore[valid-type]
    difference: MaceFields | None = None  # type: ignore[valid-type]

    def layers(self, kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is given for all models, and what for models of `kind`."""
        special = getattr(self, KINDS[kind])
        return self.given(), special.given() if special is not None else {}


def training_settings(kind: Kind, campaign: MaceSpec, system: MaceSpec) -> TrainingSettings:
    """Settings for models of `kind`, what comes later wins.

    Defaults, defaults of the kind, preset (the system's, if it names one), then the campaign's keys, the
    campaign's for the kind, the system's, the system's for the kind.
    """
    merged = {**KIND_DEFAULTS.get(kind, {}), **PRESETS[system.preset or campaign.preset or "paper"]}
    for layer in (*campaign.layers(kind), *system.layers(kind)):
        merged.update(layer)
    return TrainingSettings(**merged)
