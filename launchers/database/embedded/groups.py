"""`$group`: documents by the value of an expression, and what adds them up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from launchers.database.embedded.arithmetic import extreme, is_null, mean, total
from launchers.database.embedded.errors import CommandError, not_supported
from launchers.database.embedded.expressions import Expression, Variables, expression
from launchers.database.embedded.keys import MISSING, encode
from launchers.database.embedded.operators import OPERATORS

Accumulator = Callable[[list[Any]], Any]


def _first(values: list[Any]) -> Any:
    return None if values[0] is MISSING else values[0]


def _pushed(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not MISSING]


def _different(values: list[Any]) -> list[Any]:
    return list({encode(value): value for value in reversed(_pushed(values))}.values())


def _merged(values: list[Any]) -> Any:
    return OPERATORS["$mergeObjects"][2]([value for value in values if not is_null(value)])


_ACCUMULATORS: dict[str, Accumulator] = {
    "$sum": total,
    "$avg": mean,
    "$min": lambda values: extreme(values, False),
    "$max": lambda values: extreme(values, True),
    "$first": _first,
    "$last": lambda values: _first(values[-1:]),
    "$push": _pushed,
    "$addToSet": _different,
    "$mergeObjects": _merged,
    "$count": len,
}


class Group:
    """A `$group` stage.

    Raises:
        CommandError: on construction: no `_id`, or an accumulator that is not known.
    """

    def __init__(self, value: Any, variables: Variables) -> None:
        if not isinstance(value, Mapping) or "_id" not in value:
            raise CommandError(15955, "Location15955", "a group specification must include an _id")
        self._variables = variables
        names = set(variables)
        self._identity = expression(value["_id"], names)
        self._fields = {name: _field(name, one, names) for name, one in value.items() if name != "_id"}

    def __call__(self, documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The groups, in the order in which they are met."""
        identities: dict[bytes, Any] = {}
        values: dict[bytes, list[list[Any]]] = {}
        for document in documents:
            identity = self._identity(document, self._variables)
            key = encode(identity)
            if key not in identities:
                identities[key] = None if identity is MISSING else identity
                values[key] = [[] for _ in self._fields]
            for kept, (read, _) in zip(values[key], self._fields.values(), strict=True):
                kept.append(read(document, self._variables))
        for key, identity in identities.items():
            found = zip(self._fields.items(), values[key], strict=True)
            yield {"_id": identity} | {name: add_up(kept) for (name, (_, add_up)), kept in found}


def _field(name: str, value: Any, names: set[str]) -> tuple[Expression, Accumulator]:
    if not name or "." in name or name.startswith("$"):
        raise CommandError(40235, "Location40235", f"the field name '{name}' cannot be a field of a group")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise CommandError(40234, "Location40234", f"the field '{name}' must be an accumulator object")
    ((operator, argument),) = value.items()
    if operator not in _ACCUMULATORS:
        raise not_supported(f"the accumulator {operator}")
    if operator == "$count" and argument != {}:
        raise CommandError(9, "FailedToParse", "$count takes no arguments")
    if isinstance(argument, list) and operator != "$push":
        raise CommandError(40237, "Location40237", f"The {operator} accumulator is a unary operator")
    return expression(argument, names), _ACCUMULATORS[operator]
