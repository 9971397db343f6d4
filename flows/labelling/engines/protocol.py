"""What every engine promises: a structure and levels in; for each level a label's numbers, or a failure, out.

An engine has one of two forms. It calls a library or starts a program itself, as most do; or it is a flow of jobs that somebody else
wrote (`engines.makers`), which is run inside of the job of its label, to its end, by jobflow's local manager. Kills, time limits,
keys, the journal and records are then those of every other engine. It is no workflow of its own in the queue: there each structure would
be one, where a job of labels has many, and a label's record would not be there when its numbers are, but when a further job had
collected them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from flows.labelling.engines.given_files import GivenFile
from flows.labelling.engines.moving import Moved, Stretch
from flows.records import Failure
from flows.resources import Resources
from flows.settings import Settings

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

STAGE = "label"
BORN = "born"
"""Asked for as a level is, and no label: Born charges and dielectric tensor of an insulator, where an engine `finds_born`."""


def failure(kind: str, message: str, advice: str, level: str | None = None) -> Failure:
    """Why an engine has no number: of all that it was asked for, or of one level."""
    return Failure(stage=STAGE, kind=kind, message=message, advice=advice, level=level)


@dataclass(frozen=True)
class Computed:
    """What an engine found for one structure at one level: eV per cell, forces (N, 3) in eV/Å.

    `components_eV` are parts of the energy (`hf`, `mp2`, `ccsd`, `(t)`, ...); `diagnostics` what tells a good
    label from a bad one (`gap_eV`, `cycles`, `t1`, `force_sum_eV_A`, ...). `wall_time_s` counts what this level
    cost on top of those computed before it. `versions` and `files` are of programs and of files that are known only where
    it runs; `remarks` say what was done to come through. `born_charges` (N, 3, 3) in e, rows along the field, and
    `dielectric` (3, 3), Cartesian, are of `BORN` alone.
    """

    energy_eV: float
    forces_eV_A: NDArray | None = None
    components_eV: Mapping[str, float] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    wall_time_s: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    born_charges: NDArray | None = None
    dielectric: NDArray | None = None


class EngineSettings(Settings):
    """The settings of one engine, of which a subclass adds its own. Frozen, plain JSON, part of keys.

    `kind` names the program, and is a literal in each subclass. `time_limit_s` bounds one structure; `resources` are
    what its jobs ask of machines. `names_files_in` is the setting whose texts may name files, `called_by` what
    they were known by before what they hold was.
    """

    names_files_in: ClassVar[str | None] = None
    called_by: ClassVar[str] = "path"
    kind: str
    time_limit_s: float | None = None
    resources: Resources | None = None

    def text(self, level: str) -> str:  # noqa: ARG002 - what others say depends on it
        """What a caption says of it, for the labels of `level`: its kind, where a subclass says no more."""
        return self.kind

    @abstractmethod
    def levels(self) -> Mapping[str, bool]:
        """The levels that it can compute, and whether it has forces at each."""

    @abstractmethod
    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Iterator[tuple[str, Computed | Failure]]:
        """For each level of `wanted` (and whether its forces are), cheapest first: its numbers, or why not.

        A failure of one level does not hide the others. May be slow, crash, hang or return garbage: callers go
        through `flows.labelling.engines.guarded`.
        """

    def moves(self, level: str) -> bool:  # noqa: ARG002
        """Whether its program does MD itself at `level`; else ASE moves the atoms, one structure after another."""
        return False

    def move(self, atoms: Atoms, stretch: Stretch) -> Moved | Failure:  # noqa: ARG002
        """MD by its program from `atoms` with their velocities, whose centre of mass rests; as slow and unsafe as `compute`."""
        return failure("bad-input", f"{self.kind} does no MD itself", "ask for a level that it moves", stretch.level)

    def finds_born(self) -> bool:
        """Whether it computes what `BORN` asks for."""
        return False

    def troubles(self, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """What is known, before anything is computed, to fail for all cells such as `atoms`: for each a key of the
        settings, and what is wrong with its value. Takes milliseconds, runs no program, and may overlook much."""
        return ()

    def lacking(self, levels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:  # noqa: ARG002
        """What it needs for `levels` and this machine has not, as `troubles`: others may compute the labels, and have it."""
        return ()

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Of the packages or programs that decide the numbers."""

    def identity_of(self, level: str, forces: bool) -> dict[str, Any]:
        """The part of the settings that decides the numbers of `level`: what goes into the key of a label.

        Nothing about speed, memory, time or threads. Whether forces are asked for counts where it changes
        the energy.
        """
        settings = {name: value for name, value in self.identity().items() if name not in ("time_limit_s", "resources")}
        return {**settings, "level": level, "forces": forces}

    def given_files(self) -> tuple[tuple[str, GivenFile], ...]:
        """The files that decide its numbers, each with the setting that names it; they travel with its work."""
        return ()

    def said_of_files(self) -> Mapping[str, str]:
        """Of texts in the setting `names_files_in`: whether the `content` or the `path` of what they name decides numbers."""
        return {}

    def for_elements(self, symbols: Collection[str]) -> Self:  # noqa: ARG002
        """Without what is for elements other than `symbols`, where that would be part of keys."""
        return self

    def pinned(self) -> Self:
        """Known by the content of those of its files that are licensed, stay where they are, and are on this machine."""
        return self

    def input_files(self, atoms: Atoms, levels: Collection[str], stretch: Stretch | None = None) -> dict[str, str]:  # noqa: ARG002
        """What its programs would be given for `atoms`, or to move them: texts by path. Runs nothing; of licensed files names and digests alone."""
        return {}

    def by_path(self) -> Self | None:
        """As it is understood where the content of files is no part of keys: by what they are called. None: that is the same."""
        return None

    def told_files(self) -> tuple[tuple[str, str, str], ...]:
        """The files that decide its numbers: the setting that names each, what it is called, and what it holds, for a user."""
        return tuple((name, one.path, one.text()) for name, one in self.given_files())

    def anew(self) -> str:
        """What its user says to have no label of files that are known by what they are called: `files: {model: content} beside the arguments`."""
        say = ", ".join(f"{name if name.isidentifier() else repr(name)}: content" for name, *_ in self.told_files())
        return f"files: {{{say}}} beside the arguments"

    @property
    def by_content_alone(self) -> bool:
        """Whether its user wants no label of files that are known by their paths alone."""
        return False
