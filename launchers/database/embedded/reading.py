"""Reading: candidates streamed from SQLite, filtered, sorted, counted, joined."""

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import bson

from launchers.database.embedded.cursors import Stream
from launchers.database.embedded.cutting import NotCut, Tree, cut, tree_of_bytes
from launchers.database.embedded.indexes import Index
from launchers.database.embedded.keys import MISSING, encode, position_of, sort_key, values_at
from launchers.database.embedded.matching import Filter
from launchers.database.embedded.pipelines import absorbed, counted_as, grouped_by, needed_fields
from launchers.database.embedded.planning import Order, Plan, Query, plan
from launchers.database.embedded.projecting import Projection
from launchers.database.embedded.stages import run
from launchers.database.embedded.storage import Collection, Storage
from launchers.database.embedded.wire import decode, view


@dataclass(frozen=True)
class Found:
    """A document that matches: its place and its bytes."""

    seq: int
    raw: bytes

    def document(self) -> dict[str, Any]:
        """The contents; a copy of one's own to change."""
        return decode(self.raw)

    def view(self) -> Mapping[str, Any]:
        """The contents to look at; cheap where little of them is asked for."""
        return view(self.raw)


class Candidates:
    """Places of documents, straight from SQLite until `pause`: before anything else is read or written."""

    def __init__(self, seqs: Iterable[int]) -> None:
        self._rest = iter(seqs)
        self.paused = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        return next(self._rest)

    def pause(self) -> None:
        """Keep the places of what is left, eight bytes each."""
        self._rest = iter(array("q", self._rest))
        self.paused = True


class Reader:
    """Reads one collection; a collection that does not exist is empty."""

    def __init__(self, storage: Storage, collection: Collection | None) -> None:
        self._storage = storage
        self._collection = collection

    def find(self, query: Query) -> Iterator[Found]:
        """The matching documents in order, within skip and limit."""
        if self._collection is None:
            # what makes no sense is refused of an empty collection too
            Filter(query.criteria, query.variables)
            return iter(())
        return self._find(query)[0]

    def each(self, query: Query) -> Iterator[Found]:
        """The matching documents, all found before the first is given: the caller may change them."""
        for seq in array("q", (found.seq for found in self.find(query))):
            raw = self._storage.document(seq)
            if raw is not None:
                yield Found(seq, raw)

    def open(self, query: Query) -> Stream:
        """The bytes that a client gets, in batches with other commands in between."""
        deliver = _delivery(query)
        if self._collection is None:
            return Stream(map(deliver, self.find(query)))
        found, candidates = self._find(query)
        return Stream(map(deliver, found), candidates.pause)

    def _find(self, query: Query) -> tuple[Iterator[Found], Candidates]:
        assert self._collection is not None
        passes = Filter(query.criteria, query.variables)
        order = query.order
        way = plan(self._storage, self._collection, query.criteria, order)
        stop = query.skip + query.limit if query.limit else None
        candidates = Candidates(self._candidates(way))
        if not way.ordered:
            found = self._matching(candidates, passes, way.exact)
            candidates, way = Candidates(_ranked(found, order, stop)), Plan(exact=True)
        return islice(self._matching(candidates, passes, way.exact), query.skip, stop), candidates

    def count(self, query: Query) -> int:
        """How many documents match; from the index alone where it says everything."""
        unbounded = Query(query.criteria, variables=query.variables)
        if self._collection is None:
            return sum(1 for _ in self.find(unbounded))
        Filter(query.criteria, query.variables)
        way = plan(self._storage, self._collection, query.criteria, [])
        number = self._count(way) if way.exact else sum(1 for _ in self.find(unbounded))
        number = max(0, number - query.skip)
        return min(number, query.limit) if query.limit else number

    def _count(self, way: Plan) -> int:
        assert self._collection is not None
        if way.index is None:
            statement, number = "select count(*) from documents where collection=?", self._collection.number
            return int(self._storage.rows(statement, (number,)).fetchone()[0])
        if way.index.multikey:
            return len(set(self._candidates(way)))
        statement = "select count(*) from entries where number=? and key>=? and key<?"
        return sum(
            self._storage.rows(statement, (way.index.number, low, high)).fetchone()[0]
            for low, high in way.ranges
        )

    def distinct(self, name: str, criteria: Mapping[str, Any]) -> list[Any]:
        """The different values of a field, elements of arrays one by one."""
        parts = tuple(name.split("."))
        # where a path names positions, a key of the index is not all that a document has there
        index = None if criteria or any(position_of(part) is not None for part in parts) else self._single(name)
        documents = (
            (view(raw) for _, _, raw in self._groups(index))
            if index is not None
            else (found.view() for found in self.find(Query(criteria)))
        )
        values: dict[bytes, Any] = {}
        for document in documents:
            for value in _along(document, parts):
                values.setdefault(encode(value), value)
        if index is not None and self._has_null(index, parts):
            values.setdefault(encode(None), None)
        return [values[key] for key in sorted(values)]

    def _has_null(self, index: Index, parts: tuple[str, ...]) -> bool:
        """Whether null itself is there: what is missing has the same key."""
        for key in {encode(None, direction) for _, direction in index.fields}:
            for (seq,) in self._storage.rows(
                "select seq from entries where number=? and key=?", (index.number, key)
            ).fetchall():
                raw = self._storage.document(seq)
                if raw is not None and any(value is None for value in _along(view(raw), parts)):
                    return True
        return False

    def aggregate(
        self, stages: Any, database: "Joined", variables: Mapping[str, Any] | None = None
    ) -> Iterable[Mapping[str, Any]]:
        """What a pipeline gives; a `$match` in front goes through the indexes.

        Raises:
            CommandError: a stage that is refused, before any document is looked at.
        """
        variables = variables or {}
        run((), database, stages, variables)
        query, rest = absorbed(stages, variables)
        counted = counted_as(rest) if not query.order and not query.limit and not query.skip else None
        if counted is not None:
            return self._count_group(query, *counted)
        grouped = grouped_by(rest) if not query.criteria and not query.order else None
        index = self._single(grouped[0]) if grouped else None
        if grouped is not None and index is not None and not index.multikey:
            return run(self._index_groups(index, *grouped), database, rest[1:], variables)
        needed = needed_fields(rest)
        if needed is not None:
            pruned = (_pruned(found.view(), needed) for found in self.find(query))
            return run(pruned, database, rest, variables)
        return run([found.document() for found in self.find(query)], database, rest, variables)

    def _count_group(
        self, query: Query, identity: Any, name: str, bounds: tuple[int, int]
    ) -> Iterator[dict[str, Any]]:
        number = self.count(
            Query(query.criteria, skip=bounds[0], limit=bounds[1], variables=query.variables)
        )
        if number:
            yield {"_id": identity, name: number} if identity is not ... else {name: number}

    def _single(self, name: str) -> Index | None:
        indexes = self._collection.indexes if self._collection else []
        return next((i for i in indexes if i.complete and [f for f, _ in i.fields] == [name]), None)

    def _groups(self, index: Index) -> Iterator[tuple[bytes, int, bytes]]:
        """For each key of an index: the key, how many documents have it, and one of them."""
        rows = self._storage.rows(
            "select key, count(*), min(seq) from entries where number=? group by key", (index.number,)
        ).fetchall()
        for key, number, seq in rows:
            raw = self._storage.document(seq)
            if raw is not None:
                yield key, number, raw

    def _index_groups(self, index: Index, name: str, counter: str) -> list[dict[str, Any]]:
        parts = tuple(name.split("."))
        groups = []
        for _, number, raw in self._groups(index):
            value = values_at(decode(raw), parts)[0][0]
            groups.append({"_id": None if value is MISSING else value, counter: number})
        return groups

    # candidates

    def _candidates(self, way: Plan) -> Iterator[int]:
        assert self._collection is not None
        if way.index is None:
            direction = "desc" if way.reverse else "asc"
            rows = self._storage.rows(
                f"select seq from documents where collection=? order by seq {direction}",
                (self._collection.number,),
            )
            return (seq for (seq,) in rows)
        found = self._entries(way, way.index.number)
        return _once(found) if way.index.multikey else found

    def _entries(self, way: Plan, number: int) -> Iterator[int]:
        direction = "desc" if way.reverse else "asc"
        statement = (
            "select seq from entries where number=? and key>=? and key<?"
            f" order by key {direction}, seq {direction}"
        )
        for low, high in way.ranges:
            for (seq,) in self._storage.rows(statement, (number, low, high)):
                yield seq

    def _matching(self, candidates: Candidates, passes: Filter, exact: bool) -> Iterator[Found]:
        for seq in candidates:
            raw = self._storage.document(seq)
            if raw is None:
                continue
            if exact and not candidates.paused:
                yield Found(seq, raw)
                continue
            if passes(view(raw)):
                yield Found(seq, raw)


def _ranked(found: Iterable[Found], order: Order, stop: int | None) -> "array[int]":
    keyed = ((sort_key(one.view(), order), position, one.seq) for position, one in enumerate(found))
    ranked = sorted(keyed) if stop is None else heapq.nsmallest(stop, keyed)
    return array("q", (seq for _, _, seq in ranked))


@dataclass(frozen=True)
class Joined:
    """The other collections of a database, as pipelines ask for them."""

    storage: Storage
    name: str

    def documents(self, name: str, criteria: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The documents of a collection that match."""
        reader = Reader(self.storage, self.storage.collection(self.name, name))
        return [found.document() for found in reader.find(Query(criteria or {}))]


def _delivery(query: Query) -> Callable[[Found], bytes]:
    """What turns a document into the bytes that a client gets."""
    if not query.projection:
        return lambda found: found.raw
    projected = Projection(query.projection, variables=query.variables)
    kept = projected.kept_alone
    if kept is not None:
        return partial(_cut_out, projected, tree_of_bytes(kept))
    passes = Filter(query.criteria, query.variables) if projected.needs_place else None
    return lambda found: bson.encode(projected(found.view(), passes))


def _cut_out(projected: Projection, tree: Tree, found: Found) -> bytes:
    try:
        return cut(found.raw, tree)
    except NotCut:
        return bson.encode(projected(found.view()))


def _along(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path, elements of arrays one by one; a number in the path names an element of an array."""
    for position, part in enumerate(parts):
        if isinstance(value, list):
            index = position_of(part)
            if index is not None:
                if index < len(value):
                    yield from _along(value[index], parts[position + 1 :])
                return
            for element in value:
                if isinstance(element, Mapping):
                    yield from _along(element, parts[position:])
            return
        if not isinstance(value, Mapping) or part not in value:
            return
        value = value[part]
    yield from value if isinstance(value, list) else (value,)


def _once(seqs: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for seq in seqs:
        if seq not in seen:
            seen.add(seq)
            yield seq


def _pruned(document: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}
