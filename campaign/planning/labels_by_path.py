"""Labels and samplings from before the content of files was part of keys: an engine's files were known by their paths.

What is there under a path alone is used for what the file holds now, and its user is told: an expensive label is never
computed a second time without a word. Once taken for one content it is not taken for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from campaign.planning import sampling
from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests, label_requests
from campaign.spec import ResolvedSpec
from flows.labelling.computed import computed_label_key, settings_digest
from flows.labelling.engines.protocol import EngineSettings
from flows.training.names import level_title


@dataclass(frozen=True)
class LabelsByPath:
    """Labels of a level (`count` of them), or an MD that draws structures (None), known by the paths of files alone.

    They may be known by another thing that files are `called_by`, as POTCARs by their names; `anew` is what a user says to have
    them computed again. `used`: they stand for what the files hold now; else they are kept, and computed anew under other keys. `alone`: the
    user wants it so (`files`).
    """

    system: str
    level: str
    engine: str
    files: tuple[tuple[str, str, str], ...]  # argument, path, content
    count: int | None
    used: bool
    alone: bool
    called_by: str
    anew: str

    def text(self) -> str:
        """For a user: what is known of them, what becomes of them, what to do."""
        one = self.count in (None, 1)
        what = f"the MD that draws the structures of {self.system}" if self.count is None else f"{self.count} label{'' if one else 's'} of {level_title(self.level)}, {self.system},"
        paths, contents = (" and ".join(dict.fromkeys(part)) for part in list(zip(*self.files, strict=True))[1:])
        they, are, them = ("it", "is", "it") if one else ("they", "are", "them")
        known = f"{what} {are} known by the {self.called_by} alone of what {self.engine} read ({paths}): what was there then is not known"
        if self.used:
            return f"{known}. {they.capitalize()} {are} used as if computed with {contents}; to compute {them} anew, say {self.anew} of {self.engine}"
        why = f"{self.anew.partition(':')[0]} says content" if self.alone else f"{they} {'was' if one else 'were'} used before as computed with something else"
        return f"{known}. {they.capitalize()} {are} kept and not used, because {why}: {they} {are} computed anew with {contents}"

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        files = [dict(zip(("argument", "path", "content"), one, strict=True)) for one in self.files]
        about = {"system": self.system, "level": self.level, "engine": self.engine, "files": files}
        return {**about, "labels": self.count, "used": self.used, "text": self.text()}


class Standing(NamedTuple):
    """What a key by paths would stand for: today's key and settings digest; `alone`: the user wants no such thing."""

    now: str
    digest: str
    alone: bool


def standings(spec: ResolvedSpec, known: Knowledge) -> dict[str, Standing]:
    """Every key that labels and samplings of `spec` had when files were known by their paths, if that was another."""
    found: dict[str, Standing] = {}
    today = replace(known, by_path=frozenset())
    for name, cells in spec.systems.items():
        before = {engine: one.by_path() or one for engine, one in cells.engines.items()}
        if before == cells.engines:
            continue
        if (sweep := _sweep(spec, name)) is not None:
            found[sweep[0]] = sweep[1]
        then = spec.model_copy(update={"systems": {**spec.systems, name: cells.model_copy(update={"engines": before})}})
        asked, earlier = label_requests(spec, name, today), label_requests(then, name, today)
        for key, old in zip(asked.places, earlier.places, strict=True):
            if key != old:
                level = asked.places[key][1]
                engine = _engine(spec, name, level)
                found[old] = Standing(key, settings_digest(cells.method(level), engine, cells.levels[level].forces), engine.by_content_alone)
    return found


def labels_by_path(spec: ResolvedSpec, system: str, asked: LabelRequests, known: Knowledge) -> Iterator[LabelsByPath]:
    """What `known` has of a system under paths alone, level by level; what is not used only as long as it is not there anew."""
    if not (known.by_path or known.passed_over):
        return
    sweep = sampling.by_path(spec, system)
    if sweep in known.by_path or (sweep in known.passed_over and system not in known.sweeps):
        level = _sweep_level(spec, system)
        yield _about(spec, system, level, None, sweep in known.by_path)
    used: dict[str, int] = {}
    over: dict[str, int] = {}
    for key, (structure, level) in asked.places.items():
        if key in known.by_path:
            if key in known.failed:
                continue
            used[level] = used.get(level, 0) + 1
        elif not known.settled(key):
            before = _engine(spec, system, level).by_path()
            forces, method = spec.systems[system].levels[level].forces, spec.systems[system].method(level)
            if before is not None and computed_label_key(structure, method, before, forces) in known.passed_over:
                over[level] = over.get(level, 0) + 1
    yield from (_about(spec, system, level, count, True) for level, count in used.items())
    yield from (_about(spec, system, level, count, False) for level, count in over.items())


def _about(spec: ResolvedSpec, system: str, level: str, count: int | None, used: bool) -> LabelsByPath:
    engine = _engine(spec, system, level)
    name = spec.systems[system].levels[level].engine or ""
    return LabelsByPath(system, level, name, engine.told_files(), count, used, engine.by_content_alone, engine.called_by, engine.anew())


def _sweep(spec: ResolvedSpec, system: str) -> tuple[str, Standing] | None:
    old = sampling.by_path(spec, system)
    if old is None:
        return None
    level = _sweep_level(spec, system)
    cells, engine = spec.systems[system], _engine(spec, system, level)
    assert cells.sampling is not None
    assert cells.sampling.sweep is not None
    now = sampling.engine_sweep_key(cells, cells.sampling.sweep, level, engine)
    return old, Standing(now, settings_digest(cells.method(level), engine, True), engine.by_content_alone)


def _sweep_level(spec: ResolvedSpec, system: str) -> str:
    asked = spec.systems[system].sampling
    assert asked is not None
    assert asked.sweep is not None
    return asked.sweep.level or ""


def _engine(spec: ResolvedSpec, system: str, level: str) -> EngineSettings:
    cells = spec.systems[system]
    return cells.engines[cells.levels[level].engine or ""]
