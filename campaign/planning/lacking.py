"""Structures that have no label at a level although others of their system have: which, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests
from campaign.spec import ResolvedLevel, ResolvedSystem
from flows.records import LabelSet, SetAside
from flows.training.names import level_title

NAMED = 5  # structures of one level; `--json` has all
_REASONS = 2  # frames set aside that may be what is looked for


class Lack(NamedTuple):
    """One structure by its key, `label` the key of a published label of it, why the level has none, and what a person calls
    it where engines label it."""

    structure: str
    label: str | None
    why: str
    name: str = ""


@dataclass(frozen=True)
class Lacking:
    """What a level lacks of the structures that it should have: it has `count` of `every`.

    `structures` are those that it lacks; none where it was labelled for a part of them only, and lacks the most.
    """

    system: str
    level: str
    count: int
    every: int
    structures: tuple[Lack, ...]

    def text(self, sources: Mapping[str, str]) -> str:
        """`HF of lih: 19 of 20 structures; it lacks dft.xyz frame 7 (not in hf.xyz)`, with sources by label key."""
        found: dict[str, list[str]] = {}
        for one in self.structures[:NAMED]:
            found.setdefault(one.why, []).append(_name(one, sources))
        parts = [f"{', '.join(names)} ({why})" for why, names in found.items()]
        rest = len(self.structures) - NAMED
        parts += [f"{rest} more"] if rest > 0 else []
        about = f"{level_title(self.level)} of {self.system}: {self.count} of {self.every} structures"
        return f"{about}; it lacks {', '.join(parts)}" if parts else about

    def as_facts(self, sources: Mapping[str, str]) -> dict[str, Any]:
        """For JSON."""
        structures = [
            {"structure_key": one.structure, "name": one.name, "source": sources.get(one.label or ""), "why": one.why} for one in self.structures
        ]
        return {"system": self.system, "level": self.level, "count": self.count, "of": self.every, "lacks": structures}


def lacking(
    system: str, cells: ResolvedSystem, labels: LabelSet, asked: LabelRequests | None, known: Knowledge
) -> Iterator[Lacking]:
    """Level by level; labels that are still to be computed are not lacking, nor is a level that was set aside as a whole."""
    published = known.label_sets.get(system)
    by_structure = _any_label(published) if published is not None else {}
    for level, one in cells.levels.items():
        if one.engine is not None and asked is not None:
            keys = asked.labels.get(level, {})
            whys = {structure: _failed(known, key) for structure, key in keys.items() if key in known.failed}
            every = len(keys)
        elif published is not None and level in published.labels:
            absent = [structure for structure in by_structure if structure not in published.labels[level]]
            whys, every = dict.fromkeys(absent, _not_in(one, level, labels)), len(by_structure)
        else:
            continue
        if whys:
            count = every - len(whys)
            named = whys.items() if len(whys) <= count else ()
            names = asked.names if asked is not None else {}
            lacks = tuple(Lack(one, by_structure.get(one), why, names.get(one, "")) for one, why in named)
            yield Lacking(system, level, count, every, lacks)


def _any_label(published: LabelSet) -> dict[str, str]:
    """A label of every published structure: all are those of the base level, which has all of them."""
    found: dict[str, str] = {}
    for keys in published.labels.values():
        found = {**keys, **found}
    return found


def _failed(known: Knowledge, key: str) -> str:
    return f"failed: {known.failed[key].kind}: {known.failed[key].message}"


def _not_in(level: ResolvedLevel, name: str, labels: LabelSet) -> str:
    files = ", ".join(file.name for file in level.files)
    aside = [one for one in labels.set_aside if one.level == name and one.frame is not None]
    if not aside:
        return f"not in {files}"
    reasons = "; ".join(_reason(one) for one in aside[:_REASONS])
    more = f"; and {len(aside) - _REASONS} more" if len(aside) > _REASONS else ""
    return f"not among the usable frames of {files}; set aside there: {reasons}{more}"


def _reason(one: SetAside) -> str:
    return f"frame {one.frame}: {one.reason}"


def _name(one: Lack, sources: Mapping[str, str]) -> str:
    return sources.get(one.label or "") or one.name or f"structure {one.structure[:12]}"
