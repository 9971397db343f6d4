"""The seeds of a model, together: each verdict beside the seed that it is of."""

from __future__ import annotations

from types import SimpleNamespace

from campaign.results.seeds import SharedVerdict, reasons_by_seed
from campaign.results.tables.places import verdict_notes


def record(seed: int, verdict: str, learned: bool = False) -> SimpleNamespace:
    return SimpleNamespace(seed=seed, verdict=verdict, learned=learned)


def test_a_number_stands_beside_its_seed() -> None:
    assert SharedVerdict.of([record(1, "0.3 of 0.2"), record(2, "0.4 of 0.2")]) == (
        False, 0, "seed 1: 0.3 of 0.2; seed 2: 0.4 of 0.2"
    )
    assert SharedVerdict.of([record(1, "good", True), record(2, "0.4 of 0.2")]) == (False, 1, "0.4 of 0.2")
    assert SharedVerdict.of([record(1, "good", True), record(2, "good", True)]) == (True, 2, "good")


def test_seeds_with_one_reason_share_it() -> None:
    assert reasons_by_seed({1: "a", 2: "b", 3: "a"}) == "seed 1, 3: a; seed 2: b"
    assert verdict_notes([("ML(X)", 1, "a"), ("ML(X)", 2, ""), ("ML(Y)", 1, "b")]) == [
        "not learned: ML(X), seed 1: a; seed 2: see its parts",
        "not learned: ML(Y), seed 1: b",
    ]
