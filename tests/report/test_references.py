"""Values from the literature: each with a source, none remembered, each for its own crystal."""

from __future__ import annotations

from ase.build import bulk

from campaign.references import REFERENCES, Certainty, references_of
from flows.records import Structure


def of(*crystal: object, **more: object) -> tuple:
    return references_of(Structure.from_atoms(bulk(*crystal, **more)))


def test_each_value_has_a_source_and_a_certainty() -> None:
    for one in REFERENCES:
        assert len(one.source) > 15
        assert one.certainty in Certainty
        assert 0 < one.value_cm1 < 1400
    assert 1332.5 in {one.value_cm1 for one in REFERENCES if one.certainty is Certainty.CONFIRMED}
    # remembered, not found: Warren's points, Mounet's, Brodsky's
    assert not {1072.0, 1184.0, 550.0, 1029.0, 1289.0, 590.0, 1120.0} & {one.value_cm1 for one in REFERENCES}


def test_a_crystal_gets_its_own() -> None:
    diamond = of("C", "diamond", a=3.56)
    assert {one.elements for one in diamond} == {("C",)}
    assert [one.value_cm1 for one in diamond if one.kind == "experiment" and one.point] == [1332.5]
    assert {one.elements for one in of("LiH", "rocksalt", a=4.02)} == {("H", "Li")}
    assert of("C", "sc", a=2.0) == ()
    assert of("Si", "diamond", a=5.43) == ()


def test_la_and_lo_meet_at_x_of_diamond() -> None:
    at_x = {one.quantity for one in REFERENCES if one.elements == ("C",) and one.point == "X"}
    assert at_x == {"TA at X", "TO at X", "LA = LO at X"}
