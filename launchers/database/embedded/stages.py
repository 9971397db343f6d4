"""The stages of pipelines, on documents in memory."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from bson import Regex

from launchers.database.embedded.errors import CommandError, bad_value, failed_to_parse, not_supported
from launchers.database.embedded.expressions import Expression, Variables, expression, field_at
from launchers.database.embedded.groups import Group
from launchers.database.embedded.keys import MISSING, sort_key
from launchers.database.embedded.matching import Filter
from launchers.database.embedded.predicates import whole_number
from launchers.database.embedded.projecting import Projection, place
from launchers.database.embedded.unwinding import unwinding

Documents = Iterable[Mapping[str, Any]]
Stage = Callable[[Documents], Iterator[Mapping[str, Any]]]
Order = list[tuple[str, int]]


class Source(Protocol):
    """The other collections of a database."""

    def documents(self, name: str, criteria: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The documents of a collection that match."""


def run(documents: Documents, source: Source, stages: Any, variables: Variables | None = None) -> Documents:
    """What a pipeline makes of documents.

    Raises:
        CommandError: a stage that MongoDB or this server refuses, before any document is looked at.
    """
    if not isinstance(stages, list):
        raise CommandError(14, "TypeMismatch", "a pipeline must be an array")
    for stage in [_stage(stage, source, variables or {}) for stage in stages]:
        documents = stage(documents)
    return documents


def _stage(stage: Any, source: Source, variables: Variables) -> Stage:
    if not isinstance(stage, Mapping) or len(stage) != 1:
        raise CommandError(40323, "Location40323", "a stage of a pipeline has exactly one field")
    ((name, value),) = stage.items()
    if name in _PLAIN:
        return _PLAIN[name](value, variables)
    if name == "$lookup":
        return _lookup(value, source, variables)
    if name == "$unionWith":
        return _union(value, source)
    if name == "$facet":
        return _facet(value, source, variables)
    raise not_supported(f"the stage {name}")


def ordering(order: Any) -> Order:
    """The fields and directions of a sort.

    Raises:
        CommandError: a direction other than 1 and -1, or no field at all.
    """
    if not isinstance(order, Mapping):
        raise CommandError(14, "TypeMismatch", "a sort must be a document")
    found = []
    for name, direction in order.items():
        if isinstance(direction, Mapping):
            raise not_supported(f"sorting by {dict(direction)}")
        if isinstance(direction, bool) or not isinstance(direction, (int, float)) or direction not in (1, -1):
            raise CommandError(15975, "Location15975", "$sort key ordering must be 1 (ascending) or -1 (descending)")
        if name != "$natural" and (not all(name.split(".")) or name.startswith("$")):
            raise bad_value(f"'{name}' is no field to sort by")
        found.append((name, int(direction)))
    if len(found) > 1 and "$natural" in order:
        raise bad_value("$natural sort cannot be set to a value with other fields")
    return found


def number_of(value: Any, name: str, least: int) -> int:
    """The argument of `$skip` or `$limit`.

    Raises:
        CommandError: no whole number, or one below `least`.
    """
    found = whole_number(value, name)
    if found < least:
        raise CommandError(15958, "Location15958", f"{name} must be at least {least}")
    return found


def _match(value: Any, variables: Variables) -> Stage:
    passes = Filter(value, variables)
    return lambda documents: (document for document in documents if passes(document))


def _project(value: Any, variables: Variables) -> Stage:
    if not isinstance(value, Mapping) or not value:
        raise CommandError(51272, "Location51272", "projection specification must have at least one field")
    projected = Projection(value, of_find=False, variables=variables)
    return lambda documents: map(projected, documents)


def _without(value: Any, variables: Variables) -> Stage:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise bad_value("$unset needs names of fields")
    return _project(dict.fromkeys(names, False), variables)


def _with(value: Any, variables: Variables) -> Stage:
    if not isinstance(value, Mapping) or not value:
        raise CommandError(40272, "Location40272", "$addFields needs a document of fields")
    fields = list(_flattened(value, (), set(variables)))

    def added(document: Mapping[str, Any]) -> Mapping[str, Any]:
        made = dict(document)
        for path, compute in fields:
            place(made, path, compute(document, variables))
        return made

    return lambda documents: map(added, documents)


def _flattened(
    value: Mapping[str, Any], before: tuple[str, ...], names: set[str]
) -> Iterator[tuple[tuple[str, ...], Expression]]:
    seen: list[tuple[str, ...]] = []
    for name, inner in value.items():
        path = (*before, *name.split("."))
        if not all(path) or any(part.startswith("$") for part in path):
            raise CommandError(16410, "Location16410", f"'{name}' is no valid path")
        if any(path[: len(one)] == one[: len(path)] for one in seen):
            raise CommandError(40176, "Location40176", f"specification contains two conflicting paths: {name}")
        seen.append(path)
        if isinstance(inner, Mapping) and inner and not str(next(iter(inner))).startswith("$"):
            yield from _flattened(inner, path, names)
        else:
            yield path, expression(inner, names)


def _sort(value: Any, variables: Variables) -> Stage:
    del variables
    order = ordering(value)
    if not order or order[0][0] == "$natural":
        raise CommandError(15976, "Location15976", "$sort stage must have at least one sort key")
    return lambda documents: iter(sorted(documents, key=lambda document: sort_key(document, order)))


def _skip(value: Any, variables: Variables) -> Stage:
    del variables
    number = number_of(value, "$skip", 0)
    return lambda documents: islice(documents, number, None)


def _limit(value: Any, variables: Variables) -> Stage:
    del variables
    number = number_of(value, "$limit", 1)
    return lambda documents: islice(documents, number)


def _group(value: Any, variables: Variables) -> Stage:
    return Group(value, variables)


def name_of_count(value: Any) -> str:
    """The name that `$count` gives its result.

    Raises:
        CommandError: no name of a field.
    """
    if not isinstance(value, str) or not value or value.startswith("$") or "." in value or "\0" in value:
        raise CommandError(40156, "Location40156", "$count needs the name of a field")
    return value


def _count(value: Any, variables: Variables) -> Stage:
    del variables
    name = name_of_count(value)

    def counted(documents: Documents) -> Iterator[Mapping[str, Any]]:
        number = sum(1 for _ in documents)
        if number:
            yield {name: number}

    return counted


def _sort_by_count(value: Any, variables: Variables) -> Stage:
    if not isinstance(value, (str, Mapping)) or not str(next(iter(value), "")).startswith("$"):
        raise CommandError(40149, "Location40149", "$sortByCount needs an expression")
    grouped = Group({"_id": value, "count": {"$sum": 1}}, variables)
    return lambda documents: iter(sorted(grouped(documents), key=lambda group: -group["count"]))


def _replace_root(value: Any, variables: Variables) -> Stage:
    if not isinstance(value, Mapping) or set(value) != {"newRoot"}:
        raise CommandError(40231, "Location40231", "$replaceRoot needs newRoot")
    return _replace_with(value["newRoot"], variables)


def _replace_with(value: Any, variables: Variables) -> Stage:
    root = expression(value, set(variables))

    def replaced(document: Mapping[str, Any]) -> Mapping[str, Any]:
        made = root(document, variables)
        if not isinstance(made, Mapping):
            raise CommandError(40228, "Location40228", "'newRoot' expression must evaluate to an object")
        return made

    return lambda documents: map(replaced, documents)


def _sample(value: Any, variables: Variables) -> Stage:
    del variables
    if not isinstance(value, Mapping) or set(value) != {"size"}:
        raise CommandError(28745, "Location28745", "$sample needs a size")
    size = number_of(value["size"], "size of $sample", 1)

    def sampled(documents: Documents) -> Iterator[Mapping[str, Any]]:
        every = list(documents)
        return iter(random.sample(every, min(size, len(every))))

    return sampled


_PLAIN: dict[str, Callable[[Any, Variables], Stage]] = {
    "$match": _match,
    "$project": _project,
    "$unset": _without,
    "$addFields": _with,
    "$set": _with,
    "$sort": _sort,
    "$skip": _skip,
    "$limit": _limit,
    "$group": _group,
    "$count": _count,
    "$sortByCount": _sort_by_count,
    "$unwind": lambda value, _: unwinding(value),
    "$replaceRoot": _replace_root,
    "$replaceWith": _replace_with,
    "$sample": _sample,
}
# of these an update can be made
OF_UPDATES = {"$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"}


def _lookup(value: Any, source: Source, variables: Variables) -> Stage:
    if not isinstance(value, Mapping):
        raise failed_to_parse("$lookup needs a document")
    known = {"from", "as", "localField", "foreignField", "let", "pipeline"}
    target = value.get("as")
    if set(value) - known or not isinstance(value.get("from"), str) or not isinstance(target, str) or not target:
        raise failed_to_parse("$lookup needs from and as, and knows localField, foreignField, let, pipeline")
    if ("localField" in value) != ("foreignField" in value) or not {"localField", "pipeline"} & set(value):
        raise failed_to_parse("$lookup needs localField and foreignField, or a pipeline")
    if "." in target or target.startswith("$"):
        raise not_supported("$lookup into a nested field")
    bound = {name: expression(one, set(variables)) for name, one in value.get("let", {}).items()}
    # refused before the first document
    run((), source, value.get("pipeline", []), {**variables, **dict.fromkeys(bound)})

    def joined(document: Mapping[str, Any]) -> Mapping[str, Any]:
        inner = {**variables, **{name: one(document, variables) for name, one in bound.items()}}
        criteria = _joining(document, value) if "localField" in value else {}
        found = source.documents(value["from"], criteria)
        return {**document, target: list(run(found, source, value.get("pipeline", []), inner))}

    return lambda documents: map(joined, documents)


def _joining(document: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    found = field_at(document, tuple(value["localField"].split(".")))
    wanted = found if isinstance(found, list) else [None if found is MISSING else found]
    if any(isinstance(one, Regex) for one in wanted):
        raise not_supported("$lookup of a regular expression")
    return {value["foreignField"]: {"$in": wanted}}


def _union(value: Any, source: Source) -> Stage:
    given = value if isinstance(value, Mapping) else {"coll": value}
    if set(given) - {"coll", "pipeline"} or not isinstance(given.get("coll"), str):
        raise failed_to_parse("$unionWith needs a collection")
    run((), source, given.get("pipeline", []))

    def united(documents: Documents) -> Iterator[Mapping[str, Any]]:
        yield from documents
        yield from run(source.documents(given["coll"]), source, given.get("pipeline", []))

    return united


def _facet(value: Any, source: Source, variables: Variables) -> Stage:
    if not isinstance(value, Mapping) or not value:
        raise CommandError(40169, "Location40169", "$facet needs pipelines")
    for stages in value.values():
        if isinstance(stages, list) and any("$facet" in stage for stage in stages):
            raise CommandError(40600, "Location40600", "$facet is not allowed to be used within a $facet stage")
        run((), source, stages, variables)

    def faceted(documents: Documents) -> Iterator[Mapping[str, Any]]:
        every = list(documents)
        yield {name: list(run(every, source, stages, variables)) for name, stages in value.items()}

    return faceted


