"""What figures show, as numbers: frozen documents without ink, written as JSON beside every figure, and read back the same.

Frequencies are cm^-1 (imaginary ones negative), densities of states in states per cm^-1 and primitive cell,
reciprocal vectors Å^-1 with 2π.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """A frozen document that knows all of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SeedSet(Payload):
    """The seeds of a model that are drawn, those that are missing (`861: failed`), and the verdict.

    A model has learned if it has with every seed that is drawn. `unstable` says what is of the seed with the lowest
    frequency; empty: nothing.
    """

    model: str
    title: str
    seeds: tuple[int, ...]
    missing: dict[int, str] = {}
    learned: bool = True
    learned_seeds: int = 0
    verdict: str = ""
    unstable: str = ""
    key_of_seed: dict[int, str] = {}

    @property
    def name(self) -> str:
        """The title, and what must be said beside it."""
        return self.title if self.learned else f"{self.title}, not learned"


class Marker(Payload):
    """A value from the literature, at a named point."""

    label: str
    value_cm1: float
    title: str
    source: str


class Peak(Payload):
    """A measured peak of the density of states of one element: where it is, not how high."""

    element: str
    value_cm1: float
    title: str
    source: str


class Absent(Payload):
    """A model of which nothing is drawn, and why."""

    title: str
    why: str


class Figure(Payload):
    """What all figures have: a file name, a heading, what a screen reader says, what is drawn, and how it was made.

    Each class of figures names its `kind`: a literal, which stands in the JSON file.
    """

    name: str
    system: str
    heading: str
    alt: str
    caption: str
    methods: str = ""
    kind: str = ""

    def worded(self, caption: Caption, alt: str | None = None) -> Self:
        """With its words, which are made of its numbers; `alt` stays as it is where none is given."""
        return self.model_copy(update={**caption._asdict(), **({} if alt is None else {"alt": alt})})


class Caption(NamedTuple):
    """What is drawn, and how it was made: labels, trainings, phonons, MD, versions."""

    caption: str
    methods: str = ""

    @classmethod
    def of(cls, drawn: Iterable[str], methods: Iterable[str] = ()) -> Self:
        """From sentences, of which some may be empty."""
        return cls(*(" ".join(filter(None, parts)) for parts in (drawn, methods)))
