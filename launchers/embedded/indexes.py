"""Indexes: which keys a document has, and which documents an index leaves out."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument

from launchers.embedded.errors import CommandError
from launchers.embedded.evaluation import Filter
from launchers.embedded.keys import MISSING, encode, values_at
from launchers.embedded.wire import decode

_KNOWN_OPTIONS = {
    "v",
    "name",
    "key",
    "unique",
    "sparse",
    "partialFilterExpression",
    "background",
    "ns",
    "hidden",
}


@dataclass
class Index:
    """One index of a collection; `number` names its rows in the table of entries.

    `multikey` becomes true with the first document that has an array there.
    """

    number: int
    spec: dict[str, Any]
    multikey: bool

    @property
    def name(self) -> str:
        """The name that users see."""
        return str(self.spec["name"])

    @property
    def fields(self) -> list[tuple[str, int]]:
        """The fields with their directions."""
        return [(field, int(direction)) for field, direction in self.spec["key"].items()]

    @property
    def unique(self) -> bool:
        """Whether two documents may not share a key."""
        return bool(self.spec.get("unique"))

    @property
    def partial(self) -> dict[str, Any] | None:
        """The filter of the documents that it holds, None for all."""
        return self.spec.get("partialFilterExpression")

    @property
    def complete(self) -> bool:
        """Whether every document of the collection is in it."""
        return not self.spec.get("sparse") and self.partial is None


@dataclass(frozen=True)
class Keys:
    """The keys of one document in one index, and whether an array spread them."""

    values: frozenset[bytes]
    multikey: bool


class KeyMaker:
    """Computes the keys of documents in one index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._parts = [(tuple(field.split(".")), direction) for field, direction in index.fields]
        self._sparse = bool(index.spec.get("sparse"))
        self._partial = None if index.partial is None else Filter(index.partial)

    def __call__(self, document: Mapping[str, Any]) -> Keys:
        """The keys of `document`: none where a sparse or partial index leaves it out."""
        if self._partial is not None and not self._holds(document):
            return Keys(frozenset(), False)
        found = [(values_at(document, parts), direction) for parts, direction in self._parts]
        if self._sparse and all(values == [MISSING] for (values, _), _ in found):
            return Keys(frozenset(), False)
        components = [{encode(value, direction) for value in values} for (values, _), direction in found]
        keys = frozenset(map(b"".join, itertools.product(*components)))
        return Keys(keys, any(spread for (_, spread), _ in found))

    def _holds(self, document: Mapping[str, Any]) -> bool:
        assert self._partial is not None
        if isinstance(document, RawBSONDocument) and not self._partial.simple:
            document = decode(bytes(document.raw))
        return self._partial(document)


def checked_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification of an index that a client asks for, refused where we could not keep it."""
    known = {name: value for name, value in spec.items() if name in _KNOWN_OPTIONS}
    unknown = set(spec) - _KNOWN_OPTIONS
    if unknown:
        raise CommandError(
            67, "CannotCreateIndex", f"the embedded database has no index option {sorted(unknown)}"
        )
    if not spec.get("key") or not all(d in (1, -1) for d in spec["key"].values()):
        raise CommandError(
            67, "CannotCreateIndex", f"only ascending and descending indexes: {spec.get('key')}"
        )
    kept = {"v": 2, "key": dict(known["key"]), "name": known["name"]}
    for option in ("unique", "sparse"):
        if known.get(option):
            kept[option] = True
    if known.get("partialFilterExpression") is not None:
        kept["partialFilterExpression"] = known["partialFilterExpression"]
    return kept
