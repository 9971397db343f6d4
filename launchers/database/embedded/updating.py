"""Updates: read once, refused where paths conflict, then applied to documents."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from launchers.database.embedded.errors import CommandError, bad_value, failed_to_parse, not_supported
from launchers.database.embedded.keys import MISSING, position_of, same
from launchers.database.embedded.matching import Filter, Matched, array_filters
from launchers.database.embedded.modifiers import Modifier, check_operands, modifier
from launchers.database.embedded.stages import OF_UPDATES, Source, run

Path = tuple[str, ...]
_PLACEHOLDER = re.compile(r"\$\[([a-zA-Z0-9]*)\]")
# MongoDB's bound for nulls before a new element
_MAX_PADDING = 1_500_000


def is_replacement(change: Any) -> bool:
    """Whether an update replaces the whole document."""
    return isinstance(change, Mapping) and not str(next(iter(change), "")).startswith("$")


class Update:
    """An update of one operation: operators, a whole document, or a pipeline.

    Raises:
        CommandError: on construction for what MongoDB refuses of any document; on use for what it refuses of this one.
    """

    def __init__(
        self, change: Any, passes: Filter, source: Source, filters: Any = None, variables: Mapping[str, Any] | None = None
    ) -> None:
        self._change, self._passes = change, passes
        self._source, self._variables = source, variables or {}
        self._steps: list[tuple[Path, Modifier | Path]] = []
        self._filters = array_filters(filters) if filters else {}
        if filters and not (isinstance(change, Mapping) and not is_replacement(change)):
            raise failed_to_parse("arrayFilters may only be specified for updates by operators")
        if is_replacement(change):
            if any(name.startswith("$") for name in change):
                raise CommandError(52, "DollarPrefixedFieldName", "a whole document has no operators among its fields")
        elif isinstance(change, Mapping):
            check_operands(change)
            self._steps = sorted(self._read(change), key=lambda step: _sorted_as(step[0]))
            self._check_filters()
        elif isinstance(change, list):
            _check_pipeline(change)
            run((), source, change, self._variables)
        else:
            raise failed_to_parse("an update is a document or a pipeline")

    def _read(self, change: Mapping[str, Any]) -> Iterator[tuple[Path, Modifier | Path]]:
        taken: dict[str, Any] = {}
        for operator, fields in change.items():
            for name, argument in fields.items():
                path = _path(name)
                _take(taken, path)
                if operator != "$rename":
                    yield path, modifier(operator, argument)
                    continue
                target = _renamed(path, argument)
                _take(taken, target)
                # made at its new place, in the order of that
                yield target, path

    def _check_filters(self) -> None:
        used = {m.group(1) for path, _ in self._steps for part in path if (m := _PLACEHOLDER.fullmatch(part))}
        unknown = used - {""} - set(self._filters)
        if unknown:
            raise bad_value(f"No array filter found for identifier {sorted(unknown)}")
        if set(self._filters) - used:
            raise failed_to_parse(f"The array filter for identifier {sorted(set(self._filters) - used)} was not used")

    def __call__(self, document: dict[str, Any], insert: bool = False) -> dict[str, Any]:
        """The document after the update; `document` itself may be changed. `insert` says that it is being made.

        Raises:
            CommandError: also where the update would change `_id`.
        """
        identity = document.get("_id", MISSING)
        if is_replacement(self._change):
            changed = dict(self._change) if identity is MISSING else {"_id": identity, **self._change}
        elif isinstance(self._change, list):
            changed = dict(*run([document], self._source, self._change, self._variables))
            if "_id" not in changed and identity is not MISSING:
                changed = {"_id": identity, **changed}
        else:
            changed = self._operated(document, insert)
        if identity is not MISSING and ("_id" not in changed or not same(changed["_id"], identity)):
            raise CommandError(66, "ImmutableField", "the (immutable) field '_id' was found to have been altered")
        return changed

    def _operated(self, document: dict[str, Any], insert: bool) -> dict[str, Any]:
        position = self._position(document, insert)
        for path, step in self._steps:
            if "$" in path:
                path = tuple(position if part == "$" else part for part in path)
            if not isinstance(step, Modifier):
                _rename(document, step, path)
            elif insert or not step.on_insert_only:
                self._apply(document, path, step)
        return document

    def _position(self, document: dict[str, Any], insert: bool) -> str:
        if not any("$" in path for path, _ in self._steps):
            return ""
        found = Matched()
        if not insert:
            self._passes(document, found)
        if found.position is None:
            raise bad_value("The positional operator did not find the match needed from the query.")
        return str(found.position)

    def _apply(self, holder: Any, path: Path, step: Modifier) -> None:
        """Apply a modifier to what a path names in a document or array."""
        part, rest = path[0], path[1:]
        if found := _PLACEHOLDER.fullmatch(part):
            self._apply_to_elements(holder, found.group(1), rest, step)
            return
        if not _is_viable(holder, part):
            if not step.tolerant:
                raise CommandError(28, "PathNotViable", f"Cannot create field '{part}' in element {holder!r:.80}")
            if any(_PLACEHOLDER.fullmatch(one) for one in rest):
                raise bad_value("the path must exist in the document in order to apply array updates")
            return
        value = _at(holder, part)
        if not rest:
            _put(holder, part, step.change(value), value)
            return
        if value is MISSING:
            if any(_PLACEHOLDER.fullmatch(one) for one in rest):
                raise bad_value("the path must exist in the document in order to apply array updates")
            if not step.creates:
                return
            value = {}
            _put(holder, part, value, MISSING)
        self._apply(value, rest, step)

    def _apply_to_elements(self, array: Any, name: str, rest: Path, step: Modifier) -> None:
        if not isinstance(array, list):
            raise bad_value(f"Cannot apply array updates to non-array element {array!r:.80}")
        for number, element in enumerate(array):
            if name and not self._filters[name]({name: element}):
                continue
            if rest:
                self._apply(element, rest, step)
            else:
                _put(array, str(number), step.change(element), element)


def _path(name: str) -> Path:
    path = tuple(name.split("."))
    if not all(path):
        raise CommandError(56, "EmptyFieldName", f"The update path '{name}' contains an empty field name")
    if path.count("$") > 1:
        raise bad_value(f"Too many positional (i.e. '$') elements found in path '{name}'")
    if path[0] == "$" or _PLACEHOLDER.fullmatch(path[0]):
        raise bad_value(f"Cannot have positional (i.e. '$') element in the first position in path '{name}'")
    if any(part.startswith("$") and part != "$" and not _PLACEHOLDER.fullmatch(part) for part in path):
        raise CommandError(52, "DollarPrefixedFieldName", f"The dollar ($) prefixed field in '{name}' is not allowed")
    return path


def _renamed(path: Path, argument: Any) -> Path:
    if not isinstance(argument, str):
        raise bad_value("The 'to' field for $rename must be a string")
    target = _path(argument)
    if any(part.startswith("$") for part in (*path, *target)):
        raise bad_value("The source and destination of $rename may not be dynamic")
    if path[: len(target)] == target or target[: len(path)] == path:
        raise bad_value("The source and target field for $rename must differ, and not be on the same path")
    return target


def _take(taken: dict[str, Any], path: Path) -> None:
    """Note a path among those of the update.

    Raises:
        CommandError: another one is the same, lies in it or around it.
    """
    node = taken
    for number, part in enumerate(path):
        dynamic = part.startswith("$")
        if part not in node and node and (dynamic or any(other.startswith("$") for other in node)):
            raise not_supported("an update that names elements of one array in two ways")
        last = number == len(path) - 1
        inner = node.setdefault(part, {})
        if inner is None or (last and inner):
            raise CommandError(40, "ConflictingUpdateOperators", f"Updating the path '{'.'.join(path)}' would conflict")
        if last:
            node[part] = None
        node = inner


def _sorted_as(path: Path) -> list[tuple[int, int, str]]:
    positions = ((position_of(part), part) for part in path)
    return [(1, 0, part) if position is None else (0, position, "") for position, part in positions]


def _check_pipeline(stages: list[Any]) -> None:
    for stage in stages:
        if isinstance(stage, Mapping) and set(stage) - OF_UPDATES:
            raise CommandError(72, "InvalidOptions", f"{list(stage)} is not allowed to be used within an update")


def _is_viable(holder: Any, part: str) -> bool:
    if isinstance(holder, dict):
        return True
    return isinstance(holder, list) and position_of(part) is not None


def _at(holder: Any, part: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(part, MISSING)
    return holder[int(part)] if int(part) < len(holder) else MISSING


def _put(holder: Any, part: str, value: Any, before: Any) -> None:
    if isinstance(holder, dict):
        if value is MISSING:
            holder.pop(part, None)
        else:
            holder[part] = value
    elif value is MISSING:
        # an element that is taken away leaves a null: the others keep their places
        if before is not MISSING:
            holder[int(part)] = None
    elif int(part) < len(holder):
        holder[int(part)] = value
    else:
        if int(part) - len(holder) > _MAX_PADDING:
            raise CommandError(2, "BadValue", "Cannot backfill more than 1500000 null elements")
        holder.extend([None] * (int(part) - len(holder)))
        holder.append(value)


def _rename(document: dict[str, Any], source: Path, target: Path) -> None:
    holder = _source(document, source)
    if holder is None:
        return
    value = holder[source[-1]]
    into = _target(document, target)
    del holder[source[-1]]
    into[target[-1]] = value


def _source(document: dict[str, Any], path: Path) -> dict[str, Any] | None:
    """What holds the field that is renamed; None where there is none, also where it would be an element of an array."""
    holder: Any = document
    in_array = False
    for depth, part in enumerate(path):
        if not _is_viable(holder, part):
            raise CommandError(28, "PathNotViable", f"Cannot use the part '{part}' to traverse the element {holder!r:.80}")
        in_array = in_array or isinstance(holder, list)
        inner = _at(holder, part)
        if inner is MISSING:
            return None
        if depth < len(path) - 1:
            holder = inner
    if in_array:
        raise bad_value("The source field of $rename cannot be an array element")
    return holder


def _target(document: dict[str, Any], path: Path) -> dict[str, Any]:
    holder: Any = document
    for part in path[:-1]:
        holder = holder.setdefault(part, {})
        if isinstance(holder, list):
            raise bad_value("The destination of $rename cannot be in an array")
        if not isinstance(holder, dict):
            raise CommandError(28, "PathNotViable", f"Cannot create field in element {holder!r:.80}")
    return holder
