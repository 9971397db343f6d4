"""Which labels the engines of a system are to compute: keys that are known before a single one is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from campaign.planning.knowledge import Knowledge
from campaign.planning.rounds import Candidates, Rounds, forecast_model, rounds
from campaign.planning.structure_names import SHORT_KEY, displaced_names, drawn_names, frozen_names
from campaign.spec import ResolvedSpec, ResolvedSystem, SizeError, count
from flows.faults import label_task
from flows.keys import digest
from flows.labelling.computed import computed_label_key
from flows.labelling.sampling.rattles import rattled
from flows.labelling.sampling.subsets import subset
from flows.phonons.direct import displaced_supercells
from flows.phonons.frozen import frozen_structures
from flows.phonons.settings import PhononSettings
from flows.records import Drawn, LabelSet, SetAside, Structure
from flows.training.force_constants.design import order
from flows.training.names import ModelName


@dataclass(frozen=True)
class LabelRequests:
    """The labels that a system asks of its engines, in the order in which they are to be computed.

    `drawn` are the structures to train on, by key; `labels` maps each level to the label keys of its structures.
    `frozen` are the label keys of each level's frozen phonon, one for each displacement, the first at rest; `direct`
    those of the displaced supercells of each level's own phonons.
    `places` says of each label key which structure (its key) and level it is, `structures` has them all, and `names`
    what a person calls them. `rounds` are those of the levels that have a target.
    """

    drawn: dict[str, Drawn]
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    frozen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    direct: dict[str, tuple[str, ...]] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    structures: dict[str, Structure] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, Rounds] = field(default_factory=dict)

    def name(self, structure: str) -> str:
        """What a person calls the structure of this key: of one that is asked for no more, its key."""
        return self.names.get(structure, f"structure {structure[:SHORT_KEY]}")

    def missing(self, known: Knowledge, levels: tuple[str, ...]) -> set[str]:
        """The label keys of `levels` of which nobody knows yet what becomes of them."""
        keys = (key for level in levels for key in self.labels.get(level, {}).values())
        return {key for key in keys if not known.settled(key)}

    def failures(self, known: Knowledge, level: str) -> list[str]:
        """The structures that have no label at `level` because it failed."""
        return [structure for structure, key in self.labels.get(level, {}).items() if key in known.failed]


def label_requests(spec: ResolvedSpec, system: str, known: Knowledge) -> LabelRequests:
    """What `system` asks of its engines; of an MD that has not run yet, nothing."""
    cells = spec.systems[system]
    asked = LabelRequests({one.structure.key(): one for one in _drawn(cells, known, system)})
    asked.names.update(drawn_names(asked.drawn, cells))
    add = _Adding(asked, cells, known)
    _add_frozen(add)
    _add_direct(add, spec.phonons)
    engines = [level for level, one in cells.levels.items() if one.engine is not None]
    chosen = {level: _chosen(spec, cells, level, asked.drawn) for level in engines}
    followers = {level: uppers for level in engines if (uppers := _uppers(spec, cells, level))}
    for level in engines:
        if cells.levels[level].until is None and level not in followers:
            _add_level(add, level, chosen[level])
    for level in engines:  # their rounds look at labels of the levels below
        if cells.levels[level].until is not None and level not in followers:
            asked.rounds[level] = _rounds(spec, system, level, chosen[level], add)
            _add_level(add, level, chosen[level][: asked.rounds[level].count])
    for level, uppers in followers.items():
        needed = {key for upper in uppers for key in _labelled(asked, known, system, upper)}
        _add_level(add, level, (key for key in chosen[level] if key in needed))
    return replace(asked, labels={level: asked.labels[level] for level in engines})


def _uppers(spec: ResolvedSpec, cells: ResolvedSystem, level: str) -> tuple[str, ...]:
    """The levels of which `level`, which stands for another, is labelled where they are: those that are taken against it.

    None where it says itself how many of its structures are to be labelled, or a model is trained on it alone.
    """
    one, names = cells.levels[level], [ModelName.parse(model) for model in spec.models]
    if one.in_place_of is None or one.structures != "full" or any(name.level == level for name in names):
        return ()
    return tuple(dict.fromkeys(name.level for name in names if name.base == level))


def _labelled(asked: LabelRequests, known: Knowledge, system: str, level: str) -> Mapping[str, str]:
    """The labels of a level that there are, or are to be, by structure."""
    published = known.label_sets.get(system)
    return asked.labels.get(level) or (published.labels.get(level, {}) if published is not None else {})


def _add_level(add: _Adding, level: str, chosen: Iterable[str]) -> None:
    structures = {key: add.asked.drawn[key].structure for key in chosen}
    add.asked.labels[level] = dict(zip(structures, add.labels(level, structures), strict=True))


def _rounds(spec: ResolvedSpec, system: str, level: str, chosen: tuple[str, ...], add: _Adding) -> Rounds:
    model = forecast_model(spec, level)
    assert model is not None
    below: list[Mapping[str, str]] = []
    for base in spec.chains.trained_on(model)[1:]:
        if _uppers(spec, add.cells, base) and add.cells.levels[base].engine is not None:  # labelled where this level is
            below.append(dict(zip(chosen, add.keys(base, chosen), strict=True)))
        else:
            below.append(_labelled(add.asked, add.known, system, base))
    upper = dict(zip(chosen, add.keys(level, chosen), strict=True))
    return rounds(spec, system, level, Candidates(chosen, upper, tuple(below)), add.known)


def label_set(spec: ResolvedSpec, system: str, asked: LabelRequests, known: Knowledge) -> LabelSet:
    """The labels of a system as if all that are open came: what to plan on. Those that failed are set aside."""
    published = known.label_sets.get(system)
    labels = {
        level: {structure: key for structure, key in keys.items() if key not in known.failed}
        for level, keys in asked.labels.items()
    }
    aside = tuple(
        SetAside(structure_key=structure, level=level, reason=f"{known.failed[key].kind}: {known.failed[key].message}")
        for level, keys in asked.labels.items()
        for structure, key in keys.items()
        if key in known.failed
    )
    if published is not None:
        labels = {**published.labels, **labels}
        aside = (*published.set_aside, *aside)
    return LabelSet(
        key=digest("computed-label-set", 1, labels={level: sorted(keys.values()) for level, keys in labels.items()}),
        system=system,
        labels=labels,
        forces={level: spec.systems[system].levels[level].forces for level in labels},
        set_aside=aside,
    )


def _drawn(cells: ResolvedSystem, known: Knowledge, system: str) -> Iterator[Drawn]:
    for structure in known.structures.get(system, {}).values():
        yield Drawn(structure=structure, method="published")
    if cells.sampling is not None and cells.sampling.rattles is not None:
        yield from rattled(cells.training, cells.sampling.rattles)
    if system in known.sweeps:
        yield from known.sweeps[system].frames


def _chosen(spec: ResolvedSpec, cells: ResolvedSystem, level: str, drawn: Mapping[str, Drawn]) -> tuple[str, ...]:
    """The structures that are to be labelled at `level`: all, or the subset that it asks for."""
    one = cells.levels[level]
    if one.structures == "full":
        return tuple(drawn)
    try:
        wanted = count(one.structures, len(drawn))
    except SizeError:
        return tuple(drawn)  # there are no more
    if one.draw == "informative" or one.draw == "farthest":
        keys = list(drawn)
        return tuple(keys[at] for at in order(cells.primitive, [item.structure for item in drawn.values()], one.draw)[:wanted])
    strata = {key: item.stratum for key, item in drawn.items()}
    return subset(strata, wanted, one.draw, spec.training.split_seed)


@dataclass(frozen=True)
class _Adding:
    """Adds to what is asked of the engines of `cells`."""

    asked: LabelRequests
    cells: ResolvedSystem
    known: Knowledge

    def labels(self, level: str, structures: Mapping[str, Structure]) -> list[str]:
        """The label keys of `structures` at a level, which are asked for from now on."""
        keys = self.keys(level, structures)
        self.asked.places.update(zip(keys, ((key, level) for key in structures), strict=True))
        self.asked.structures.update(structures)
        return keys

    def keys(self, level: str, structures: Iterable[str]) -> list[str]:
        """The label keys of structures at a level."""
        structures = list(structures)
        one = self.cells.levels[level]
        assert one.engine is not None
        engine = self.cells.engines[one.engine]
        method = self.cells.method(level)
        version = self.known.label_versions.get(label_task(engine.kind, method))
        keys = [computed_label_key(key, method, engine, one.forces, version) for key in structures]
        before = engine.by_path()
        if before is not None and self.known.by_path:
            earlier = [computed_label_key(key, method, before, one.forces, version) for key in structures]
            keys = [then if then in self.known.by_path else now for now, then in zip(keys, earlier, strict=True)]
        return keys

    def name(self, names: Iterable[tuple[str, str]]) -> None:
        """Name structures; one that was drawn too keeps its number."""
        for key, name in names:
            self.asked.names.setdefault(key, name)


def _add_frozen(add: _Adding) -> None:
    cells = add.cells
    if cells.frozen_phonon is None:
        return
    displacements_A = cells.frozen_phonon.displacements_A
    displaced = frozen_structures(cells.primitive, cells.training, displacements_A)
    structures = {structure.key(): structure for structure in displaced}
    add.name(frozen_names(list(structures), (0.0, *displacements_A)))
    for level, one in cells.levels.items():
        if one.engine is not None:
            add.asked.frozen[level] = tuple(add.labels(level, structures))


def _add_direct(add: _Adding, settings: PhononSettings) -> None:
    cells = add.cells
    levels = [name for name, one in cells.levels.items() if one.phonons]
    if levels:
        displaced = displaced_supercells(cells.primitive, cells.phonon_supercell, settings.displacement_A)
        structures = {structure.key(): structure for structure in displaced}
        add.name(displaced_names(list(structures)))
        add.asked.direct.update({level: tuple(add.labels(level, structures)) for level in levels})
