"""The numbers of figures, against the hand-made records that they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_world

from campaign.report.crystal import Crystal
from campaign.report.dispersion.axis_range import frequency_range
from campaign.report.dispersion.payload import Line, Panel
from campaign.report.dispersion.source import DispersionSource
from campaign.report.dispersion.spread import band_spread, dos_spread
from campaign.report.harvest import Harvest
from campaign.report.panels import layout
from campaign.report.topics.bands.gather import bands_figure
from campaign.report.topics.bands.payload import BandsFigure
from campaign.report.topics.errors.gather import errors_figure
from campaign.report.topics.seeds.gather import seeds_figure
from campaign.results import open_campaign
from flows.records import Bands, DensityOfStates


@pytest.fixture(scope="module")
def figure(harvest: Harvest, diamond: Crystal) -> BandsFigure:
    made = bands_figure(DispersionSource(harvest, diamond, "full"))
    assert made is not None
    return made


def areas(figure: BandsFigure) -> dict:
    return {area.model: area for panel in figure.panels for area in panel.areas}


def one_band(*frequencies: float) -> Bands:
    rows = tuple((f,) if isinstance(f, float) else f for f in frequencies)
    qpoints = (tuple((0.0, 0.0, 0.1 * n) for n in range(len(rows))),)
    return Bands(
        labels=(("Γ", "X"),),
        qpoints=qpoints,
        distances=(tuple(0.1 * n for n in range(len(rows))),),
        frequencies_cm1=(rows,),
    )


def test_spread_is_smallest_and_largest_with_bands_sorted() -> None:
    low, high = band_spread([one_band((1.0, 9.0), (-3.0, 4.0)), one_band((10.0, 2.0), (1.0, 3.0))])
    assert low == (((1.0, 9.0), (-3.0, 3.0)),)
    assert high == (((2.0, 10.0), (1.0, 4.0)),)


def test_other_paths_are_no_seeds_of_one_model() -> None:
    with pytest.raises(ValueError, match="different band paths"):
        band_spread([one_band(1.0), one_band(1.0, 2.0)])


def test_a_density_is_zero_off_its_own_grid() -> None:
    wide = DensityOfStates(frequencies_cm1=(0.0, 2.0, 4.0), total=(1.0, 2.0, 3.0), mesh=(1, 1, 1))
    narrow = DensityOfStates(frequencies_cm1=(2.0, 4.0, 6.0), total=(5.0, 1.0, 1.0), mesh=(1, 1, 1))
    found = dos_spread([wide, narrow])
    assert found.frequencies_cm1 == (0.0, 2.0, 4.0, 6.0)
    assert found.low == (0.0, 2.0, 1.0, 0.0)
    assert found.high == (1.0, 5.0, 3.0, 1.0)


def test_areas_are_those_of_the_records(figure: BandsFigure, harvest: Harvest) -> None:
    for model, area in areas(figure).items():
        records = [one.record for one in harvest.phonons("diamond", "full")[model].results]
        for segment in range(len(area.low_cm1)):
            every = np.sort([one.bands.frequencies_cm1[segment] for one in records], axis=-1)
            assert np.allclose(area.low_cm1[segment], every.min(axis=0), atol=1e-4)
            assert np.allclose(area.high_cm1[segment], every.max(axis=0), atol=1e-4)


def test_panels_are_those_of_the_paper(figure: BandsFigure) -> None:
    assert [[area.title for area in panel.areas] for panel in figure.panels] == [
        ["ML(DFT_EF)"],
        ["ML(DFT_E)"],
        ["ΔML(HF)"],
        ["ΔML(MP2)", "ΔML(CCSD)", "ΔML(CCSD(T))"],
    ]
    assert [panel.letter for panel in figure.panels] == list("abcd")
    assert layout(["delta_mp2", "dft_ef"]) == [["dft_ef"], ["delta_mp2"]]


def test_references_are_the_level_or_the_base(figure: BandsFigure, toy, diamond: Crystal) -> None:
    assert {line.kind for panel in figure.panels for line in panel.lines} == {"direct"}
    assert np.allclose(
        figure.panels[0].lines[0].frequencies_cm1[0],
        np.sort(report_world.springs("diamond").bands.frequencies_cm1[0]),
        atol=1e-4,
    )
    without = bands_figure(DispersionSource(Harvest(toy), diamond, "full"))
    assert without is not None
    assert [[line.kind for line in panel.lines] for panel in without.panels] == [[], [], ["base"], ["base"]]
    assert "phonons of the level itself were not computed" in without.caption


def test_points_that_2x2x1_cannot_hold_are_marked(figure: BandsFigure) -> None:
    held = {one.label: one.held for one in figure.coverage}
    assert {label for label, count in held.items() if not count} == {"L", "K", "U"}
    assert held["X"]
    assert held["W"]
    assert held["Γ"] == 1
    interpolated = {one.label for one in figure.coverage if not one.held_by_phonons}
    assert interpolated == {"K", "U", "W"}  # the supercell of the phonons is 2x2x2 of the primitive cell
    assert "‡: the 2×2×2 supercell of the primitive cell (16 atoms) does not hold K, U, W" in figure.caption
    assert [tick.label + tick.mark for tick in figure.axis.ticks] == ["Γ", "X", "K†‡", "Γ", "L†"]
    assert "cannot represent K (0 of 12 arms)" in figure.caption
    assert "2×2×1 cell (32 atoms)" in figure.caption


def test_not_learned_is_flagged_and_named(figure: BandsFigure) -> None:
    lost = areas(figure)["delta_ccsd"]
    assert not lost.learned
    assert lost.learned_seeds == 0
    assert lost.name == "ΔML(CCSD), not learned"
    assert "Hatched, not learned: ΔML(CCSD)" in figure.caption
    assert areas(figure)["delta_ccsd(t)"].learned


def test_missing_seeds_are_named(figure: BandsFigure, harvest: Harvest, diamond: Crystal) -> None:
    area = areas(figure)["dft_e"]
    assert area.seeds == (861, 5192)
    assert area.missing == {5735: "to do"}
    assert "seeds 861, 5192 (missing: 5735, to do)" in figure.caption
    half = bands_figure(DispersionSource(harvest, diamond, "half"))
    assert half is not None
    assert areas(half)["delta_mp2"].missing == {5192: "blocked"}


def test_imaginary_frequencies_are_shown_below_zero(figure: BandsFigure) -> None:
    least = min(f for block in areas(figure)["dft_e"].low_cm1 for row in block for f in row)
    assert figure.range_cm1[0] < least < 0
    assert "drawn below zero" in figure.caption


def test_captions_say_what_was_run(figure: BandsFigure) -> None:
    for what in (
        "50 epochs",
        "r_max 5 Å",
        "128x0e + 128x1o",
        "0.01 Å",
        "8×8×8 mesh",
        "mace-torch 0.3.16",
        "phonopy 4",
        "on 8 structures (2 more validate",
    ):
        assert what in figure.methods, what
    assert "Solin & Ramdas" in figure.caption
    assert figure.markers[0].value_cm1 == 1332.5


def test_a_system_without_any_record_has_no_bands(tmp_path: Path) -> None:
    farm = report_world.world.farm()
    report_world.prepared(farm, tmp_path, report_world.LIH)
    opened = open_campaign(farm, "toy")
    source = DispersionSource(Harvest(opened), Crystal("lih", opened.spec.systems["lih"]), "full")
    assert bands_figure(source) is None
    assert seeds_figure(source) is None
    assert errors_figure(Harvest(opened), "lih") is None


def _of(low: float, high: float, learned: bool) -> Panel:
    line = Line(kind="seed", model="dft_ef", title="A" if learned else "B", learned=learned, frequencies_cm1=(((low,), (high,)),))
    return Panel(letter="a", lines=(line,))


def test_what_has_learned_is_never_clipped() -> None:
    assert frequency_range([_of(-700, 1300, True)]) == ((-739.0, 1352.0), ())
    shown, clipped = frequency_range([_of(0, 1300, True), _of(-2000, 9000, False)])
    assert clipped == ("B, not learned",)
    assert shown[0] > -500
    assert shown[1] < 1800


def test_errors_of_sums_with_force_constants_stand_at_their_points(figure: BandsFigure, harvest: Harvest) -> None:
    """What one seed says (3 cm^-1) joined with the scatter of the seeds; of other models nothing."""
    from campaign.report.ink.files import picture
    from campaign.report.topic import Drawing
    from campaign.report.topics.bands.gather import area
    from campaign.report.topics.bands.topic import Bands as Topic

    assert not any(one.errors for one in areas(figure).values())
    group = harvest.phonons("diamond", "full")["delta_hf"]
    said = {"Γ": (0.0, 0.0, 0.0, 3.0, 3.0, 3.0), "X": (0.1,) * 6}
    sure = [
        replace(one, record=one.record.model_copy(update={"point_errors_cm1": said})) for one in group.results
    ]
    made = area(replace(group, results=tuple(sure)))
    at_gamma = [one for one in made.errors if one.label == "Γ"]
    seeds = np.array([one.record.points_cm1["Γ"][3:] for one in group.results])
    assert [one.error_cm1 for one in at_gamma[-3:]] == pytest.approx(np.hypot(3.0, seeds.std(axis=0, ddof=1)), abs=1e-3)
    assert [one.frequency_cm1 for one in at_gamma[-3:]] == pytest.approx((seeds.min(axis=0) + seeds.max(axis=0)) / 2, abs=1e-3)
    shown = figure.model_copy(update={"panels": (Panel(letter="a", areas=(made,)),)})
    gammas = [tick.position for tick in figure.axis.ticks if "Γ" in tick.label.split("|")]
    assert [where for where, one in shown.placed_errors(made) if one.label == "Γ"] == [where for where in gammas for _ in at_gamma]
    drawn = picture(Drawing(Topic(), shown))
    (bars,) = drawn.axes[0].containers
    assert len(bars.lines[0].get_xdata()) == len(shown.placed_errors(made))
    (trace,) = [one for one in Topic().plot(shown).traces if "error_y" in one]
    assert trace["error_y"]["array"] == [one.error_cm1 for _, one in shown.placed_errors(made)]
