"""Settings that differ from those of before, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def then_and_now(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """`max_epochs 20, now 40`: what settings were, and what they are, by their names."""
    then = ", ".join(f"{name} {_said(was)}" for name, (was, _) in changed.items())
    return f"{then}, now {', '.join(_said(value) for _, value in changed.values())}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)
