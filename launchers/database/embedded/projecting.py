"""Projections: which fields of a document are kept, left out or computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from launchers.database.embedded.cutting import WHOLE
from launchers.database.embedded.errors import CommandError, bad_value, not_supported
from launchers.database.embedded.expressions import Variables, expression
from launchers.database.embedded.keys import MISSING
from launchers.database.embedded.matching import Filter, Matched
from launchers.database.embedded.operators import sliced
from launchers.database.embedded.predicates import is_number, whole_number

_KEEP, _DROP = WHOLE, "drop"
Tree = dict[str, Any]


@dataclass
class _Parts:
    """What a projection says: a tree of what is kept, dropped or sliced, and what is made besides."""

    tree: Tree = field(default_factory=dict)
    kept: bool = False
    dropped: bool = False
    computed: list[tuple[tuple[str, ...], Callable[..., Any]]] = field(default_factory=list)
    elements: list[tuple[str, Filter]] = field(default_factory=list)
    positional: tuple[str, ...] | None = None


class Projection:
    """A projection, ready for many documents; `of_find` has `$slice`, `$elemMatch` and `$` besides expressions.

    Raises:
        CommandError: on construction for a mixture or a collision of paths; on use for `$` without an element.
    """

    def __init__(self, fields: Any, of_find: bool = True, variables: Variables | None = None) -> None:
        if not isinstance(fields, Mapping):
            raise bad_value("a projection must be a document")
        self._variables = variables or {}
        self._parts = _Parts()
        self._of_find = of_find
        self._identity: Any = None
        for name, value in fields.items():
            self._read(name, value)
        parts = self._parts
        self.inclusive = parts.kept or bool(parts.computed or parts.elements) or parts.positional is not None
        if not (parts.kept or parts.dropped or self.inclusive):
            self.inclusive = self._identity == _KEEP
        if self.inclusive and parts.dropped:
            raise CommandError(31254, "Location31254", "cannot do exclusion in inclusion projection")
        if self._identity == _DROP and not self.inclusive:
            parts.tree["_id"] = _DROP
        if self.inclusive and self._identity != _DROP:
            parts.tree.setdefault("_id", _KEEP)

    @property
    def needs_place(self) -> bool:
        """Whether it needs to know where the filter found its element."""
        return self._parts.positional is not None

    @property
    def kept_alone(self) -> Tree | None:
        """What is kept, as a tree, where that is all that it says."""
        parts = self._parts
        more = parts.computed or parts.elements or parts.positional is not None
        return None if more or not self.inclusive or not _is_kept(parts.tree) else parts.tree

    def _read(self, name: str, value: Any) -> None:
        plain = isinstance(value, bool) or is_number(value)
        if name == "_id" and plain:
            self._identity = _KEEP if value else _DROP
            return
        path = tuple(name.split("."))
        if self._of_find and len(path) > 1 and path[-1] == "$":
            if not plain or not value or self._parts.positional is not None:
                raise CommandError(31276, "Location31276", "a projection has one positional operator, and keeps it")
            self._parts.positional, path = path[:-1], path[:-1]
        self._enter(path, value, plain)

    def _enter(self, path: tuple[str, ...], value: Any, plain: bool) -> None:
        if not all(path) or any(part.startswith("$") for part in path):
            raise CommandError(16410, "Location16410", f"'{'.'.join(path)}' is no valid path of a projection")
        parts = self._parts
        if plain:
            _plant(parts.tree, path, _KEEP if value else _DROP)
            parts.kept, parts.dropped = parts.kept or bool(value), parts.dropped or not value
        elif isinstance(value, Mapping) and not str(next(iter(value), "")).startswith("$"):
            if not value:
                raise CommandError(51270, "Location51270", "an empty sub-projection is not a valid value")
            for name, inner in value.items():
                self._enter((*path, *name.split(".")), inner, isinstance(inner, bool) or is_number(inner))
        elif self._of_find and isinstance(value, Mapping) and set(value) & {"$slice", "$elemMatch", "$meta"}:
            self._special(path, value)
        else:
            _plant(parts.tree, path, None)
            parts.computed.append((path, expression(value, set(self._variables))))

    def _special(self, path: tuple[str, ...], value: Mapping[str, Any]) -> None:
        if set(value) == {"$slice"}:
            _plant(self._parts.tree, path, _slicing(value["$slice"]))
        elif set(value) == {"$elemMatch"} and isinstance(value["$elemMatch"], Mapping):
            if len(path) > 1:
                raise CommandError(31275, "Location31275", "Cannot use $elemMatch projection on a nested field")
            _plant(self._parts.tree, path, None)
            self._parts.elements.append((path[0], Filter({path[0]: {"$elemMatch": value["$elemMatch"]}})))
        else:
            raise not_supported(f"the projection {dict(value)}")

    def __call__(self, document: Mapping[str, Any], passes: Filter | None = None) -> dict[str, Any]:
        """The projected document; `passes` is the filter that found it."""
        parts = self._parts
        made = _kept(document, parts.tree) if self.inclusive else _left(document, parts.tree)
        if parts.positional is not None:
            _reduce(made, parts.positional, _place(document, passes))
        for name, one in parts.elements:
            found = Matched()
            if one(document, found) and found.position is not None:
                made[name] = [document[name][found.position]]
        for path, compute in parts.computed:
            _check_no_array(document, path)
            place(made, path, compute(document, self._variables))
        return made


def _plant(tree: Tree, path: tuple[str, ...], leaf: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise CommandError(31249, "Location31249", f"Path collision at {'.'.join(path)}")
    if path[-1] in tree:
        raise CommandError(31250, "Location31250", f"Path collision at {'.'.join(path)}")
    tree[path[-1]] = leaf


def _is_kept(tree: Tree) -> bool:
    return all(_is_kept(leaf) if isinstance(leaf, dict) else leaf == _KEEP for leaf in tree.values())


def _slicing(value: Any) -> Callable[[Any], Any]:
    numbers = value if isinstance(value, list) else [value]
    if not 1 <= len(numbers) <= 2:
        raise bad_value("$slice needs a number, or two")
    bounds = [whole_number(n, "$slice") for n in numbers]
    if len(bounds) == 2 and bounds[1] <= 0:
        raise bad_value("$slice needs a positive number of elements")
    return lambda value: sliced(value, *bounds) if isinstance(value, list) else value


def _kept(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in document.items():
        leaf = tree.get(name)
        if leaf == _KEEP:
            made[name] = value
        elif callable(leaf):
            made[name] = leaf(value)
        elif isinstance(leaf, dict):
            inner = _kept_in(value, leaf)
            if inner is not MISSING:
                made[name] = inner
    return made


def _kept_in(value: Any, tree: Tree) -> Any:
    if isinstance(value, Mapping):
        return _kept(value, tree)
    if isinstance(value, list):
        inner = (_kept_in(element, tree) for element in value)
        return [element for element in inner if element is not MISSING]
    return MISSING


def _left(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in document.items():
        leaf = tree.get(name)
        if leaf == _DROP:
            continue
        if callable(leaf):
            value = leaf(value)
        elif isinstance(leaf, dict):
            value = _left_in(value, leaf)
        made[name] = value
    return made


def _left_in(value: Any, tree: Tree) -> Any:
    if isinstance(value, Mapping):
        return _left(value, tree)
    return [_left_in(element, tree) for element in value] if isinstance(value, list) else value


def _place(document: Mapping[str, Any], passes: Filter | None) -> int:
    found = Matched()
    if passes is not None:
        passes(document, found)
    if found.position is None:
        raise CommandError(51246, "Location51246", "positional operator '.$' couldn't find a matching element")
    return found.position


def _reduce(made: dict[str, Any], path: tuple[str, ...], position: int) -> None:
    inner: Any = made
    for part in path[:-1]:
        if isinstance(inner, list):
            raise not_supported("a positional projection through another array")
        inner = inner.get(part) if isinstance(inner, dict) else None
    value = inner.get(path[-1]) if isinstance(inner, dict) else None
    if isinstance(inner, list):
        raise not_supported("a positional projection through another array")
    if isinstance(value, list):
        if position >= len(value):
            raise CommandError(51247, "Location51247", "positional operator '.$' element mismatch")
        inner[path[-1]] = [value[position]]


def _check_no_array(value: Any, path: tuple[str, ...]) -> None:
    for part in path[:-1]:
        value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list):
            raise not_supported("a computed field within the elements of an array")


def place(made: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put a computed value at a path, or take away what is there when it is MISSING.

    Raises:
        CommandError: the path goes through an array.
    """
    for part in path[:-1]:
        inner = made.get(part)
        if isinstance(inner, list):
            raise not_supported("a computed field within the elements of an array")
        # what is no document gives way, as MongoDB has it; what is one is copied, for it may be shared
        made[part] = dict(inner) if isinstance(inner, Mapping) else {}
        made = made[part]
    if value is MISSING:
        made.pop(path[-1], None)
    else:
        made[path[-1]] = value
