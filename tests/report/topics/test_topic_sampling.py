"""What was drawn to be labelled, and who labelled it."""

from __future__ import annotations

import labelling_world
import numpy as np

from campaign.report.topics.sampling.caption import _sweep
from campaign.report.topics.sampling.payload import SamplingFigure
from campaign.results import Campaign
from campaign.spec.labelling import SweepSpec


def test_drawn_structures_stand_by_their_stratum(sampled: SamplingFigure, labelled: Campaign) -> None:
    assert [one.title for one in sampled.strata] == ["rattled, 0.03 Å", "rattled, 0.05 Å", "rattled, 0.07 Å"]
    assert [len(one.structures) for one in sampled.strata] == [3, 3, 3]
    assert {one.structure_key for stratum in sampled.strata for one in stratum.structures} == set(
        labelling_world.drawn(labelled)
    )
    means = [np.mean([one.rms_displacement_A for one in stratum.structures]) for stratum in sampled.strata]
    # three directions, and a centre of mass that rests
    assert np.allclose(means, np.sqrt(3 * 7 / 8) * np.array([0.03, 0.05, 0.07]), rtol=0.25)


def test_subsets_and_failures_are_those_of_the_levels(sampled: SamplingFigure, labelled: Campaign) -> None:
    gone = labelling_world.lost(labelled)
    assert [(one.title, len(one.structures), one.failed) for one in sampled.sets] == [
        ("DFT", 9, ()),
        ("HF, CCSD(T)", 6, (gone,)),
    ]
    assert "1 of 6 labels of HF failed and are set aside: diverged: the loss is nan." in sampled.caption
    assert "HF, CCSD(T): a random subset, 6 structures, 1 of which failed (hollow)." in sampled.caption
    assert "9 structures at DFT; 5 of 6 structures (1 failed and set aside) at HF and CCSD(T)" in sampled.methods
    assert "0.03, 0.05 and 0.07 Å along each axis, in turns, seed 1" in sampled.caption


def test_energies_are_above_the_lowest_of_each_level(sampled: SamplingFigure) -> None:
    found = {one.level: one for one in sampled.energies}
    assert {level: len(one.energies_meV_atom) for level, one in found.items()} == {"dft": 9, "hf": 5, "ccsd(t)": 5}
    for one in found.values():
        square = np.array(one.rms_displacements_A) ** 2
        rise = np.array(one.energies_meV_atom)
        assert min(rise) == 0
        slope = rise[square > square.min()] / (square[square > square.min()] - square.min())
        assert np.allclose(slope, slope[0], rtol=1e-3)


def test_a_sweep_is_told_by_its_temperatures() -> None:
    sweep = SweepSpec(level="dft", temperatures_K=(100, 300), steps=60, every=10, discard=20)
    assert _sweep(sweep, 8).startswith("MD: 8 frames of a Langevin sweep through 100 and 300 K, moved by the engine at DFT")
    assert _sweep(sweep, 0).endswith("It has not run yet.")
