"""A MACE model as its architecture in JSON and its weights as plain arrays: what outlives the classes that a pickle names.

Files of MACE 0.3 are pickles. These two are read without one, and by anybody: a JSON text, and the arrays of numpy's `.npz`.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

ARCHITECTURE, WEIGHTS = ".architecture.json", ".weights.npz"
_FORMAT = "mace-architecture"
_CLASSES = ("interaction_cls", "interaction_cls_first")
_IRREPS = ("hidden_irreps", "MLP_irreps")
# as MACE calls them, of a ScaleShiftMACE; what else it can be told has the value that MACE gives it
_NUMBERS = ("r_max", "num_bessel", "num_polynomial_cutoff", "max_ell", "num_interactions", "num_elements", "correlation", "avg_num_neighbors")
_LISTS = ("atomic_numbers", "atomic_energies", "atomic_inter_scale", "atomic_inter_shift", "radial_MLP", "heads")
_OTHERS = ("use_reduced_cg", "radial_type", "pair_repulsion", "distance_transform")


@dataclass(frozen=True)
class PlainModel:
    """`architecture` is JSON, `weights` an `.npz` without objects: every parameter and buffer under MACE's own name."""

    architecture: bytes
    weights: bytes

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Of a `.model` file.

        Raises:
            ValueError: it is no ScaleShiftMACE, or has parts that this form does not know.
        """
        import mace.modules  # noqa: F401  first: unpickling needs it, and it must come before e3nn
        import torch

        model = torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)
        found = cls(json.dumps(_described(model), indent=1).encode(), _arrays(model.state_dict()))
        found.module()  # or it is not worth writing
        return found

    @classmethod
    def read(cls, path: Path) -> Self:
        """Of `NAME.architecture.json`, with `NAME.weights.npz` beside it."""
        return cls(path.read_bytes(), path.with_name(path.name.removesuffix(ARCHITECTURE) + WEIGHTS).read_bytes())

    def module(self) -> Any:
        """The model as a torch module, on the CPU, in the precision of its weights.

        Raises:
            ValueError: the two do not go together, or are of something else.
        """
        import torch

        from flows.training.architecture import default_dtype

        with np.load(io.BytesIO(self.weights), allow_pickle=False) as arrays:
            state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        said = json.loads(self.architecture)
        if said.get("format") != _FORMAT or said.get("version") != 1:
            raise ValueError(f"no architecture of a MACE model that is known here: format {said.get('format')}, version {said.get('version')}")
        with default_dtype(said["dtype"]):
            model = _built(said["ScaleShiftMACE"])
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"the weights are not those of this architecture: {error}") from None
        return model


def _described(model: Any) -> dict[str, Any]:
    from mace.tools.scripts_utils import extract_config_mace_model

    if type(model).__name__ != "ScaleShiftMACE":
        raise ValueError(f"a {type(model).__name__} is no ScaleShiftMACE: its architecture cannot be told in JSON")
    config = extract_config_mace_model(model)
    said = {name: config[name] for name in (*_NUMBERS, *_OTHERS)}
    said |= {name: _plain(config[name]) for name in _LISTS}
    said |= {name: str(config[name]) for name in _IRREPS}
    said |= {name: config[name].__name__ for name in _CLASSES}
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    return {"format": _FORMAT, "version": 1, "dtype": dtype, "ScaleShiftMACE": {**said, "gate": _gate(config["gate"])}}


def _built(said: dict[str, Any]) -> Any:
    from mace import modules  # before e3nn

    # isort: split
    from e3nn import o3

    classes = {name: modules.interaction_classes[said[name]] for name in _CLASSES}
    irreps = {name: o3.Irreps(said[name]) for name in _IRREPS}
    arrays = {name: np.array(said[name]) for name in ("atomic_energies", "atomic_inter_scale", "atomic_inter_shift")}
    return modules.ScaleShiftMACE(**{**said, **classes, **irreps, **arrays, "gate": modules.gate_dict[said["gate"]]})


def _gate(function: Any) -> str:
    from mace import modules

    for name, known in modules.gate_dict.items():
        if known is function:
            return str(name)
    raise ValueError(f"a gate that MACE has no name for: {function}")


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else list(value)


def _arrays(state: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value.detach().numpy() for name, value in state.items()})
    return buffer.getvalue()
