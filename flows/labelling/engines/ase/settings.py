"""Any ASE calculator as an engine: EMT, MACE, Quantum ESPRESSO, CP2K, ..."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flows.failure import CalculationFailed
from flows.labelling.engines.ase.elements import known_elements
from flows.labelling.engines.imported import ImportedSettings, import_path, imported
from flows.labelling.engines.protocol import Computed, failure

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


class ASESettings(ImportedSettings):
    """A calculator by its import path, `module:Class` or `module.Class`, made with `arguments`.

    A calculator that writes files does so in a directory of its own that is removed afterwards.

    `command` is how its program is started, for calculators that take it (as Vasp); unlike `arguments` it decides no number.
    """

    named_in: ClassVar[str] = "calculator"
    framework: ClassVar[str] = "ase"
    kind: Literal["ase"] = "ase"
    calculator: Annotated[str, AfterValidator(import_path("ase.calculators.emt:EMT"))]
    command: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_command(self) -> Self:
        if self.command is not None and "command" in self.arguments:
            raise ValueError("command is given twice: take it from arguments, where it would be part of the keys of labels")
        return self

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
        """Of ASE's own calculators alone: others may be installed only where labels are computed, or take long to import."""
        if self.calculator.split(".")[0] != "ase":
            return ()
        try:
            made = imported(self.calculator)
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

    def calculated(self, atoms: Atoms, forces: bool) -> Computed:
        arguments = self.arguments_here()
        arguments |= {} if self.command is None else {"command": self.command}
        calculator = _calculator(self.calculator, json.dumps(arguments, sort_keys=True))
        with tempfile.TemporaryDirectory(prefix="ase-") as directory:
            if hasattr(calculator, "directory"):
                calculator.directory = directory
            found = atoms.copy()
            found.calc = calculator
            energy = float(found.get_potential_energy())
            return Computed(energy, found.get_forces() if forces else None)


@lru_cache(maxsize=1)
def _calculator(path: str, arguments: str) -> BaseCalculator:
    """Made once for many structures: a network takes seconds to load.

    Raises:
        CalculationFailed: `bad-input`: it cannot be imported, or does not take the arguments.
    """
    try:
        made = imported(path)
    except (ImportError, AttributeError) as error:
        advice = "correct the path (module:Class), or install the package where the labels are computed"
        raise CalculationFailed(failure("bad-input", f"no calculator {path}: {error}", advice)) from error
    try:
        found: BaseCalculator = made(**json.loads(arguments))
    except (TypeError, ValueError) as error:
        message = f"{path} does not take {arguments}: {error}"
        raise CalculationFailed(failure("bad-input", message, "correct the arguments")) from error
    return found
