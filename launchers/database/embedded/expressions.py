"""Expressions of pipelines, `$expr` and projections: read once, then evaluated for many documents."""

from collections.abc import Callable, Mapping
from typing import Any

from launchers.database.embedded.arithmetic import is_null, needed
from launchers.database.embedded.errors import CommandError, bad_value, failed_to_parse, not_supported
from launchers.database.embedded.keys import MISSING, same
from launchers.database.embedded.operators import OPERATORS

Variables = Mapping[str, Any]
Expression = Callable[[Mapping[str, Any], Variables], Any]


def is_true(value: Any) -> bool:
    """Whether a value counts as true: all but false, null, missing and zero."""
    return not (is_null(value) or value is False or (isinstance(value, (int, float)) and value == 0))


def expression(value: Any, names: set[str]) -> Expression:
    """What computes an expression; its result is MISSING where a field is.

    Raises:
        CommandError: an operator or variable that is not known; `names` are those of the variables.
    """
    if isinstance(value, str) and value.startswith("$$"):
        return _variable(value[2:], names)
    if isinstance(value, str) and value.startswith("$"):
        parts = _field_parts(value[1:])
        return lambda document, _: field_at(document, parts)
    if isinstance(value, list):
        items = [expression(item, names) for item in value]
        return lambda document, variables: [_stored(item(document, variables)) for item in items]
    if isinstance(value, Mapping):
        name = str(next(iter(value), ""))
        if name.startswith("$"):
            if len(value) != 1:
                raise CommandError(15983, "Location15983", f"an expression has exactly one operator: {list(value)}")
            return _operation(name, value[name], names)
        return _document(value, names)
    return lambda *_: value


def _stored(value: Any) -> Any:
    return None if value is MISSING else value


def _field_parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.split("."))
    if not all(parts) or any(part.startswith("$") for part in parts):
        raise CommandError(16410, "Location16410", f"'${path}' is no valid field path")
    return parts


def field_at(value: Any, parts: tuple[str, ...]) -> Any:
    """The value at a path as expressions see it: of an array of documents, an array of theirs."""
    for position, part in enumerate(parts):
        if isinstance(value, list):
            inner = (field_at(item, parts[position:]) for item in value if isinstance(item, Mapping))
            return [item for item in inner if item is not MISSING]
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def _variable(path: str, names: set[str]) -> Expression:
    name, *rest = path.split(".")
    parts = _field_parts(".".join(rest)) if rest else ()
    if name in ("ROOT", "CURRENT"):
        return lambda document, _: field_at(document, parts)
    if name == "REMOVE" and not parts:
        return lambda *_: MISSING
    if name in names:
        return lambda _, variables: field_at(variables[name], parts)
    if name in ("NOW", "CLUSTER_TIME", "DESCEND", "PRUNE", "KEEP", "SEARCH_META", "USER_ROLES"):
        raise not_supported(f"$${name}")
    raise CommandError(17276, "Location17276", f"Use of undefined variable: {name}")


def _document(value: Mapping[str, Any], names: set[str]) -> Expression:
    for name in value:
        if not name or "." in name or name.startswith("$"):
            raise CommandError(16412, "Location16412", f"FieldPath field names may not be like this: '{name}'")
    fields = {name: expression(item, names) for name, item in value.items()}

    def made(document: Mapping[str, Any], variables: Variables) -> Any:
        found = ((name, field(document, variables)) for name, field in fields.items())
        return {name: item for name, item in found if item is not MISSING}

    return made


def _operation(name: str, value: Any, names: set[str]) -> Expression:
    if name in ("$literal", "$const"):
        return lambda *_: value
    special = _SPECIAL.get(name)
    if special is not None:
        return special(value, names)
    if name not in OPERATORS:
        raise not_supported(f"the expression {name}")
    low, high, operate = OPERATORS[name]
    arguments = value if isinstance(value, list) else [value]
    if not low <= len(arguments) <= high:
        raise CommandError(16020, "Location16020", f"{name} does not take {len(arguments)} arguments")
    read = [expression(argument, names) for argument in arguments]
    return lambda document, variables: operate([one(document, variables) for one in read])


def _fields(value: Any, name: str, wanted: set[str], optional: set[str] = frozenset()) -> Mapping[str, Any]:  # type: ignore[assignment]
    if not isinstance(value, Mapping) or not wanted <= set(value) <= wanted | optional:
        raise failed_to_parse(f"{name} needs a document of {sorted(wanted)}")
    return value


def _conditional(value: Any, names: set[str]) -> Expression:
    if isinstance(value, list) and len(value) == 3:
        parts = value
    else:
        given = _fields(value, "$cond", {"if", "then", "else"})
        parts = [given["if"], given["then"], given["else"]]
    test, yes, no = (expression(part, names) for part in parts)
    return lambda d, v: yes(d, v) if is_true(test(d, v)) else no(d, v)


def _switch(value: Any, names: set[str]) -> Expression:
    given = _fields(value, "$switch", {"branches"}, {"default"})
    branches = []
    for branch in given["branches"]:
        parts = _fields(branch, "a branch of $switch", {"case", "then"})
        branches.append((expression(parts["case"], names), expression(parts["then"], names)))
    default = expression(given["default"], names) if "default" in given else None

    def chosen(document: Mapping[str, Any], variables: Variables) -> Any:
        for test, result in branches:
            if is_true(test(document, variables)):
                return result(document, variables)
        if default is None:
            raise CommandError(40066, "Location40066", "$switch could not find a matching branch")
        return default(document, variables)

    return chosen


def _first_not_null(value: Any, names: set[str]) -> Expression:
    if not isinstance(value, list) or len(value) < 2:
        raise bad_value("$ifNull needs at least two arguments")
    read = [expression(argument, names) for argument in value]

    def found(document: Mapping[str, Any], variables: Variables) -> Any:
        result: Any = None
        for one in read:
            result = one(document, variables)
            if not is_null(result):
                break
        return result

    return found


def _both(value: Any, names: set[str]) -> Expression:
    read = [expression(a, names) for a in (value if isinstance(value, list) else [value])]
    return lambda d, v: all(is_true(one(d, v)) for one in read)


def _either(value: Any, names: set[str]) -> Expression:
    read = [expression(a, names) for a in (value if isinstance(value, list) else [value])]
    return lambda d, v: any(is_true(one(d, v)) for one in read)


def _negation(value: Any, names: set[str]) -> Expression:
    arguments = value if isinstance(value, list) else [value]
    if len(arguments) != 1:
        raise bad_value("$not takes one argument")
    read = expression(arguments[0], names)
    return lambda d, v: not is_true(read(d, v))


def _let(value: Any, names: set[str]) -> Expression:
    given = _fields(value, "$let", {"vars", "in"})
    bound = {name: expression(one, names) for name, one in given["vars"].items()}
    inner = expression(given["in"], names | set(bound))
    return lambda d, v: inner(d, {**v, **{name: one(d, v) for name, one in bound.items()}})


def _items(operator: str, value: Any) -> list[Any] | None:
    """What an operator goes through; None where it is null or missing."""
    return None if is_null(value) else needed(value, list, operator, "an array")


def _map(value: Any, names: set[str]) -> Expression:
    given = _fields(value, "$map", {"input", "in"}, {"as"})
    name = given.get("as", "this")
    array, inner = expression(given["input"], names), expression(given["in"], names | {name})

    def mapped(document: Mapping[str, Any], variables: Variables) -> Any:
        items = _items("$map", array(document, variables))
        return items and [_stored(inner(document, {**variables, name: item})) for item in items]

    return mapped


def _filtered(value: Any, names: set[str]) -> Expression:
    given = _fields(value, "$filter", {"input", "cond"}, {"as"})
    name = given.get("as", "this")
    array, test = expression(given["input"], names), expression(given["cond"], names | {name})

    def kept(document: Mapping[str, Any], variables: Variables) -> Any:
        items = _items("$filter", array(document, variables))
        return items and [item for item in items if is_true(test(document, {**variables, name: item}))]

    return kept


def _reduced(value: Any, names: set[str]) -> Expression:
    given = _fields(value, "$reduce", {"input", "initialValue", "in"})
    array, start = expression(given["input"], names), expression(given["initialValue"], names)
    inner = expression(given["in"], names | {"this", "value"})

    def result(document: Mapping[str, Any], variables: Variables) -> Any:
        items = array(document, variables)
        if is_null(items):
            return None
        total = start(document, variables)
        for item in needed(items, list, "$reduce", "an array"):
            total = inner(document, {**variables, "this": item, "value": total})
        return total

    return result


def _contains(value: Any, names: set[str]) -> Expression:
    if not isinstance(value, list) or len(value) != 2:
        raise bad_value("$in takes two arguments")
    item, array = (expression(argument, names) for argument in value)

    def found(document: Mapping[str, Any], variables: Variables) -> bool:
        wanted = item(document, variables)
        items = needed(array(document, variables), list, "$in", "an array as its second argument")
        return wanted is not MISSING and any(same(wanted, one) for one in items)

    return found


def _dated(value: Any, names: set[str]) -> Expression:
    from launchers.database.embedded.operators import date_to_string

    given = _fields(value, "$dateToString", {"date"}, {"format"})
    moment, form = expression(given["date"], names), given.get("format", "%Y-%m-%dT%H:%M:%S.%LZ")
    return lambda d, v: date_to_string(moment(d, v), form)


_SPECIAL: dict[str, Callable[[Any, set[str]], Expression]] = {
    "$cond": _conditional,
    "$switch": _switch,
    "$ifNull": _first_not_null,
    "$and": _both,
    "$or": _either,
    "$not": _negation,
    "$let": _let,
    "$map": _map,
    "$filter": _filtered,
    "$reduce": _reduced,
    "$in": _contains,
    "$dateToString": _dated,
}
