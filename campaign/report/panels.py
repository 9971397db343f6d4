"""Panels of figures: their letters, and which models share one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from flows.training.names import ModelName

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letters() -> Iterator[str]:
    """a to z, then aa, ab, ..."""
    yield from LETTERS
    yield from map("".join, product(LETTERS, repeat=2))


def layout(models: Iterable[str]) -> list[list[str]]:
    """Which models share a panel: ML(X_EF), ML(X_E) and sums for HF stand alone, all other sums of one method together."""
    kinds, methods = ("ef", "e", "sum", "difference"), ("mace", "fc")
    names = {model: ModelName.parse(model) for model in models}
    order = sorted(names, key=lambda model: (kinds.index(names[model].kind), methods.index(names[model].method)))
    panels: dict[object, list[str]] = {}
    for model in order:
        name = names[model]
        panels.setdefault((name.kind, name.method) if _is_shared(name) else model, []).append(model)
    return sorted(panels.values(), key=lambda panel: _is_shared(names[panel[0]]))


def _is_shared(name: ModelName) -> bool:
    return name.kind == "sum" and name.level != "hf"
