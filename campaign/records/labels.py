"""The labels of a campaign: published files are read once, on the side of the user, and become records.

Each label is a record under the uuid of its key, and the label set of a system under that of its own. The set
is stored last: where it exists, its labels do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from flows.labelling.former_cells import CELLS, was_read_at_another_lattice
from flows.labelling.label_set import label_set_key, read_label_set
from flows.labelling.published.frame import LabelError
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import Label, LabelSet, SetAside, Structure
from flows.strain import lattice_constant
from launchers.farm import Farm

Content = Callable[[str], bytes]  # of a file, by its sha256


def from_disk(files: Mapping[str, Path]) -> Content:
    """The content of data files that lie on this machine, by sha256."""
    return lambda sha256: files[sha256].read_bytes()


def from_farm(farm: Farm) -> Content:
    """The content of data files that were kept in the database, for any node."""
    return farm.read_file


def read_all(spec: ResolvedSpec, content: Content) -> dict[str, tuple[LabelSet, dict[str, Label]]]:
    """The labels of every system that has any, read from its files.

    A system whose base level cannot be used has no labels: its base is set aside as a whole, with the reason.

    Raises:
        LabelError: so it is with all systems that have files, or engines label more of its structures.
    """
    read = _Reading(spec, content)
    found = {system: read.labels(system) for system in spec.systems if _files(spec, system)}
    read.refuse_if_nothing_is_left()
    return found


def stored(farm: Farm, spec: ResolvedSpec) -> dict[str, LabelSet]:
    """The label sets that the database has, and that are of use."""
    return _stored(farm, spec).usable


def stored_or_unusable(farm: Farm, spec: ResolvedSpec) -> dict[str, LabelSet]:
    """As `stored`, and of systems whose files cannot be used, or are read otherwise today, what there is of them now."""
    found = _stored(farm, spec)
    known, read = found.usable, _Reading(spec, from_farm(farm), found.former)
    for system in spec.systems:
        if system not in known and _files(spec, system):
            label_set, labels = read.labels(system)
            known |= {} if labels and system not in found.former else {system: label_set}
    return known


def ensure(farm: Farm, spec: ResolvedSpec, content: Content, *, refuse: bool = False) -> dict[str, LabelSet]:
    """The label sets of all systems; those that the database lacks are read and stored, each label once.

    A set without labels is not stored: the code that reads it may be mended.

    Raises:
        LabelError: as `read_all`; only where `refuse`, since other campaigns go on.
    """
    found = _stored(farm, spec)
    known, read = found.usable, _Reading(spec, content, found.former)
    for system in spec.systems:
        if system not in known and _files(spec, system):
            label_set, labels = read.labels(system)
            if labels:
                documents = {job_uuid(key): label.model_dump(mode="json") for key, label in labels.items()}
                farm.store_records(documents, "label")
                farm.store_records({job_uuid(label_set.key): label_set.model_dump(mode="json")}, "label set")
            known[system] = label_set
    if refuse:
        read.refuse_if_nothing_is_left()
    return known


class _Stored(NamedTuple):
    """The sets of the database: those of use, and the systems whose set is of a rule that does not hold any more."""

    usable: dict[str, LabelSet]
    former: frozenset[str]


def _stored(farm: Farm, spec: ResolvedSpec) -> _Stored:
    systems = [system for system in spec.systems if _files(spec, system)]
    first = _sets(farm, {system: _key(spec, system) for system in systems})
    former = frozenset(system for system, one in first.items() if was_read_at_another_lattice(one))
    again = _sets(farm, {system: _key(spec, system, CELLS) for system in former}) if former else {}
    return _Stored({system: one for system, one in first.items() if system not in former} | again, former)


def _sets(farm: Farm, keys: Mapping[str, str]) -> dict[str, LabelSet]:
    records = farm.records(job_uuid(key) for key in keys.values())
    return {
        system: LabelSet.model_validate(records[job_uuid(key)])
        for system, key in keys.items()
        if job_uuid(key) in records
    }


def structures(farm: Farm, spec: ResolvedSpec, sets: Mapping[str, LabelSet]) -> dict[str, dict[str, Structure]]:
    """The structures of the published labels of those systems that ask engines for more, by structure key."""
    found = {}
    for system, one in sets.items():
        if spec.systems[system].labelled_by_engines:
            keys = one.labels.get(base(spec, system), {})  # none: the files cannot be used
            records = farm.records(map(job_uuid, keys.values()))
            found[system] = {
                structure: Structure.model_validate(records[job_uuid(key)]["structure"]) for structure, key in keys.items()
            }
    return found


def structures_of(one: LabelSet, by_key: Mapping[str, Label], base_level: str) -> dict[str, Structure]:
    """The structures of a label set that was just read, by structure key."""
    return {structure: by_key[key].structure for structure, key in one.labels.get(base_level, {}).items()}


def _files(spec: ResolvedSpec, system: str) -> list[PublishedFile]:
    return [file for level in spec.systems[system].levels.values() for file in level.files]


def _expectations(spec: ResolvedSpec, system: str, cells: int = 1) -> Expectations:
    cell = spec.systems[system].training
    composition: dict[str, int] = {}
    for symbol in cell.symbols:
        composition[symbol] = composition.get(symbol, 0) + 1
    constant = lattice_constant(spec.systems[system].conventional.cell)
    return Expectations(composition=composition, cell=cell.cell, cells=cells, lattice_constant=constant)


def base(spec: ResolvedSpec, system: str) -> str:
    """The level to which the others are matched and compared: `dft`, or else the first that has forces."""
    every = spec.systems[system].levels
    levels = {name: level for name, level in every.items() if level.files} or every
    return "dft" if "dft" in levels else next((name for name in levels if levels[name].forces), next(iter(levels)))


def set_keys(spec: ResolvedSpec) -> list[str]:
    """The keys of the label sets of all files, by the rule of today and by the one of before."""
    return [_key(spec, system, cells) for system in spec.systems if _files(spec, system) for cells in (1, CELLS)]


def _key(spec: ResolvedSpec, system: str, cells: int = 1) -> str:
    expectations = _expectations(spec, system, cells)
    return label_set_key(_files(spec, system), expectations, spec.matching, base(spec, system))


@dataclass
class _Reading:
    """Reads the files of one system after the other; one that cannot be used does not stop the rest.

    `former` are systems whose labels an earlier version read by another rule.
    """

    spec: ResolvedSpec
    content: Content
    former: frozenset[str] = frozenset()
    unusable: dict[str, LabelError] = field(default_factory=dict)

    def labels(self, system: str) -> tuple[LabelSet, dict[str, Label]]:
        files = [(file, self.content(file.sha256)) for file in _files(self.spec, system)]
        beside = {one.sha256: self.content(one.sha256) for file, _ in files for one in file.beside.values()}
        level, cells = base(self.spec, system), CELLS if system in self.former else 1
        try:
            return read_label_set(system, files, _expectations(self.spec, system, cells), self.spec.matching, level, beside)
        except LabelError as error:
            self.unusable[system] = error
            reason = f"the whole level, to which the others are matched: {error}"
            if system in self.former:
                reason += "; an earlier version used them: what it computed with them is stored, and not shown any more"
            aside = SetAside(level=level, reason=reason)
            key = _key(self.spec, system, cells)
            return LabelSet(key=key, system=system, labels={}, forces={}, set_aside=(aside,)), {}

    def refuse_if_nothing_is_left(self) -> None:
        """Raises LabelError."""
        wanted = [system for system in self.spec.systems if _files(self.spec, system)]
        mixed = [system for system in self.unusable if self.spec.systems[system].labelled_by_engines]
        if self.unusable and (mixed or len(self.unusable) == len(wanted)):
            raise LabelError("\n".join(f"{system}: {error}" for system, error in self.unusable.items()))
