"""What the jobs of a campaign ask of machines, and how often they are tried again: no number depends on it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flows.resources import Resources
from flows.settings import Settings

StageName = Literal["sample", "label", "born", "forecast", "train", "sum", "phonons", "hessian", "vibrations"]


class RetrySpec(Settings):
    """How often a job is run again after a failure of its `calculation`; of what machines do to it, nothing is to be said."""

    calculation: int = Field(default=0, ge=0, le=10)


class Demands(Settings):
    """Of the jobs of each stage; what an engine says of its own goes before."""

    resources: dict[StageName, Resources] = {}  # noqa: RUF012  # pydantic copies defaults
    retry: RetrySpec = RetrySpec()
