"""Filters: read once, refused where they make no sense, then asked of many documents."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bson import Regex

from launchers.database.embedded.errors import CommandError, bad_value, failed_to_parse, not_supported
from launchers.database.embedded.expressions import expression, is_true
from launchers.database.embedded.keys import MISSING
from launchers.database.embedded.paths import THROUGH, Seen, plain_at, seen
from launchers.database.embedded.patterns import pattern
from launchers.database.embedded.predicates import (
    Predicate,
    compares,
    equals,
    has_type,
    is_in,
    matches,
    modulo,
    regular_expression,
    whole_number,
)

# what gives a condition its values: with the elements of an array at the end of the path, or without
Values = Callable[[bool], Iterable[Seen]]


class Matched:
    """Where in an array a filter found what it looks for: what `$` in an update or a projection stands for."""

    def __init__(self) -> None:
        self.position: int | None = None

    def record(self, position: int | None) -> None:
        """Take note of a position.

        Raises:
            CommandError: another condition found another one.
        """
        if position is not None and self.position not in (None, position):
            raise not_supported("the positional operator, where conditions of the filter name different elements")
        self.position = self.position if position is None else position


Condition = Callable[[Values, Matched | None], bool]
Test = Callable[[Mapping[str, Any], Matched | None], bool]


class Filter:
    """A filter, ready for many documents; `variables` are those that `$expr` may name.

    Raises:
        CommandError: on construction for what MongoDB or this server refuses; on use for values that nobody can compare.
    """

    def __init__(self, criteria: Mapping[str, Any], variables: Mapping[str, Any] | None = None) -> None:
        self._test = _document_test(criteria, variables or {})

    def __call__(self, document: Mapping[str, Any], matched: Matched | None = None) -> bool:
        """Whether a document passes; `matched` learns where."""
        return self._test(document, matched)


def _document_test(criteria: Any, variables: Mapping[str, Any]) -> Test:
    if not isinstance(criteria, Mapping):
        raise bad_value("a filter must be a document")
    tests = [
        _logical(name, value, variables) if name.startswith("$") else _of_field(name, value, variables)
        for name, value in criteria.items()
    ]
    if len(tests) == 1:
        return tests[0]
    return lambda document, matched: all(test(document, matched) for test in tests)


def _logical(name: str, value: Any, variables: Mapping[str, Any]) -> Test:
    if name == "$comment":
        return lambda *_: True
    if name == "$expr":
        return _expression(value, variables)
    if name in ("$where", "$text", "$jsonSchema", "$alwaysTrue", "$alwaysFalse", "$sampleRate"):
        raise not_supported(name)
    if name not in ("$and", "$or", "$nor"):
        raise bad_value(f"unknown top level operator: {name}")
    if not isinstance(value, list) or not value:
        raise bad_value(f"{name} must be a nonempty array")
    tests = [_document_test(part, variables) for part in value]
    if name == "$and":
        return lambda document, matched: all(test(document, matched) for test in tests)
    if name == "$or":
        return _either(tests)
    return lambda document, _: not any(test(document, None) for test in tests)


def _either(tests: list[Test]) -> Test:
    def passes(document: Mapping[str, Any], matched: Matched | None) -> bool:
        for test in tests:
            # what a branch found that fails in the end does not count
            found = None if matched is None else Matched()
            if test(document, found):
                if matched is not None and found is not None:
                    matched.record(found.position)
                return True
        return False

    return passes


def _expression(value: Any, variables: Mapping[str, Any]) -> Test:
    evaluate = expression(value, set(variables))
    return lambda document, _: is_true(evaluate(document, variables))


def _of_field(name: str, value: Any, variables: Mapping[str, Any]) -> Test:
    del variables
    parts = tuple(name.split("."))
    condition = _condition(value)

    def test(document: Mapping[str, Any], matched: Matched | None) -> bool:
        value = plain_at(document, parts)
        if value is THROUGH:
            return condition(lambda traverse: seen(document, parts, traverse), matched)
        only = ((value, None),)
        return condition(lambda _: only, matched)

    return test


def is_operators(value: Any) -> bool:
    """Whether a value in a filter is operators, not something to be equal to."""
    return isinstance(value, Mapping) and str(next(iter(value), "")).startswith("$") and not _is_reference(value)


def _is_reference(value: Mapping[str, Any]) -> bool:
    return next(iter(value)) in ("$ref", "$id", "$db")


def _condition(value: Any) -> Condition:
    """The condition that the value of a field in a filter stands for."""
    if isinstance(value, Regex):
        return _any(regular_expression(value))
    if not is_operators(value):
        return _any(equals(value))
    conditions = [_operator(name, wanted, value) for name, wanted in value.items()]
    return _all(conditions)


def _any(predicate: Predicate, traverse: bool = True) -> Condition:
    def condition(values: Values, matched: Matched | None) -> bool:
        for value, position in values(traverse):
            if predicate(value):
                if matched is not None:
                    matched.record(position)
                return True
        return False

    return condition


def _all(conditions: list[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    return lambda values, matched: all(condition(values, matched) for condition in conditions)


def _not(condition: Condition) -> Condition:
    return lambda values, _: not condition(values, None)


def _operator(name: str, wanted: Any, operators: Mapping[str, Any]) -> Condition:
    made = _OPERATORS.get(name)
    if made is not None:
        return made(wanted)
    if name == "$regex":
        options = operators.get("$options", "")
        if not isinstance(options, str):
            raise bad_value("$options has to be a string")
        return _any(matches(pattern(wanted, options)))
    if name == "$options":
        if "$regex" not in operators:
            raise bad_value("$options needs a $regex")
        return lambda *_: True
    if name in _REFUSED:
        raise not_supported(name)
    raise bad_value(f"unknown operator: {name}")


_REFUSED = {
    *("$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear", "$geoWithin", "$geoIntersects"),
    *("$near", "$nearSphere", "$within", "$where", "$text", "$expr", "$jsonSchema"),
}


def _different(wanted: Any) -> Condition:
    if isinstance(wanted, Regex):
        raise bad_value("Can't have regex as arg to $ne.")
    return _not(_any(equals(wanted)))


def _negated(wanted: Any) -> Condition:
    if isinstance(wanted, Regex):
        return _not(_condition(wanted))
    if not is_operators(wanted):
        raise bad_value("$not needs a regex or a document of operators")
    return _not(_condition(wanted))


def _exists(wanted: Any) -> Condition:
    there = _any(lambda value: value is not MISSING, traverse=False)
    false = wanted is None or (isinstance(wanted, (bool, int, float)) and not wanted)
    return _not(there) if false else there


def _size(wanted: Any) -> Condition:
    size = whole_number(wanted, "$size")
    if size < 0:
        raise bad_value(f"$size may not be negative, but is {size}")
    return _any(lambda value: isinstance(value, list) and len(value) == size, traverse=False)


def _every(wanted: Any) -> Condition:
    if not isinstance(wanted, list):
        raise bad_value("$all needs an array")
    if not wanted:
        return lambda *_: False
    first = is_operators(wanted[0]) and "$elemMatch" in wanted[0]
    conditions = []
    for value in wanted:
        if is_operators(value):
            if not first or set(value) != {"$elemMatch"}:
                raise bad_value("no $ expressions in $all")
        elif first:
            raise bad_value("$all/$elemMatch has to be consistent")
        conditions.append(_condition(value))
    return _all(conditions)


def _element(wanted: Any) -> Condition:
    """`$elemMatch`: of documents, or of values where its first name is an operator."""
    if not isinstance(wanted, Mapping):
        raise bad_value("$elemMatch needs an Object")
    name = str(next(iter(wanted), ""))
    if name.startswith("$") and name not in ("$and", "$or", "$nor", "$expr", "$where", "$comment"):
        condition = _condition(wanted)

        def holds(value: Any) -> bool:
            return condition(lambda _: iter(((value, None),)), None)
    else:
        test = _document_test(wanted, {})

        def holds(value: Any) -> bool:
            if isinstance(value, list):
                value = {str(number): element for number, element in enumerate(value)}
            return isinstance(value, Mapping) and test(value, None)

    def found(values: Values, matched: Matched | None) -> bool:
        for array, position in values(False):
            for number, value in enumerate(array if isinstance(array, list) else ()):
                if holds(value):
                    if matched is not None:
                        matched.record(number if position is None else position)
                    return True
        return False

    return found


_OPERATORS: dict[str, Callable[[Any], Condition]] = {
    "$eq": lambda wanted: _any(equals(wanted)),
    "$ne": _different,
    "$gt": lambda wanted: _any(compares("$gt", wanted)),
    "$gte": lambda wanted: _any(compares("$gte", wanted)),
    "$lt": lambda wanted: _any(compares("$lt", wanted)),
    "$lte": lambda wanted: _any(compares("$lte", wanted)),
    "$in": lambda wanted: _any(is_in(wanted)),
    "$nin": lambda wanted: _not(_any(is_in(wanted))),
    "$not": _negated,
    "$exists": _exists,
    "$type": lambda wanted: _any(has_type(wanted)),
    "$mod": lambda wanted: _any(modulo(wanted)),
    "$size": _size,
    "$all": _every,
    "$elemMatch": _element,
    "$comment": lambda _: lambda *_: True,
}


def element_filter(condition: Any) -> Callable[[Any], bool]:
    """Which elements of an array `$pull` takes out.

    Raises:
        CommandError: as `Filter` does.
    """
    logical = isinstance(condition, Mapping) and next(iter(condition), "") in ("$and", "$or", "$nor", "$comment")
    if isinstance(condition, Regex) or (is_operators(condition) and not logical):
        found = _condition(condition)
        # an element that is an array is looked into
        return lambda element: found(lambda traverse: seen({"": element}, ("",), traverse), None)
    if isinstance(condition, Mapping):
        test = _document_test(condition, {})
        return lambda element: isinstance(element, Mapping) and test(element, None)
    return equals(condition)


def array_filters(given: Any) -> dict[str, Filter]:
    """The filters of `$[name]`, by their names.

    Raises:
        CommandError: not each about one name of its own.
    """
    found: dict[str, Filter] = {}
    if not isinstance(given, list):
        raise CommandError(14, "TypeMismatch", "arrayFilters must be an array")
    for criteria in given:
        names = _names(criteria)
        if len(names) != 1:
            raise failed_to_parse("each of arrayFilters must be about exactly one name")
        (name,) = names
        if name in found:
            raise failed_to_parse(f"found multiple array filters with the same top-level field name {name}")
        if not name[:1].islower() or not name.isalnum() or not name.isascii():
            raise bad_value(f"the name of an array filter must begin with a lowercase letter: {name}")
        found[name] = Filter(criteria)
    return found


def _names(criteria: Any) -> set[str]:
    if not isinstance(criteria, Mapping):
        raise failed_to_parse("each of arrayFilters must be a document")
    names: set[str] = set()
    for name, value in criteria.items():
        if name in ("$and", "$or", "$nor") and isinstance(value, list):
            names = names.union(*map(_names, value))
        elif name.startswith("$"):
            raise not_supported(f"{name} in arrayFilters")
        else:
            names.add(name.split(".")[0])
    return names
