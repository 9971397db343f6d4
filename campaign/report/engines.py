"""Engines in words: what computes the labels of a level, with which settings, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from campaign.report.level_labels import LevelLabels
from campaign.report.titles import listed, title_of
from campaign.spec.campaign import ResolvedSystem
from campaign.steering.progress import duration
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.pyscf.settings import PySCFSettings

MINIMAL = ("szv", "sto")


def engine_of(cells: ResolvedSystem, level: str) -> EngineSettings | None:
    """The engine that labels `level`; None where files do, or nobody."""
    name = cells.levels[level].engine
    return cells.engines[name] if name is not None else None


def by_engine(cells: ResolvedSystem, level: str) -> str:
    """`by pyscf`; an engine that is not called as its kind has both names."""
    name, engine = cells.levels[level].engine, engine_of(cells, level)
    if engine is None:
        return ""
    return f"by {name}" if name == engine.kind else f"by {name} ({engine.kind})"


def minimal_bases(cells: ResolvedSystem) -> str:
    """The names of the minimal basis sets of the engines; empty where there are none."""
    engines = [one for one in cells.engines.values() if isinstance(one, PySCFSettings)]
    return ", ".join(dict.fromkeys(one.basis for one in engines if any(name in one.basis for name in MINIMAL)))


def minimal_text(cells: ResolvedSystem) -> str:
    """What to expect of a minimal basis, where an engine has one."""
    small = minimal_bases(cells)
    if not small:
        return ""
    return (
        f"A minimal basis ({small}) at the Γ point of a small cell is far from experiment, by tens of per "
        "cent: what is tested is how well a model stands for its level as it was labelled, not the level."
    )


def levels_text(cells: ResolvedSystem, levels: Iterable[str]) -> str:
    """`DFT by PySCF, ...; HF and CCSD(T) by PySCF, ...`: like ones together."""
    found: dict[str, list[str]] = {}
    for level in levels:
        engine = engine_of(cells, level)
        if engine is not None:
            found.setdefault(engine.text(cells.method(level)), []).append(title_of(level))
    return "; ".join(f"{listed(titles)} by {text}" for text, titles in found.items())


def labels_text(cells: ResolvedSystem, labels: Mapping[str, LevelLabels]) -> Iterator[str]:
    """A sentence on who labelled how many structures, how long it took, what failed, and the versions."""
    if not labels:
        return
    counts: dict[str, list[str]] = {}
    for level, one in labels.items():
        counts.setdefault(_count(one), []).append(title_of(level))
    yield f"Labels: {levels_text(cells, labels)}."
    numbers = "; ".join(f"{count} at {listed(titles)}" for count, titles in counts.items())
    seconds = sum(one.seconds for one in labels.values())
    yield f"Labelled: {numbers}{f'; {duration(seconds)} of computing' if seconds >= 1 else ''}."
    yield versions_text(labels)


def versions_text(labels: Mapping[str, LevelLabels]) -> str:
    """`Labelling: pyscf 2.11.0.`"""
    versions = dict.fromkeys(version for one in labels.values() for version in one.versions)
    return f"Labelling: {'; '.join(versions)}." if versions else ""


def _count(one: LevelLabels) -> str:
    done, every, failed = len(one.energies_eV), len(one.structures), len(one.failed)
    text = f"{every} structures" if done == every else f"{done} of {every} structures"
    return f"{text} ({failed} failed and set aside)" if failed else text
