"""Densities of states from MD beside harmonic ones, against hand-made records of a crystal on springs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_world
import vibrations_world
from known_to_plotly import accepted

from campaign.references.user_files import Density, UserReferences
from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.files import save
from campaign.report.page import page
from campaign.report.topic import Drawing
from campaign.report.topics.vibrations.axis_range import density_reach, frequency_reach
from campaign.report.topics.vibrations.caption import vibrations_caption
from campaign.report.topics.vibrations.gather import md_curves, projected_figure, vibrations_figure
from campaign.report.topics.vibrations.ink import draw_vibrations
from campaign.report.topics.vibrations.payload import Curves, MeshCurve, VibrationsFigure, VibrationsPanel
from campaign.report.topics.vibrations.plot import vibrations_plot
from campaign.report.topics.vibrations.source import VibrationsSource
from campaign.report.topics.vibrations.topic import Vibrations as VibrationsTopic
from campaign.results import Campaign
from flows.records import Band, Vibrations


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return vibrations_world.campaign(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def source(moved: Campaign) -> VibrationsSource:
    levels = {("lih", "dft"): report_world.springs("lih")}
    return VibrationsSource(Harvest(moved, levels), Crystal("lih", moved.spec.systems["lih"]), "full")


@pytest.fixture(scope="module")
def figure(source: VibrationsSource) -> VibrationsFigure:
    made = vibrations_figure(source)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def projected(source: VibrationsSource) -> VibrationsFigure:
    made = projected_figure(source)
    assert made is not None
    return made


def md(curve: tuple[float, ...], **bands: tuple[tuple[float, ...], tuple[float, ...]]) -> Vibrations:
    spread = {name: Band(low=low, high=high, standard_error=low) for name, (low, high) in bands.items()}
    about = {"key": "md", "system": "x", "model": "dft_ef", "starts": (), "temperature_K": 300, "atoms": 1}
    lines = {"window": "hann", "resolution_cm1": 1, "normalized_to": 3, "captured": 3}
    run = {"steps": 1, "equilibration_steps": 1, "timestep_fs": 1, "edge_cm1": 1, "verlet_shift_cm1": 0}
    grid = tuple(float(n) for n in range(len(curve)))
    curves = {"frequencies_cm1": grid, "total": curve, "projected": {"H": curve}, "bands": spread}
    return Vibrations.model_validate(about | lines | run | curves)


def mean_frequency(panel: VibrationsPanel, curve: tuple[float, ...]) -> float:
    return float(np.average(panel.frequencies_cm1, weights=curve))


def test_areas_are_over_seeds_and_starts() -> None:
    first = md((1.0, 4.0), total=((0.5, 3.0), (1.5, 5.0)), H=((0.0, 0.0), (9.0, 9.0)))
    second = md((3.0, 2.0))  # one start: no band
    made = md_curves([first, second])
    assert (made.mean, made.low, made.high) == ((2.0, 3.0), (0.5, 2.0), (3.0, 5.0))
    assert md_curves([first, second], "H").high == (9.0, 9.0)


def test_every_model_with_md_has_a_panel(figure: VibrationsFigure) -> None:
    assert [(panel.letter, panel.model, panel.seeds) for panel in figure.panels] == [
        ("a", "dft_ef", (861, 5192)),
        ("b", "delta_hf", (861,)),
        ("c", "delta_ccsd", (861, 5192)),
    ]


def test_harmonic_frequencies_are_those_of_the_crystal_that_moved(figure: VibrationsFigure) -> None:
    """MD was made 2 % slower than the force constants that the records hold."""
    for panel in (figure.panels[0], figure.panels[2]):
        assert panel.harmonic is not None
        assert panel.harmonic_seeds == panel.seeds
        ratio = mean_frequency(panel, panel.md.mean) / mean_frequency(panel, panel.harmonic.mean)
        assert ratio == pytest.approx(vibrations_world.SLOWER, abs=1e-4)
        for curve in (panel.md.mean, panel.harmonic.mean):
            assert np.trapezoid(curve, panel.frequencies_cm1) == pytest.approx(6, rel=1e-3)


def test_the_cell_of_the_md_decides_which_modes_are_beside_it(figure: VibrationsFigure) -> None:
    """Optical modes at Γ are there, and below the lowest of a 2x2x2 cell is nothing, though the mesh has states."""
    panel = figure.panels[0]
    assert panel.harmonic is not None
    assert panel.mesh is not None
    grid = np.array(panel.frequencies_cm1)
    mesh = np.interp(grid, panel.mesh.frequencies_cm1, panel.mesh.total)
    lowest = (grid > 60) & (grid < 170)
    assert np.trapezoid(mesh[lowest], grid[lowest]) > 0.03
    assert np.trapezoid(np.array(panel.harmonic.high)[lowest], grid[lowest]) < 1e-3


def test_md_without_phonons_is_drawn_and_named(figure: VibrationsFigure) -> None:
    panel = figure.panels[1]
    assert panel.harmonic is None
    assert panel.mesh is None
    assert "no HA on the q-points of the MD for seed 861: the force constants of this cell: to do; submit again" in figure.caption


def test_imaginary_modes_are_named_with_their_number_where_there_are_any(
    figure: VibrationsFigure, source: VibrationsSource
) -> None:
    assert [panel.unstable_modes for panel in figure.panels] == [0, 0, 0]
    assert "imaginary" not in figure.caption
    panels = tuple(panel.model_copy(update={"unstable_modes": 5}) for panel in figure.panels[:1])
    of = (source.crystal, source.harvest, source.groups)
    made = vibrations_caption(figure.model_copy(update={"panels": panels}), *of)
    assert "5 modes of the cell of the MD are imaginary and stand at zero frequency" in made.caption


def test_damaged_force_constants_are_named(moved: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = "a stored blob is damaged: sha256 is 1, recorded was 2"

    def content(_: object) -> bytes:
        raise ValueError(damaged)

    monkeypatch.setattr("flows.records.Blob.content", content)
    crystal = Crystal("lih", moved.spec.systems["lih"])
    made = vibrations_figure(VibrationsSource(Harvest(moved), crystal, "full"))
    assert made is not None
    assert made.panels[0].no_harmonic == {861: damaged, 5192: damaged}
    assert damaged in made.caption


def test_what_failed_and_what_was_not_asked_is_named(figure: VibrationsFigure) -> None:
    assert figure.panels[1].missing == {5192: "failed: diverged"}
    absent = {one.title: one.why for one in figure.absent}
    assert absent["ΔML(MP2)"].startswith("no labels of mp2")
    assert absent["ML(DFT_E)"] == "seed 861: to do, seed 5192: to do"
    assert not figure.panels[2].learned
    assert "Hatched, not learned: ΔML(CCSD)" in figure.caption


def test_elements_sum_to_the_whole(figure: VibrationsFigure, projected: VibrationsFigure) -> None:
    assert [(panel.model, panel.element) for panel in projected.panels[:2]] == [
        ("dft_ef", "H"),
        ("dft_ef", "Li"),
    ]
    whole, hydrogen, lithium = figure.panels[0], *projected.panels[:2]
    for of in ("md", "harmonic"):
        parts = [np.array(getattr(panel, of).mean) for panel in (hydrogen, lithium)]
        assert sum(parts) == pytest.approx(np.array(getattr(whole, of).mean), rel=1e-5, abs=1e-9)
    assert hydrogen.normalized_to == lithium.normalized_to == 3
    # light atoms move in the optical modes, heavy ones in the acoustic ones
    assert mean_frequency(hydrogen, hydrogen.md.mean) > 1.5 * mean_frequency(lithium, lithium.md.mean)


def test_a_cell_at_rest_takes_states_from_the_heavy(projected: VibrationsFigure) -> None:
    """Of 3N modes 3 are gone, each element's part in them its part of the mass; the rest is scaled to 3N."""
    atoms, masses = 64, {"H": 1.008, "Li": 6.94}
    for panel in projected.panels[:2]:
        gone = masses[panel.element] / sum(masses.values())
        expected = (3 * atoms / 2 - 3 * gone) * atoms / (atoms - 1) * 2 / atoms
        assert panel.captured == pytest.approx(expected, rel=1e-3)


def test_measured_peaks_stand_at_their_element(figure: VibrationsFigure, projected: VibrationsFigure) -> None:
    assert [(peak.element, peak.value_cm1) for peak in projected.peaks] == [("H", 800.0), ("H", 1100.0)]
    assert "Colognesi" in projected.caption
    assert figure.peaks == ()


def test_a_density_that_the_user_gave_is_of_all_atoms(source: VibrationsSource) -> None:
    given = UserReferences(
        densities=(Density("neutrons", "Somebody 2004", "n.csv", (0.0, 1000.0), (0.0, 0.012), 2.5),)
    )
    crystal = replace(source.crystal, user_references=given)
    beside = VibrationsSource(source.harvest, crystal, "full")
    whole, parts = vibrations_figure(beside), projected_figure(beside)
    assert whole is not None
    assert parts is not None
    assert [one.title for one in whole.densities] == ["neutrons"]
    assert parts.densities == ()
    assert "Dotted: neutrons (Somebody 2004), times 2.5," in whole.caption


def test_a_density_of_one_element_is_beside_that_element(source: VibrationsSource) -> None:
    about = ("Somebody 2004", "n.csv", (0.0, 1000.0), (0.0, 0.006), 2.5)
    given = UserReferences(densities=(Density("all", *about), Density("hydrogen", *about, element="H")))
    beside = VibrationsSource(source.harvest, replace(source.crystal, user_references=given), "full")
    whole, parts = vibrations_figure(beside), projected_figure(beside)
    assert whole is not None
    assert parts is not None
    assert [[one.title for one in made.densities] for made in (whole, parts)] == [["all"], ["hydrogen"]]
    assert "Dotted: hydrogen (Somebody 2004), times 2.5, so that its area is 3 for each H atom." in parts.caption
    drawn = [[tuple(line.get_ydata()) for line in axes.lines] for axes in draw_vibrations(parts).axes]
    assert [(0.0, 0.006) in curves for curves in drawn] == [panel.element == "H" for panel in parts.panels]


def test_captions_say_what_was_run(figure: VibrationsFigure) -> None:
    for what in (
        "2×2×2 cell (64 atoms)",
        "4000 steps of Langevin equilibration at 20 K",
        "30000 steps of 0.5 fs",
        "3 independent starts for each seed",
        "gaussian lag window, lines 20 cm^-1 wide",
        "by 0.4 cm^-1",
        "Nuclei are classical",
        "MD: ase 3.26.0",
        "50 epochs",
        "8×8×8 mesh",
        "blue: HA of DFT itself",
    ):
        assert what in f"{figure.caption} {figure.methods}", what
    assert "of MD at 20 K" in figure.caption
    assert "Nuclei are classical" in figure.caption


def test_what_has_not_learned_does_not_press_the_others_flat() -> None:
    curve = Curves(mean=(1.0, 1.0, 0.0), low=(1.0, 1.0, 0.0), high=(1.0, 1.0, 0.0))
    about = {"title": "t", "seeds": (1,), "letter": "a", "normalized_to": 3.0, "captured": 3.0, "md": curve}
    good = VibrationsPanel(model="dft_ef", frequencies_cm1=(0.0, 100.0, 4000.0), **about)
    bad = VibrationsPanel(
        model="dft_e", learned=False, frequencies_cm1=(0.0, 900.0, 4000.0), **(about | {"title": "lost"})
    )
    assert frequency_reach([good]) == ((0.0, 106.0), ())
    assert frequency_reach([good, bad]) == ((0.0, 132.5), ("lost, not learned",))


def test_sharp_peaks_do_not_press_the_lines_flat() -> None:
    curve = Curves(mean=(0.0, 2.0), low=(0.0, 2.0), high=(0.0, 4.0))
    grid = {"frequencies_cm1": (0.0, 100.0)}
    about = {
        "model": "dft_ef",
        "title": "t",
        "seeds": (1,),
        "letter": "a",
        "normalized_to": 3.0,
        "captured": 3.0,
    }
    meshes = [MeshCurve(title="t", mesh=(1, 1, 1), total=(0.0, top), **grid) for top in (5.0, 9.0)]
    low, high = (VibrationsPanel(**about, **grid, md=curve, mesh=mesh) for mesh in meshes)
    assert density_reach([low]) == (5.3, False)
    assert density_reach([low, high]) == (6.36, True)


def test_one_element_has_no_projection(harvest: Harvest, diamond: Crystal) -> None:
    source = VibrationsSource(harvest, diamond, "full")
    assert source.elements == ["C"]
    assert projected_figure(source) is None
    assert vibrations_figure(source) is None  # nor is MD asked for


def test_figures_are_written_and_the_page_shows_them(
    figure: VibrationsFigure, projected: VibrationsFigure, source: VibrationsSource, tmp_path: Path
) -> None:
    for made in (figure, projected):
        png, pdf, numbers = save(Drawing(VibrationsTopic(), made), tmp_path)
        assert png.read_bytes().startswith(b"\x89PNG")
        assert pdf.read_bytes().startswith(b"%PDF")
        assert VibrationsFigure.model_validate_json(numbers.read_bytes()) == made
    text = page(source.harvest, {"lih": source.crystal}, [Drawing(VibrationsTopic(), one) for one in (figure, projected)]).beside()
    assert 'id="dynamics"' in text
    assert 'id="table-vibrations"' in text
    assert 'alt="Vibrational densities of states of lih by element (H, Li)' in text
    assert (
        text.count('<tr class="lost">', text.index('id="table-vibrations"'), text.index('id="training"')) == 2
    )
    assert "MD of ML(DFT<sub>E,F</sub>), lih" in text


def test_plots_have_the_same_values(figure: VibrationsFigure, projected: VibrationsFigure) -> None:
    for one in (figure, projected):
        document = vibrations_plot(one).document()
        assert accepted(document) == len(document["data"])
        means = [line["y"] for line in document["data"] if line["name"].endswith(": MD")]
        assert means == [list(panel.md.mean) for panel in one.panels]
        assert {switch["group"] for switch in document["switches"]} >= {"Models", "Beside them"}
    assert {switch["name"] for switch in document["switches"] if switch["group"] == "Elements"} == {"H", "Li"}
