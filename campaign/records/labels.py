"""The labels of a campaign: published files are read once, on the side of the user, and become records.

Each label is a record under the uuid of its key, and the label set of a system under that of its own. The set
is stored last: where it exists, its labels do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from flows.labelling.label_set import label_set_key, read_label_set
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import Label, LabelSet, Structure
from launchers.farm import Farm

Content = Callable[[PublishedFile], bytes]


def from_disk(files: Mapping[str, Path]) -> Content:
    """The content of data files that lie on this machine, by sha256."""
    return lambda file: files[file.sha256].read_bytes()


def from_farm(farm: Farm) -> Content:
    """The content of data files that were kept in the database, for any node."""
    return lambda file: farm.read_file(file.sha256)


def read_all(spec: ResolvedSpec, content: Content) -> dict[str, tuple[LabelSet, dict[str, Label]]]:
    """The labels of every system that has any, read from its files.

    Raises:
        LabelError: those of a base level cannot be used; the message says what and where.
    """
    return {system: _read(spec, system, content) for system in spec.systems if _files(spec, system)}


def stored(farm: Farm, spec: ResolvedSpec) -> dict[str, LabelSet]:
    """The label sets that the database has."""
    keys = {system: _key(spec, system) for system in spec.systems if _files(spec, system)}
    records = farm.records(job_uuid(key) for key in keys.values())
    return {
        system: LabelSet.model_validate(records[job_uuid(key)])
        for system, key in keys.items()
        if job_uuid(key) in records
    }


def ensure(farm: Farm, spec: ResolvedSpec, content: Content) -> dict[str, LabelSet]:
    """The label sets of all systems; those that the database lacks are read and stored, each label once."""
    known = stored(farm, spec)
    for system in spec.systems:
        if system not in known and _files(spec, system):
            label_set, labels = _read(spec, system, content)
            documents = {job_uuid(key): label.model_dump(mode="json") for key, label in labels.items()}
            farm.store_records(documents, "label")
            farm.store_records({job_uuid(label_set.key): label_set.model_dump(mode="json")}, "label set")
            known[system] = label_set
    return known


def structures(farm: Farm, spec: ResolvedSpec, sets: Mapping[str, LabelSet]) -> dict[str, dict[str, Structure]]:
    """The structures of the published labels of those systems that ask engines for more, by structure key."""
    found = {}
    for system, one in sets.items():
        if spec.systems[system].labelled_by_engines:
            keys = one.labels[base(spec, system)]
            records = farm.records(map(job_uuid, keys.values()))
            found[system] = {
                structure: Structure.model_validate(records[job_uuid(key)]["structure"]) for structure, key in keys.items()
            }
    return found


def structures_of(one: LabelSet, by_key: Mapping[str, Label], base_level: str) -> dict[str, Structure]:
    """The structures of a label set that was just read, by structure key."""
    return {structure: by_key[key].structure for structure, key in one.labels[base_level].items()}


def _files(spec: ResolvedSpec, system: str) -> list[PublishedFile]:
    return [file for level in spec.systems[system].levels.values() for file in level.files]


def _expectations(spec: ResolvedSpec, system: str) -> Expectations:
    cell = spec.systems[system].training
    composition: dict[str, int] = {}
    for symbol in cell.symbols:
        composition[symbol] = composition.get(symbol, 0) + 1
    return Expectations(composition=composition, cell=cell.cell)


def base(spec: ResolvedSpec, system: str) -> str:
    """The level to which the others are matched and compared: `dft`, or else the first that has forces."""
    every = spec.systems[system].levels
    levels = {name: level for name, level in every.items() if level.files} or every
    return "dft" if "dft" in levels else next((name for name in levels if levels[name].forces), next(iter(levels)))


def _key(spec: ResolvedSpec, system: str) -> str:
    return label_set_key(
        _files(spec, system), _expectations(spec, system), spec.matching, base(spec, system)
    )


def _read(spec: ResolvedSpec, system: str, content: Content) -> tuple[LabelSet, dict[str, Label]]:
    files = [(file, content(file)) for file in _files(spec, system)]
    return read_label_set(system, files, _expectations(spec, system), spec.matching, base(spec, system))
