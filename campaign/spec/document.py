"""YAML text as a tree of plain values that remembers where each of them was written.

Scalars follow YAML 1.2: `no`, `off` and `2024-01-31` are text, `1e-3` is a number. Keys are always text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from campaign.spec.errors import Loc, Problem, SpecError, dotted

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes nodes only; the resolvers of YAML 1.1 (yes/no, octal, base 60, dates) are left out."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", [*"-+."]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


@dataclass
class Document:
    """A tree, and for each place in it where it was written: `file:line`, or the override that set it."""

    name: str
    tree: dict[str, Any]
    marks: dict[Loc, str] = field(default_factory=dict)

    def where(self, loc: Loc) -> str:
        """Where `loc`, or the nearest thing around it, was written."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.marks:
                return self.marks[loc[:length]]
        return self.name

    def written(self, loc: Loc) -> Loc:
        """As much of `loc` as the tree holds."""
        value: Any = self.tree
        for depth, part in enumerate(loc):
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return loc[:depth]
        return loc

    def problem(self, loc: Loc, message: str) -> Problem:
        return Problem(self.where(loc), dotted(loc), message)


CAMPAIGN = "a campaign is a mapping of keys (campaign, systems, models, ...)"


def read_document(text: str, name: str, shape: str = CAMPAIGN) -> Document:
    """The document in `text`; `name` is how messages call the file, `shape` what it should be.

    Raises:
        SpecError: it is no YAML, a key is there twice, or it is no mapping.
    """
    node = compose(text, name)
    if not isinstance(node, MappingNode):
        raise SpecError([Problem(f"{name}:1", "", shape)])
    document = Document(name, {}, {(): f"{name}:1"})
    reader = _Reader(document)
    document.tree.update(reader.mapping(node, ()))
    if reader.problems:
        raise SpecError(reader.problems)
    return document


def compose(text: str, name: str) -> Node | None:
    """The YAML node of `text`.

    Raises:
        SpecError: the text is no YAML: file, line, column.
    """
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        context = f" ({error.context})" if error.context else ""
        raise SpecError([Problem(where, "", f"not YAML: {error.problem}{context}")]) from None
    except yaml.YAMLError as error:
        raise SpecError([Problem(name, "", f"not YAML: {' '.join(str(error).split())}")]) from None


def parse_value(text: str, name: str) -> Any:
    """The value of a YAML text, as the right-hand side of an override has it."""
    node = compose(text, name)
    if node is None:
        return None
    reader = _Reader(Document(name, {}))
    value = reader.value(node, ())
    if reader.problems:
        raise SpecError([Problem(name, problem.key, problem.message) for problem in reader.problems])
    return value


class _Reader:
    """Turns nodes into values, noting marks and problems in passing."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._open: list[Node] = []

    def value(self, node: Node, loc: Loc) -> Any:
        self.document.marks.setdefault(loc, self._at(node))
        if any(node is parent for parent in self._open):
            return self._refuse(node, loc, "refers to itself")
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, loc)
            if isinstance(node, SequenceNode):
                return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, loc)
        finally:
            self._open.pop()

    def mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, loc, "a key must be plain text")
                continue
            place = (*loc, key.value)
            if key.value in values:
                self._refuse(key, place, f"a second time (first at {self.document.marks[place]}); remove one")
                continue
            self.document.marks[place] = self._at(key)
            values[key.value] = self.value(item, place)
        return values

    def _scalar(self, node: Node, loc: Loc) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            return _number(kind, text)
        except (KeyError, ValueError):
            return self._refuse(node, loc, f"cannot read {text!r} as {node.tag}; remove the tag")

    def _refuse(self, node: Node, loc: Loc, message: str) -> None:
        self.problems.append(Problem(self._at(node), dotted(loc), message))

    def _at(self, node: Node) -> str:
        return f"{self.document.name}:{node.start_mark.line + 1}"


def _number(kind: str, text: str) -> int | float:
    if kind == "int":
        return int(text)
    if kind == "float":
        bare = text.lower().replace(".inf", "inf").replace(".nan", "nan")
        return math.nan if bare == "nan" else float(bare)
    raise KeyError(kind)
