"""From a spec as written to what the database keeps: files found and hashed, structures made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from campaign.references.user_files import no_such_element, usable
from campaign.spec.campaign import CampaignSpec, ResolvedLevel, ResolvedSpec, ResolvedSystem
from campaign.spec.cutoff import cutoffs_of
from campaign.spec.engine_files import EngineFiles
from campaign.spec.engines import Computed, computed_levels, engines_of
from campaign.spec.errors import Loc, Problem, SpecError
from campaign.spec.fitness import unfit_settings
from campaign.spec.label_files import energy_taken, files_of, is_pattern, names_of, published
from campaign.spec.labelling import FrozenPhononSpec
from campaign.spec.nac import NacSpec
from campaign.spec.parts import LevelSpec, StructureSpec, SystemSpec
from campaign.spec.reference import KeptFile, ReferenceSpec, ResolvedReference
from campaign.spec.structures import prototype_cell, read_cell, repeat
from flows.labelling.settings import PublishedFile
from flows.phonons.cells import primitive
from flows.phonons.frozen import check_frozen
from flows.phonons.settings import NacSettings
from flows.records import Structure
from flows.training.names import ModelName

Complain = Callable[[Loc, str], Problem]


class Resolver:
    """Resolves one spec; `folders` are searched in turn, `complain` says where a key was written."""

    def __init__(self, folders: Sequence[Path], complain: Complain, example: bool = False) -> None:
        self.folders = tuple(folders)
        self.complain = complain
        self.example = example  # it names files that not all of its users have: those that are not there are gaps
        self.problems: list[Problem] = []
        self.files: dict[str, Path] = {}
        self.notes: list[str] = []  # what was mended, or is worth a look
        self.engine_files = EngineFiles(self.folders, self._complain_once, self._note_once, self.files)

    def resolve(self, spec: CampaignSpec, overrides: Sequence[str]) -> ResolvedSpec:
        """The resolved spec; `files` then maps the sha256 of every data file to its path.

        Raises:
            SpecError: files that are not there, or of no use: all of them.
        """
        systems = {name: self._system(name, system, spec) for name, system in spec.systems.items()}
        self._refuse_strange_models(systems)
        if self.problems:
            raise SpecError(self.problems)
        parts: dict[str, Any] = {name: getattr(spec, name) for name in CampaignSpec.model_fields}
        return ResolvedSpec(**{**parts, "systems": systems}, overrides=tuple(overrides))

    def _system(self, name: str, system: SystemSpec, spec: CampaignSpec) -> ResolvedSystem | None:
        loc = ("systems", name)
        named = [data for level in system.levels.values() for data in level.data]
        may_lack = self.example and any(files_of(data, self.folders) for data in named)
        computed, _ = computed_levels(name, system, spec)
        levels = {
            level: self._level((*loc, "levels", level), level, part, may_lack, computed.get(level))
            for level, part in system.levels.items()
        }
        self._refuse_shared_files(loc, levels)
        for level, part in system.levels.items():
            if part.in_place_of is not None:
                against = ", ".join(model for model in spec.models if ModelName.parse(model).base == level)
                self._note_once((*loc, "levels", level, "in_place_of"), f"{against} is added to the models of {part.in_place_of}")
        structures = self._structures((*loc, "structure"), system)
        if structures is None:
            return None
        nac = self._nac((*loc, "nac"), system.nac, structures["primitive"])
        cell = structures["primitive"].atoms()
        engines, unfit = engines_of(name, system, spec, (structures["training"].atoms(), cell), self.engine_files)
        cutoffs = cutoffs_of(name, system, spec, cell)
        for place, why in (*unfit, *unfit_settings(name, system, spec, cell), *cutoffs.refused):
            self._complain_once(place, why)
        for place, note in cutoffs.noted:
            self._note_once(place, note)
        return ResolvedSystem(
            **structures,
            phonon_supercell=system.cells.phonons,
            levels=levels,
            mace=system.mace,
            sizes=system.sizes,
            engines=engines,
            sampling=system.sampling,
            frozen_phonon=self._frozen((*loc, "frozen_phonon"), system, structures["primitive"]),
            nac=nac,
            born=system.nac.born() if system.nac is not None else None,
            reference={
                key: self._reference((*loc, "reference", key), one, (structures["primitive"], nac))
                for key, one in system.reference.items()
            },
        )

    def _complain_once(self, loc: Loc, message: str) -> None:
        """Several systems may have the engine that it is about."""
        if (problem := self.complain(loc, message)) not in self.problems:
            self.problems.append(problem)

    def _note_once(self, loc: Loc, message: str) -> None:
        if (note := str(self.complain(loc, message))) not in self.notes:
            self.notes.append(note)

    def _refuse_strange_models(self, systems: dict[str, ResolvedSystem | None]) -> None:
        """A model of another system knows the elements of that system alone."""
        for name, system in systems.items():
            sampling = system.sampling if system is not None else None
            model = sampling.sweep.model if sampling is not None and sampling.sweep is not None else None
            other = systems[model.system] if model is not None else None
            if system is None or model is None or other is None:
                continue
            if strangers := sorted(set(system.primitive.symbols) - set(other.primitive.symbols)):
                message = f"models of {model.system} do not know {', '.join(strangers)}: they were trained without"
                loc = ("systems", name, "sampling", "sweep", "model", "system")
                self.problems.append(self.complain(loc, message))

    def _frozen(self, loc: Loc, system: SystemSpec, cell: Structure) -> FrozenPhononSpec | None:
        if system.frozen_phonon is not None:
            try:
                check_frozen(cell)
            except ValueError as error:
                self.problems.append(self.complain(loc, str(error)))
        return system.frozen_phonon

    def _nac(self, loc: Loc, nac: NacSpec | None, cell: Structure) -> NacSettings | None:
        """A BORN file becomes plain numbers: it is not kept. None also for those that an engine is to compute."""
        if nac is None or nac.engine is not None:
            return None
        try:
            text = None
            if nac.file is not None:
                path = self._find((*loc, "file"), nac.file)
                if path is None:
                    return None
                text = _text(path)
            settings, mended = nac.resolve(cell, text)
        except (ValueError, OSError) as error:
            self.problems.append(self.complain(loc, str(error)))
            return None
        if mended:
            self.notes.append(str(self.complain(loc, mended)))
        return settings

    def _reference(
        self, loc: Loc, reference: ReferenceSpec, system: tuple[Structure, NacSettings | None]
    ) -> ResolvedReference:
        kept: dict[str, KeptFile] = {}
        for kind, name in {**reference.files, **reference.beside}.items():
            path = self._find((*loc, kind), name)
            sha256 = self._sha256((*loc, kind), path) if path is not None else None
            if path is not None and sha256 is not None:
                self.files[sha256] = path
                kept[kind] = KeptFile(name=path.name, sha256=sha256)
        contents = {kind: self.files[file.sha256].read_bytes() for kind, file in kept.items()}
        for kind in reference.files.keys() & kept.keys():
            try:
                aside = usable(kind, kept[kind].name, contents, system)
                self.notes += [str(self.complain((*loc, kind), f"not used: {one}")) for one in aside]
            except ValueError as error:
                self.problems.append(self.complain((*loc, kind), str(error)))
        if why := no_such_element(reference.element, system[0].symbols):
            self.problems.append(self.complain((*loc, "element"), why))
        title, source = reference.title or str(loc[-1]), reference.source or ""
        return ResolvedReference(**kept, title=title, source=source, element=reference.element)

    def _structures(self, loc: Loc, system: SystemSpec) -> dict[str, Structure] | None:
        try:
            conventional = self._conventional(loc, system.structure)
            if conventional is None:
                return None
            atoms = {
                "conventional": conventional,
                "primitive": primitive(conventional),
                "training": repeat(conventional, system.cells.training),
                "big": repeat(conventional, system.cells.big),
            }
        except ValueError as error:
            self.problems.append(self.complain(loc, str(error)))
            return None
        return {name: Structure.from_atoms(cell) for name, cell in atoms.items()}

    def _conventional(self, loc: Loc, structure: StructureSpec) -> Any:
        if structure.file is None:
            return prototype_cell(structure)
        path = self._find((*loc, "file"), structure.file)
        return read_cell(path, structure) if path is not None else None

    def _level(self, loc: Loc, name: str, level: LevelSpec, may_lack: bool, computed: Computed | None) -> ResolvedLevel:
        files: list[PublishedFile] = []
        absent: list[str] = []
        paths = [path for data in level.data for path in self._labels((*loc, "data"), data, absent if may_lack else None)]
        names = names_of(paths)
        for path in dict.fromkeys(paths):
            if file := self._published((*loc, "data"), path, PublishedFile(name=names[path], sha256="", level=name), level):
                files.append(file)
        if files and absent:
            self.notes.append(str(self.complain((*loc, "data"), f"goes on without {', '.join(absent)}: not there")))
        rest = {key: getattr(level, key) for key in ResolvedLevel.model_fields if key not in ("files", "absent")}
        if computed is not None:
            rest |= {"engine": computed.engine, "method": None if computed.method == name else computed.method}
        return ResolvedLevel(files=tuple(files), absent=tuple(absent), **rest)

    def _labels(self, loc: Loc, data: str, absent: list[str] | None) -> list[Path]:
        """The files that are meant by a line of `data`; without any it is `absent`, if that may be, or a problem."""
        paths = files_of(data, self.folders)
        if not paths and absent is not None:
            absent.append(data)
        elif not paths and is_pattern(data):
            looked = ", ".join(dict.fromkeys(map(str, self.folders)))
            message = f"no file fits {data} (looked in {looked}); name the folder that it begins in with --data DIR"
            self.problems.append(self.complain(loc, message))
        elif not paths:
            self._find(loc, data)
        return paths

    def _published(self, loc: Loc, path: Path, named: PublishedFile, level: LevelSpec) -> PublishedFile | None:
        about = {one: getattr(level, one) for one in ("forces", "forces_key", "in_eV")}
        try:
            file, places = published(path, named.model_copy(update=about), level.energy_key, level.beside)
        except OSError as error:
            self.problems.append(self.complain(loc, f"{error.filename} cannot be read: {error.strerror}"))
            return None
        except ValueError as error:
            self.problems.append(self.complain(loc, f"{named.name}: {error}"))
            return None
        self.files |= places
        if said := energy_taken(file.format, file.energy_key):
            self._note_once(loc, said)
        return file

    def _sha256(self, loc: Loc, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self.problems.append(self.complain(loc, f"{path} cannot be read: {error.strerror}"))
            return None

    def _refuse_shared_files(self, loc: Loc, levels: dict[str, ResolvedLevel]) -> None:
        """The labels of one level given for another would train a difference of nothing."""
        owners: dict[tuple[str, str], str] = {}
        for name, level in levels.items():
            for file in level.files:
                energies = file.sha256, file.energy_key or "energy"  # one file may have those of several levels
                owner = owners.get(energies)
                if owner is not None:
                    message = f"{file.name} holds the same bytes as a file of {owner}; name each file once"
                    self.problems.append(self.complain((*loc, "levels", name, "data"), message))
                owners[energies] = name

    def _candidates(self, name: str) -> list[Path]:
        return [folder / Path(name).expanduser() for folder in self.folders]

    def _located(self, name: str) -> Path | None:
        # never raises: a folder may be closed to us
        return next((path for path in self._candidates(name) if os.path.isfile(path)), None)

    def _find(self, loc: Loc, name: str) -> Path | None:
        if path := self._located(name):
            return path
        looked = ", ".join(str(path.parent) for path in dict.fromkeys(self._candidates(name)))
        message = f"no file {name} (looked in {looked}); name the folder that holds it with --data DIR"
        self.problems.append(self.complain(loc, message))
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
