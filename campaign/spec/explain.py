"""What pydantic found wrong, as one line for each problem with the nearest known key."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union

from pydantic import BaseModel, ValidationError

from campaign.spec.campaign import CampaignSpec
from campaign.spec.document import Document
from campaign.spec.errors import Loc, SpecError, nearest

_WORDING = (
    ("^Input ", ""),
    ("a valid string", "text"),
    ("a valid integer", "an integer"),
    ("a valid boolean", "true or false"),
    ("a valid ", "a "),
    (", (unable to parse|unable to interpret|got a number with) .*", ""),
)


def explain(error: ValidationError, document: Document, whole: type[BaseModel] = CampaignSpec) -> SpecError:
    """All problems of `error`, each where `document`, which should be a `whole`, has it."""
    problems = []
    for detail in error.errors(include_url=False):
        loc = _as_written(detail, document)
        known = _known_keys(detail["loc"][:-1], whole)
        if not _is_misspelt_beside(loc, detail, known) and not _is_short_of_valid_items(detail):
            problems.append(document.problem(loc, _message(loc, detail, known)))
    return SpecError(problems)


def _as_written(detail: Mapping[str, Any], document: Document) -> Loc:
    """Without what validation adds to short forms: `half: 98` is checked as `half: {default: 98}`."""
    loc: Loc = _untagged(tuple(part for part in detail["loc"] if part != "[key]"))
    if detail["type"] == "missing":
        return loc
    if detail["type"] == "located":
        return (*loc, *detail["ctx"]["inside"])
    return document.written(loc)


def _untagged(loc: Loc) -> Loc:
    """Without the kind that pydantic names inside of an engine: `engines.cheap.ase.calculator`."""
    if "engines" in loc[:-2]:
        tag = loc.index("engines") + 2
        return loc[:tag] + loc[tag + 1 :]
    return loc


def _is_misspelt_beside(loc: Loc, detail: Mapping[str, Any], known: tuple[str, ...]) -> bool:
    """A missing key, of which an unknown key beside it is already said to be a misspelling."""
    if detail["type"] != "missing" or not isinstance(detail["input"], dict):
        return False
    unknown = (key for key in detail["input"] if key not in known)
    return any(get_close_matches(key.lower(), known, n=1) == [loc[-1]] for key in unknown)


def _is_short_of_valid_items(detail: Mapping[str, Any]) -> bool:
    """A list that is long enough, but for the items that have their own complaints."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _message(loc: Loc, detail: Mapping[str, Any], known: tuple[str, ...]) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return "missing; add it"
    if kind == "union_tag_invalid":
        tags = detail["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"no engine is of the kind {detail['ctx']['tag']!r}; say it with kind: {nearest(detail['ctx']['tag'], tags)}"
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(str(loc[-1]), known)}"
    if kind in ("value_error", "located"):
        return detail["msg"].removeprefix("Value error, ")
    if kind == "tuple_type":
        return f"should be a list, got {_shown(value)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"should be a mapping of keys, got {_shown(value)}"
    if kind in ("too_short", "too_long"):
        return (
            f"{'is empty' if not value else 'has the wrong length'}, got {_shown(value)}; {_length(detail)}"
        )
    if kind == "string_pattern_mismatch":
        points = ", points" if "." in detail["ctx"]["pattern"] else ""
        return f"{value!r} should be letters, digits, _, -{points}, the first a letter or a digit"
    return f"{_plain(detail['msg'])}, got {_shown(value)}"


def _plain(text: str) -> str:
    """A message of pydantic in a user's words."""
    for theirs, ours in _WORDING:
        text = re.sub(theirs, ours, text)
    return text


def _length(detail: Mapping[str, Any]) -> str:
    context = detail["ctx"]
    if "min_length" in context:
        return f"give {context['min_length']} or more"
    return f"give at most {context['max_length']}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_keys(loc: Loc, whole: type[BaseModel]) -> tuple[str, ...]:
    kind: Any = whole
    for part in loc:
        kind = _inside(kind, part)
    kind = _bare(kind)
    return tuple(kind.model_fields) if _is_model(kind) else ()


def _inside(kind: Any, part: str | int) -> Any:
    kind = _bare(kind)
    if _is_model(kind):
        field = kind.model_fields.get(part)
        return field.annotation if field is not None else None
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is dict:
        return arguments[1]
    if typing.get_origin(kind) in (Union, UnionType):
        return next((one for one in arguments if _is_model(one) and _kind_of(one) == part), None)
    return arguments[0] if arguments else None


def _bare(kind: Any) -> Any:
    """Without `Annotated` and without `None`."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _bare(typing.get_args(kind)[0])
    if origin in (Union, UnionType):
        members = [member for member in typing.get_args(kind) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else kind
    return kind


def _kind_of(model: type[BaseModel]) -> Any:
    """What tells one member of a union from the others."""
    field = model.model_fields.get("kind")
    return field.default if field is not None else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
