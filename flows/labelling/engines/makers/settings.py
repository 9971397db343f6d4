"""Any maker of atomate2 or jobflow as an engine: CP2K, FHI-aims, force fields, flows of several jobs, ..."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flows.failure import CalculationFailed
from flows.labelling.engines.given_files import with_files
from flows.labelling.engines.imported import ImportedSettings, import_path
from flows.labelling.engines.makers.making import UnfitMakerError, class_of, maker_of
from flows.labelling.engines.moving import Stretch
from flows.labelling.engines.program import not_here
from flows.labelling.engines.protocol import STAGE, Computed

if TYPE_CHECKING:
    from ase import Atoms

_failed = partial(CalculationFailed.of, STAGE)
_THERE = "have it where labels are computed"
_OTHERWISE = "put them into arguments, where keys know them, and take them out of atomate2's configuration there"


class MakerSettings(ImportedSettings):
    """A maker by its import path, `module:Class` or `module.Class`, made with `arguments`; objects among them are JSON
    with `@module` and `@class`.

    Its job or flow runs inside of the job of labels, one structure after another, in a directory of its own that is removed
    afterwards. The label is what the last job delivers.

    `run_arguments` are further arguments, which say how its programs are started and decide no number. `programs` are what has to be on the
    PATH. Neither they nor `scratch`, where the directory is made, are in a key.
    """

    named_in: ClassVar[str] = "maker"
    framework: ClassVar[str] = "atomate2"
    kind: Literal["atomate2"] = "atomate2"
    maker: Annotated[str, AfterValidator(import_path("atomate2.cp2k.jobs.core:StaticMaker"))]
    run_arguments: dict[str, Any] = Field(default={})
    programs: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    scratch: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if twice := sorted(self.arguments.keys() & self.run_arguments.keys()):
            raise ValueError(f"{', '.join(twice)}: given in arguments and in run_arguments; what decides numbers belongs to arguments")
        return self

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """To import a maker of atomate2 takes seconds, once; no program is run."""
        try:
            self._made(self.arguments)
        except UnfitMakerError as error:
            return () if error.elsewhere else ((error.setting, error.why),)
        return ()

    def lacking(self, levels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        found = []
        if missing := not_here(self.programs):
            found.append(("programs", f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not on this machine; {_THERE}"))
        try:
            class_of(self.maker)
        except UnfitMakerError as error:
            found += [(error.setting, f"{error.why}; {_THERE}")] if error.elsewhere else []
        return tuple(found)

    def input_files(self, atoms: Atoms, levels: Collection[str], stretch: Stretch | None = None) -> dict[str, str]:  # noqa: ARG002
        from flows.labelling.engines.makers.inputs import input_files

        try:
            return input_files(self._made(with_files(self.arguments, lambda one: str(one.here))), atoms)
        except UnfitMakerError:
            return {}

    def calculated(self, atoms: Atoms, forces: bool) -> Computed:
        from flows.labelling.engines.makers import document
        from flows.labelling.engines.makers.flow import JobFailedError, UnconvergedError, delivered

        if missing := not_here(self.programs):
            raise _failed("no-program", f"there is no {', '.join(missing)} where labels are computed", "have it on the PATH there")
        try:
            maker = self._made(self.arguments_here())
            _refuse_what_no_key_knows()
            with tempfile.TemporaryDirectory(prefix="atomate2-", dir=self.scratch) as directory:
                found = document.read(delivered(maker, atoms, Path(directory)), atoms, forces)
        except UnfitMakerError as error:
            raise _failed("bad-input", f"{error.setting}: {error.why}", "correct the settings, or install what lacks where labels are computed") from error
        except JobFailedError as error:
            raise _failed("crashed", f"{self.maker}: {error}", "see its message; retry, or leave the structure out") from error
        except UnconvergedError as error:
            raise _failed("unconverged", f"{self.maker}: {error}", "see what its input set says of cycles and mixing") from error
        except ValueError as error:
            raise _failed("garbage", f"{self.maker}: {error}", "take a maker of single-point calculations, whose task document has them") from error
        return Computed(found.energy_eV, found.forces_eV_A, versions=found.versions)

    def _made(self, arguments: Mapping[str, Any]) -> Any:
        """The maker, anew each time: some keep what they were told of one structure for the next."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return maker_of(self.maker, {**arguments, **self.run_arguments})


def _refuse_what_no_key_knows() -> None:
    """That this machine's configuration of atomate2 (`~/.atomate2.yaml`, `ATOMATE2_...`) changes input files.

    Raises:
        CalculationFailed: `bad-input`.
    """
    from atomate2 import SETTINGS

    said = [f"{name} = {value}" for name, value in SETTINGS.model_dump().items() if name.endswith("_UPDATES") and value]
    if said:
        raise _failed("bad-input", f"atomate2 is configured to change input files here: {', '.join(said)}", _OTHERWISE)
