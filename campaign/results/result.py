"""A record with its place in a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from campaign.planning.work import Work
from flows.records import Record

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Result(Generic[R]):
    """A record, and the piece of work of the campaign that it answers."""

    work: Work
    record: R
