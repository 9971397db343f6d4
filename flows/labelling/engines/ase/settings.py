"""Any ASE calculator as an engine: EMT, MACE, Quantum ESPRESSO, CP2K, ..."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from flows.failure import CalculationFailed
from flows.labelling.engines.ase.elements import known_elements
from flows.labelling.engines.given_files import GivenFile, argument, enclosing, given_files, root, with_files
from flows.labelling.engines.protocol import Computed, EngineSettings, failure
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


class ASESettings(EngineSettings):
    """A calculator by its import path, `module:Class` or `module.Class`, made with `arguments`.

    `stands_for` says which levels its energies are, and whether its forces are used. A calculator that writes
    files does so in a directory of its own that is removed afterwards.

    `files` says of arguments (`model`, `input.folders[0]`) that name a file or a folder what of it decides numbers: its
    `content`, or nothing but its `path`. In a resolved campaign the former are `GivenFile`s.

    `command` is how its program is started, for calculators that take it (as Vasp); unlike `arguments` it decides no number.
    """

    names_files_in: ClassVar[str | None] = "arguments"
    kind: Literal["ase"] = "ase"
    calculator: str
    arguments: dict[str, Any] = Field(default={})
    files: dict[str, Literal["content", "path"]] = Field(default={})
    stands_for: dict[str, bool] = Field(default={"dft": True}, min_length=1)
    command: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_command(self) -> Self:
        if self.command is not None and "command" in self.arguments:
            raise ValueError("command is given twice: take it from arguments, where it would be part of the keys of labels")
        return self

    @field_validator("calculator")
    @classmethod
    def _with_colon(cls, path: str) -> str:
        module, _, name = path.strip().rpartition(":" if ":" in path else ".")
        if not all(part.isidentifier() for part in [*module.split("."), name]):
            raise ValueError(
                f"no import path of a class: {path!r}; write module:Class, as ase.calculators.emt:EMT"
            )
        return f"{module}:{name}"

    def text(self, level: str) -> str:  # noqa: ARG002 - it is the same calculator for all
        """`ase.calculators.emt:EMT with {"asap_cutoff": true}`."""
        arguments = json.dumps(with_files(self.arguments, GivenFile.text), ensure_ascii=False) if self.arguments else ""
        return f"{self.calculator}{f' with {arguments}' if arguments else ''}"

    def levels(self) -> dict[str, bool]:
        return dict(self.stands_for)

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        asked = {level: forces for level, forces in wanted.items() if self._has(level, forces)}
        if asked:
            yield from self._one_for_all(atoms, asked)
        for level in wanted.keys() - asked.keys():
            message = f"{self.calculator} has no {level!r}, or no forces of it"
            yield level, failure("bad-input", message, f"stands_for says {self.stands_for}", level)

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        """Of ASE's own calculators alone: others may be installed only where labels are computed, or take long to import."""
        if self.calculator.split(".")[0] != "ase":
            return ()
        module, name = self.calculator.split(":")
        try:
            made = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            return (("calculator", f"no calculator {self.calculator}: {error}"),)
        if not callable(made):
            return (("calculator", f"{self.calculator} is no class; write module:Class, as ase.calculators.emt:EMT"),)
        known = getattr(made, "implemented_properties", ())
        if known and "energy" not in known:
            return (("calculator", f"{self.calculator} computes no energy; it has {', '.join(known)}"),)
        if known and "forces" not in known and any(levels.values()):
            return (("calculator", f"{self.calculator} has no forces; it has {', '.join(known)}"),)
        elements = known_elements(self.calculator, self.arguments)
        strangers = sorted(set(atoms.symbols) - set(elements or atoms.symbols))
        if strangers:
            return (("calculator", f"{self.calculator} does not know {', '.join(strangers)}; it knows {', '.join(elements or ())}"),)
        return ()

    def versions(self) -> dict[str, str]:
        package = self.calculator.split(".")[0].split(":")[0]
        distributions = {"ase", *packages_distributions().get(package, ())}
        return {name: version(name) for name in sorted(distributions)}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """The calculator and its arguments, of files what they hold; what else it stands for changes nothing."""
        arguments = with_files(self.model_dump(mode="json")["arguments"], GivenFile.identity)
        asked = {"calculator": self.calculator, "arguments": arguments}
        return {"kind": self.kind, **asked, "level": level, "forces": forces}

    def given_files(self) -> tuple[tuple[str, GivenFile], ...]:
        return tuple((argument(place), one) for place, one in given_files(self.arguments))

    def said_of_files(self) -> dict[str, str]:
        return dict(self.files)

    def by_path(self) -> ASESettings | None:
        if not self.given_files():
            return None
        return self.model_copy(update={"arguments": with_files(self.arguments, lambda one: one.path), "files": {}})

    @property
    def by_content_alone(self) -> bool:
        return any("content" in (self.files.get(part) for part in enclosing(name)) for name, _ in self.given_files())

    def _has(self, level: str, forces: bool) -> bool:
        return level in self.stands_for and (self.stands_for[level] or not forces)

    def _one_for_all(
        self, atoms: Atoms, wanted: Mapping[str, bool]
    ) -> Iterator[tuple[str, Computed | Failure]]:
        """One calculation, whose numbers are those of all levels that it stands for."""
        started = time.perf_counter()
        try:
            energy, forces = self._calculated(atoms, any(wanted.values()))
        except CalculationFailed as error:
            for level in wanted:
                yield level, error.failure.model_copy(update={"level": level})
            return
        seconds = time.perf_counter() - started
        for level, with_forces in wanted.items():
            yield level, Computed(energy, forces if with_forces else None, wall_time_s=seconds)

    def _calculated(self, atoms: Atoms, forces: bool) -> tuple[float, Any]:
        arguments = with_files(self.arguments, lambda one: str(_copy(one)))
        arguments |= {} if self.command is None else {"command": self.command}
        calculator = _calculator(self.calculator, json.dumps(arguments, sort_keys=True))
        with tempfile.TemporaryDirectory(prefix="ase-") as directory:
            if hasattr(calculator, "directory"):
                calculator.directory = directory
            found = atoms.copy()
            found.calc = calculator
            energy = float(found.get_potential_energy())
            return energy, found.get_forces() if forces else None


def _copy(given: GivenFile) -> Path:
    if not given.here.exists():
        message = f"there is no copy of {given.text()} in {root()}, and it was put there before the job began"
        raise CalculationFailed(failure("bad-input", message, "retry, and leave that folder alone while jobs run"))
    return given.here


@lru_cache(maxsize=1)
def _calculator(path: str, arguments: str) -> BaseCalculator:
    """Made once for many structures: a network takes seconds to load.

    Raises:
        CalculationFailed: `bad-input`: it cannot be imported, or does not take the arguments.
    """
    module, name = path.split(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        advice = "correct the path (module:Class), or install the package where the labels are computed"
        raise CalculationFailed(failure("bad-input", f"no calculator {path}: {error}", advice)) from error
    try:
        return made(**json.loads(arguments))
    except (TypeError, ValueError) as error:
        message = f"{path} does not take {arguments}: {error}"
        raise CalculationFailed(failure("bad-input", message, "correct the arguments")) from error
