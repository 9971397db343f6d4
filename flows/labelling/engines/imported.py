"""What a campaign names by its import path, with its arguments: one calculation, for all levels that it stands for."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from flows.failure import CalculationFailed
from flows.labelling.engines.given_files import GivenFile, argument, enclosing, given_files, root, with_files
from flows.labelling.engines.protocol import Computed, EngineSettings, failure
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms


def import_path(example: str) -> Callable[[str], str]:
    """A validator of `module:Class` or `module.Class`, which returns the former; it says the `example` where that is none."""

    def with_colon(path: str) -> str:
        module, _, name = path.strip().rpartition(":" if ":" in path else ".")
        if not all(part.isidentifier() for part in [*module.split("."), name]):
            raise ValueError(f"no import path of a class: {path!r}; write module:Class, as {example}")
        return f"{module}:{name}"

    return with_colon


def imported(path: str) -> Any:
    """What `module:Class` names. Raises: ImportError, AttributeError."""
    module, name = path.split(":")
    return getattr(import_module(module), name)


class ImportedSettings(EngineSettings):
    """Something by its import path, which a subclass has in the setting `named_in`, made with `arguments`.

    `stands_for` says which levels its energies are, and whether its forces are used.

    `files` says of arguments (`model`, `input.folders[0]`) that name a file or a folder what of it decides numbers: its
    `content`, or nothing but its `path`. In a resolved campaign the former are `GivenFile`s.
    """

    names_files_in: ClassVar[str | None] = "arguments"
    named_in: ClassVar[str]
    framework: ClassVar[str]  # the distribution that every label depends on
    arguments: dict[str, Any] = Field(default={})
    files: dict[str, Literal["content", "path"]] = Field(default={})
    stands_for: dict[str, bool] = Field(default={"dft": True}, min_length=1)

    @abstractmethod
    def calculated(self, atoms: Atoms, forces: bool) -> Computed:
        """What it finds for one structure. Raises: CalculationFailed."""

    @property
    def path(self) -> str:
        """`module:Class`."""
        found: str = getattr(self, self.named_in)
        return found

    def text(self, level: str) -> str:  # noqa: ARG002 - it is the same for all
        """`ase.calculators.emt:EMT with {"asap_cutoff": true}`."""
        arguments = json.dumps(with_files(self.arguments, GivenFile.text), ensure_ascii=False) if self.arguments else ""
        return f"{self.path}{f' with {arguments}' if arguments else ''}"

    def levels(self) -> dict[str, bool]:
        return dict(self.stands_for)

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        asked = {level: forces for level, forces in wanted.items() if self._has(level, forces)}
        if asked:
            yield from self._one_for_all(atoms, asked)
        for level in wanted.keys() - asked.keys():
            message = f"{self.path} has no {level!r}, or no forces of it"
            yield level, failure("bad-input", message, f"stands_for says {self.stands_for}", level)

    def versions(self) -> dict[str, str]:
        package = self.path.split(":")[0].split(".")[0]
        distributions = {self.framework, *packages_distributions().get(package, ())}
        return {name: version(name) for name in sorted(distributions)}

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """The path and the arguments, of files what they hold; what else it stands for changes nothing."""
        arguments = with_files(self.model_dump(mode="json")["arguments"], GivenFile.identity)
        return {"kind": self.kind, self.named_in: self.path, "arguments": arguments, "level": level, "forces": forces}

    def given_files(self) -> tuple[tuple[str, GivenFile], ...]:
        return tuple((argument(place), one) for place, one in given_files(self.arguments))

    def said_of_files(self) -> dict[str, str]:
        return dict(self.files)

    def by_path(self) -> Self | None:
        if not self.given_files():
            return None
        return self.model_copy(update={"arguments": with_files(self.arguments, lambda one: one.path), "files": {}})

    @property
    def by_content_alone(self) -> bool:
        return any("content" in (self.files.get(part) for part in enclosing(name)) for name, _ in self.given_files())

    def arguments_here(self) -> dict[str, Any]:
        """With the paths of the copies of files on this machine. Raises: CalculationFailed: `bad-input`: one is gone."""
        found: dict[str, Any] = with_files(self.arguments, lambda one: str(_copy(one)))
        return found

    def _has(self, level: str, forces: bool) -> bool:
        return level in self.stands_for and (self.stands_for[level] or not forces)

    def _one_for_all(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        started = time.perf_counter()
        try:
            found = self.calculated(atoms, any(wanted.values()))
        except CalculationFailed as error:
            for level in wanted:
                yield level, error.failure.model_copy(update={"level": level})
            return
        seconds = time.perf_counter() - started
        for level, with_forces in wanted.items():
            yield level, replace(found, forces_eV_A=found.forces_eV_A if with_forces else None, wall_time_s=seconds)


def _copy(given: GivenFile) -> Path:
    if not given.here.exists():
        message = f"there is no copy of {given.text()} in {root()}, and it was put there before the job began"
        raise CalculationFailed(failure("bad-input", message, "retry, and leave that folder alone while jobs run"))
    return given.here
