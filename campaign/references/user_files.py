"""What the user of a campaign gave to compare a system with, read from the files that the database keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from campaign.references.files import Frequency, Read, read_density, read_frequencies
from flows.phonons.path import BandPath, band_path
from flows.phonons.published import PublishedPhonons, published_phonons, read_published
from flows.phonons.raw_layout import RawLayout

if TYPE_CHECKING:
    from campaign.spec.campaign import ResolvedSystem
    from campaign.spec.reference import ResolvedReference
    from flows.phonons.settings import NacSettings, PhononSettings
    from flows.records import PhononFacts, Structure

Content = Callable[[str], bytes]  # sha256 -> the file


@dataclass(frozen=True)
class Series:
    """Frequencies of one source, each on the path of the system."""

    title: str
    source: str
    file: str
    values: tuple[Frequency, ...]


@dataclass(frozen=True)
class Density:
    """A density of states of one source, in states per cm^-1: times `factor`, so that its area is 3N.

    N counts the atoms of the primitive cell, or those of `element` where it is of this one alone.
    """

    title: str
    source: str
    file: str
    frequencies_cm1: tuple[float, ...]
    density: tuple[float, ...]
    factor: float
    element: str = ""


@dataclass(frozen=True)
class UserReferences:
    """All references of a system that its user gave; `set_aside` says what could not be used: file, line, value."""

    levels: dict[str, PhononFacts] = field(default_factory=dict)
    series: tuple[Series, ...] = ()
    densities: tuple[Density, ...] = ()
    set_aside: tuple[str, ...] = ()


def user_references(name: str, system: ResolvedSystem, settings: PhononSettings, content: Content) -> UserReferences:
    """The references of the system `name`. A file that cannot be used is set aside too."""
    found = UserReferences()
    for key, reference in system.reference.items():
        for kind, read in (("phonopy", _level), ("csv", _series), ("dos_csv", _density)):
            if getattr(reference, kind) is not None:
                about = _About(name, key, system, reference, settings)
                try:
                    found = read(found, about, content)
                except Exception as error:  # the database's too: a report goes on without a reference
                    why = f"{getattr(reference, kind).name} is not used: {' '.join(str(error).split())}"
                    found = replace(found, set_aside=(*found.set_aside, why))
    return found


def usable(
    kind: str, file: str, contents: Mapping[str, bytes], system: tuple[Structure, NacSettings | None]
) -> tuple[str, ...]:
    """What cannot be used of a file of a reference, for a primitive cell and its term: file, line, value.

    `contents` are those of all files of the reference, by their kinds.

    Raises:
        ValueError: the file is of no use at all; the message begins with its name.
    """
    (primitive, nac), content = system, contents[kind]
    try:
        if kind == "phonopy":
            read_published(content, primitive.atoms(), nac, RawLayout.of(contents))
            return ()
        if kind == "csv":
            return _on_path(read_frequencies(content, file), file, band_path(primitive.atoms())).set_aside
        density = read_density(content, file)
        _area(density.rows)
        return density.set_aside
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(file) else f"{file}: {text}") from None


def no_such_element(element: str | None, symbols: Sequence[str]) -> str:
    """Why a density of states cannot be that of `element` in a crystal of `symbols`; empty: it can."""
    if element is None or element in symbols:
        return ""
    return f"the crystal has no {element!r}; it has {', '.join(dict.fromkeys(symbols))}"


@dataclass(frozen=True)
class _About:
    name: str
    key: str
    system: ResolvedSystem
    reference: ResolvedReference
    settings: PhononSettings


def _level(found: UserReferences, about: _About, content: Content) -> UserReferences:
    assert about.reference.phonopy is not None
    file, beside = about.reference.phonopy, about.reference.beside
    names = " and ".join([file.name, *(one.name for one in beside.values())])
    title = "" if about.reference.title == about.key else about.reference.title  # the line is called as its level
    asked = PublishedPhonons(
        sha256=_of_all(file.sha256, [one.sha256 for one in beside.values()]),
        system=about.name,
        level=about.key,
        source="; ".join(filter(None, [title, about.reference.source, names])),
        primitive=about.system.primitive,
        settings=about.settings,
        nac=about.system.nac,
    )
    raw = RawLayout.of({kind: content(one.sha256) for kind, one in beside.items()})
    return replace(found, levels=found.levels | {about.key: _computed(content(file.sha256), raw, asked.model_dump_json())})


def _of_all(sha256: str, others: Sequence[str]) -> str:
    """One digest for files that are read together; of one alone its own."""
    return hashlib.sha256("".join([sha256, *others]).encode()).hexdigest() if others else sha256


@lru_cache(maxsize=8)
def _computed(content: bytes, beside: RawLayout, asked: str) -> PhononFacts:
    """A second or so each: in memory only, for reports that are written again."""
    return published_phonons(content, PublishedPhonons.model_validate_json(asked), beside)


def _series(found: UserReferences, about: _About, content: Content) -> UserReferences:
    assert about.reference.csv is not None
    file = about.reference.csv.name
    read = _on_path(read_frequencies(content(about.reference.csv.sha256), file), file, band_path(about.system.primitive.atoms()))
    made = Series(about.reference.title, about.reference.source, file, read.rows)
    return replace(found, series=(*found.series, made), set_aside=(*found.set_aside, *read.set_aside))


def _on_path(read: Read[Frequency], file: str, path: BandPath) -> Read[Frequency]:
    """Rows that are nowhere on the path that is drawn are set aside."""
    wrong = {row.line: why for row in read.rows if (why := _off_path(row, path))}
    rows = tuple(row for row in read.rows if row.line not in wrong)
    return Read(rows, (*read.set_aside, *(f"{file}, line {line}: {why}" for line, why in wrong.items())))


def _off_path(row: Frequency, path: BandPath) -> str:
    segments = [segment.labels for segment in path.segments]
    ends = list(dict.fromkeys(label for labels in segments for label in labels))
    if row.point is not None:
        return "" if row.point in ends else f"no point {row.point!r} on the path ({', '.join(ends)})"
    assert row.along is not None
    if row.along in segments or row.along[::-1] in segments:
        return ""
    return f"no segment {'-'.join(row.along)} on the path ({', '.join(map('-'.join, segments))})"


def _density(found: UserReferences, about: _About, content: Content) -> UserReferences:
    assert about.reference.dos_csv is not None
    file = about.reference.dos_csv.name
    read = read_density(content(about.reference.dos_csv.sha256), file)
    symbols, element = about.system.primitive.symbols, about.reference.element
    if why := no_such_element(element, symbols):
        raise ValueError(why)
    factor = 3 * (len(symbols) if element is None else symbols.count(element)) / _area(read.rows)
    made = Density(
        about.reference.title,
        about.reference.source,
        file,
        tuple(frequency for frequency, _ in read.rows),
        tuple(factor * value for _, value in read.rows),
        factor,
        element or "",
    )
    return replace(found, densities=(*found.densities, made), set_aside=(*found.set_aside, *read.set_aside))


def _area(rows: tuple[tuple[float, float], ...]) -> float:
    """By the trapezoidal rule.

    Raises:
        ValueError: it is zero.
    """
    area = sum(_trapezoids(rows))
    if area <= 0:
        raise ValueError("the area of its density of states is zero")
    return area


def _trapezoids(rows: tuple[tuple[float, float], ...]) -> Iterator[float]:
    from itertools import pairwise

    for (left, low), (right, high) in pairwise(rows):
        yield (right - left) * (low + high) / 2
