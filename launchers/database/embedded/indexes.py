"""Indexes: which keys a document has, and which documents an index leaves out."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from launchers.database.embedded.errors import CommandError, not_supported
from launchers.database.embedded.keys import MISSING, encode, key_tuples, position_of, values_at
from launchers.database.embedded.matching import Filter

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

    @cached_property
    def fields(self) -> list[tuple[str, int]]:
        """The fields with their directions."""
        return [(field, int(direction)) for field, direction in self.spec["key"].items()]

    @cached_property
    def positional(self) -> bool:
        """Whether a part of a field's path may name a position in an array."""
        return any(position_of(part) is not None for field, _ in self.fields for part in field.split("."))

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
        self._parts = [tuple(field.split(".")) for field, _ in index.fields]
        self._directions = [direction for _, direction in index.fields]
        self._sparse = bool(index.spec.get("sparse"))
        self._partial = None if index.partial is None else Filter(index.partial)

    def __call__(self, document: Mapping[str, Any], lenient: bool = False) -> Keys:
        """The keys of `document`: none where a sparse or partial index leaves it out.

        Raises:
            CommandError: two of its fields go through different arrays, unless `lenient`: so a document is
                found that an earlier version let in.
        """
        if self._partial is not None and not self._partial(document):
            return Keys(frozenset(), False)
        found = [values_at(document, parts) for parts in self._parts]
        spread = any(through for _, through in found)
        if not spread:
            tuples: Any = ([values[0] for values, _ in found],)
        elif len(found) == 1:
            tuples = zip(found[0][0], strict=True)
        else:
            tuples = self._spread(document, [values for values, _ in found], lenient)
        keys = frozenset(
            b"".join(map(encode, values, self._directions))
            for values in tuples
            if not self._sparse or any(value is not MISSING for value in values)
        )
        return Keys(keys, spread)

    def _spread(self, document: Mapping[str, Any], values: list[list[Any]], lenient: bool) -> Any:
        try:
            return list(key_tuples(document, self._parts))
        except CommandError as error:
            if error.code == 171 and lenient:
                return itertools.product(*values)
            raise


def checked_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification of an index that a client asks for, refused where we could not keep it."""
    known = {name: value for name, value in spec.items() if name in _KNOWN_OPTIONS}
    unknown = set(spec) - _KNOWN_OPTIONS
    if unknown:
        raise not_supported(f"the index options {sorted(unknown)}")
    keys = spec.get("key")
    if not isinstance(keys, Mapping) or not keys or not isinstance(spec.get("name"), str):
        raise CommandError(67, "CannotCreateIndex", "an index needs a name, and keys with directions")
    for field, direction in keys.items():
        if isinstance(direction, str):
            raise not_supported(f"{direction} indexes, only ascending and descending ones")
        if isinstance(direction, bool) or not isinstance(direction, (int, float)) or direction not in (1, -1):
            raise CommandError(67, "CannotCreateIndex", f"bad index key: {field}: {direction}")
        if not all(part and not part.startswith("$") for part in field.split(".")) and field != "$**":
            raise CommandError(67, "CannotCreateIndex", f"bad name of a field in an index: '{field}'")
        if "$**" in field:
            raise not_supported("wildcard indexes")
    kept = {"v": 2, "key": dict(known["key"]), "name": known["name"]}
    for option in ("unique", "sparse"):
        if known.get(option):
            kept[option] = True
    if known.get("partialFilterExpression") is not None:
        _check_partial(known["partialFilterExpression"])
        kept["partialFilterExpression"] = known["partialFilterExpression"]
        if known.get("sparse"):
            raise CommandError(67, "CannotCreateIndex", "cannot mix partialFilterExpression and sparse options")
    return kept


def _check_partial(criteria: Any) -> None:
    """Refuse a filter that MongoDB does not take for a partial index."""
    if not isinstance(criteria, Mapping):
        raise CommandError(67, "CannotCreateIndex", "partialFilterExpression must be a document")
    Filter(criteria)
    for name, condition in criteria.items():
        if name in ("$and", "$or"):
            for part in condition:
                _check_partial(part)
            continue
        operators = condition if isinstance(condition, Mapping) and str(next(iter(condition), ""))[:1] == "$" else {}
        wrong = set(operators) - {"$eq", "$exists", "$gt", "$gte", "$lt", "$lte", "$type", "$in"}
        if name.startswith("$") or wrong or not operators.get("$exists", True):
            raise CommandError(67, "CannotCreateIndex", f"unsupported expression in partial index: {name}")
