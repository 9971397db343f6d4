"""Whether plotly knows all that a plot says."""

from __future__ import annotations

from typing import Any

AS_PICTURES = {"zone", "sampling", "thermal", "forecast"}
"""Kinds of figures that stand on a screen as they are printed."""


def accepted(document: dict[str, Any]) -> int:
    """How many traces; its Python side refuses a word that its script would pass over, and every switch of a trace is in the legend."""
    from plotly.graph_objects import Figure

    made = Figure(_painted(document["data"]), _painted(document["layout"]) | {"font": {}})
    ids = [switch["id"] for switch in document["switches"]]
    assert len(ids) == len(set(ids))
    assert all(set(line["meta"]["switches"]) <= set(ids) for line in document["data"])
    return len(made.data)


def _painted(value: Any) -> Any:
    """In light colours."""
    if isinstance(value, str):
        return value.split(" ")[1] if value.startswith("paint ") else value
    if isinstance(value, dict):
        return {key: _painted(one) for key, one in value.items()}
    return [_painted(one) for one in value] if isinstance(value, (list, tuple)) else value
