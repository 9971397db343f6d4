"""The input files of a maker that can be asked for them without running anything."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.labelling.engines.makers.flow import structure_of

if TYPE_CHECKING:
    from ase import Atoms


def input_files(maker: Any, atoms: Atoms) -> dict[str, str]:
    """Texts by name, of POTCARs names and digests alone; nothing where it has no input set of its own, or that lacks something here."""
    ask = getattr(getattr(maker, "input_set_generator", None), "get_input_set", None)
    if ask is None:
        return {}
    spec = {"potcar_spec": True} if "potcar_spec" in inspect.signature(ask).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = ask(structure_of(atoms), **spec)
        except Exception:  # as of potentials that are only where labels are computed: what it says there is said there
            return {}
    return {name: str(text) for name, text in _files(found).items() if text is not None}


def _files(found: Any) -> Mapping[str, Any]:
    """Of an input set: atomate2's of CP2K is none that pymatgen's class can read."""
    said = vars(found)
    if "cp2k_input" in said:
        others = {one["filename"]: one["object"] for one in said["optional_files"].values()}
        return {"cp2k.inp": said["cp2k_input"], **others}
    inputs: Mapping[str, Any] = said.get("inputs", {})
    return inputs
