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
    """Which models share a panel: ML(X_EF), ML(X_E) and ΔML(HF) stand alone, all other sums together."""
    order = sorted(
        models, key=lambda model: ("ef", "e", "sum", "difference").index(ModelName.parse(model).kind)
    )
    alone = [[model] for model in order if ModelName.parse(model).kind != "sum" or model == "delta_hf"]
    together = [model for model in order if ModelName.parse(model).kind == "sum" and model != "delta_hf"]
    return [*alone, together] if together else alone
