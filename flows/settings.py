"""The base of everything that is asked for: frozen settings that refuse what they do not know."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Resolved scientific settings. Every field is part of the identity of the work that uses them.

    A field that is added later must leave `identity` as it was while it has the value that reproduces the
    numbers of before (override `identity`, and keep the golden keys).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def identity(self) -> dict[str, Any]:
        """Plain JSON that goes into a key."""
        return self.model_dump(mode="json")
