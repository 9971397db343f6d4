"""What validation needs beyond pydantic: errors that name a key further in, and lists that may be one word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from campaign.spec.errors import Loc


def located(loc: Loc, message: str) -> PydanticCustomError:
    """An error about `loc`, seen from the model whose validator raises it."""
    return PydanticCustomError("located", "{text}", {"text": message, "inside": list(loc)})


@contextmanager
def inside(*loc: str | int) -> Iterator[None]:
    """Errors of `located` from within are about something inside of `loc`."""
    try:
        yield
    except PydanticCustomError as error:
        context = error.context or {}
        raise located((*loc, *context["inside"]), context["text"]) from None


def _text_list(value: Any) -> Any:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _mapping(value: Any) -> Any:
    return {} if value is None else value


TextList = BeforeValidator(_text_list)
# a key whose lines are all commented out is null
MayBeEmpty = BeforeValidator(_mapping)
