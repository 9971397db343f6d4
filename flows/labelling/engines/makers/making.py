"""The maker that settings name: imported, made with its arguments, and asked whether it takes a structure."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from flows.labelling.engines.imported import imported


class UnfitMakerError(Exception):
    """A `setting` that makes no maker, and why; `elsewhere`: it may where another package is installed."""

    def __init__(self, setting: str, why: str, *, elsewhere: bool = False) -> None:
        super().__init__(why)
        self.setting, self.why, self.elsewhere = setting, why, elsewhere


def maker_of(path: str, arguments: Mapping[str, Any]) -> Any:
    """What `module:Class` makes of the arguments; those that are objects in JSON (`@module`, `@class`) are made before.

    Importing one of atomate2 takes seconds.

    Raises:
        UnfitMakerError: it cannot be imported, does not take the arguments, or has no `make` of a structure.
    """
    made = _called(path, class_of(path), {name: _decoded(value, name) for name, value in arguments.items()})
    make = getattr(made, "make", None)
    if not callable(make):
        raise UnfitMakerError("maker", f"{path} has no make: it is no maker of jobs")
    _refuse_more_than_a_structure(path, make)
    return made


def class_of(path: str) -> Any:
    """What `module:Class` names. Raises: UnfitMakerError: it cannot be imported, or cannot be called."""
    try:
        found = imported(path)
    except ModuleNotFoundError as error:
        module = path.split(":")[0]
        misspelt = (error.name or "").startswith(f"{module.split('.')[0]}.")
        raise UnfitMakerError("maker", f"no maker {path}: {error}", elsewhere=not misspelt) from error
    except Exception as error:  # whatever a module does when it is imported
        raise UnfitMakerError("maker", f"no maker {path}: {_said(error)}") from error
    if not callable(found):
        raise UnfitMakerError("maker", f"{path} is no class; write module:Class, as atomate2.cp2k.jobs.core:StaticMaker")
    return found


def _called(path: str, found: Any, arguments: Mapping[str, Any]) -> Any:
    try:
        return found(**arguments)
    except Exception as error:  # a maker judges its arguments as it likes
        raise UnfitMakerError("arguments", f"{path} does not take them: {_said(error)}; {_taken(found)}") from error


def _taken(found: Any) -> str:
    try:
        return f"it takes {', '.join(inspect.signature(found).parameters) or 'none'}"
    except (TypeError, ValueError):
        return "see its documentation"


def _refuse_more_than_a_structure(path: str, make: Any) -> None:
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(object())
    except TypeError as error:
        raise UnfitMakerError("maker", f"make of {path} takes {signature}, and is given a structure alone") from error


def _decoded(value: Any, place: str) -> Any:
    """Objects instead of `{"@module": ..., "@class": ...}`, at any depth; others, as `@callable`, are the maker's to read."""
    if isinstance(value, list):
        return [_decoded(one, f"{place}[{index}]") for index, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if not {"@module", "@class"} <= value.keys():
        return {name: _decoded(one, f"{place}.{name}") for name, one in value.items()}
    from monty.json import MontyDecoder

    about = f"{value['@module']}:{value['@class']}"
    try:
        made = MontyDecoder().process_decoded(value)
    except Exception as error:  # a class judges its arguments as it likes
        raise UnfitMakerError(f"arguments.{place}", f"{about} cannot be made of it: {_said(error)}") from error
    if isinstance(made, dict):
        raise UnfitMakerError(f"arguments.{place}", f"{about} cannot be made: it is not found, or is not made of JSON")
    return made


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
