"""Unstable modes in words, of records of today and of before they were counted on the mesh."""

from __future__ import annotations

import pytest

from campaign.results import unstable
from flows.records import Bands, DensityOfStates, ImaginaryMode, PhononFacts, UnstableModes


def record(lowest: float, found: UnstableModes | None = None) -> PhononFacts:
    listed = (ImaginaryMode(qpoint=(0.5, 0, 0), band=0, frequency_cm1=lowest),) if lowest < -1 and found is None else ()
    return PhononFacts(
        key="k", system="s", model="m",
        bands=Bands(labels=(), qpoints=(), distances=(), frequencies_cm1=(((lowest, 5.0),),)),
        dos=DensityOfStates(frequencies_cm1=(), total=(), mesh=(1, 1, 1)),
        points_cm1={"Γ": (0.0, 5.0)}, sum_rule_eV_A2=0.0, displacements=1,
        imaginary=listed, imaginary_count=77 if listed else 0, unstable=found,
    )  # fmt: skip


def modes(count: int, lowest: float, label: str = "") -> UnstableModes:
    return UnstableModes(count=count, total=3000, lowest_cm1=lowest, qpoint=(0.25, 0.0, 0.25), label=label)


@pytest.mark.parametrize(
    ("one", "short", "text"),
    [
        (record(-0.2, modes(0, -0.2)), "none", ""),
        (record(-30, modes(9, -30, "X")), "0.3 %", "9 of 3000 modes on the mesh are imaginary, the lowest -30 cm^-1 at X"),
        (
            record(-3, modes(0, -3)),
            "0 %",
            "0 of 3000 modes on the mesh are imaginary, the lowest -3 cm^-1 at (0.25, 0, 0.25)",
        ),
        (record(-40), "yes", "imaginary modes, the lowest -40 cm^-1"),
        (record(0.0), "none", ""),
    ],
)
def test_what_is_said(one, short, text):
    assert (unstable.short(one), unstable.text(one)) == (short, text)


def test_a_count_along_the_path_is_never_shown():
    assert "77" not in str(unstable.facts(record(-40)))
    assert unstable.facts(record(-30, modes(9, -30)))["imaginary_count"] == 9


def test_the_worst_seed_is_that_with_the_lowest_frequency():
    assert unstable.worst([record(-40), record(-50, modes(1, -50))]).unstable is not None


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (record(-30, modes(9, -30)), True),
        (record(-15, modes(0, -15)), False),  # off the mesh, or above the threshold: of the interpolation
        (record(-40), True),
        (record(-0.2), False),
    ],
)
def test_a_crystal_is_unstable_where_modes_on_the_mesh_are_imaginary(one, verdict):
    assert unstable.is_unstable(one) is verdict
