"""What a user gave to compare with: phonons of a phonopy file, values and densities of CSV files, in the report."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_world
from ase import Atoms
from ase.build import bulk, make_supercell
from sources import module_at

from campaign.references.files import read_density, read_frequencies
from campaign.references.user_files import UserReferences, user_references
from campaign.report.crystal import Crystal
from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.screen.alone import Alone
from campaign.report.topics.bands.gather import bands_figure
from campaign.report.topics.bands.ink import draw_bands
from campaign.report.topics.bands.payload import BandsFigure
from campaign.report.topics.references.table import reference_table
from campaign.report.write import write_report
from campaign.results import Campaign, open_campaign
from campaign.spec import SpecError
from flows.phonons.harmonic import harmonic_crystal
from flows.phonons.nac import nac_settings
from flows.phonons.published import PublishedPhonons, published_phonons
from flows.phonons.settings import NacSettings, PhononSettings
from flows.records import Structure
from launchers.farm import Farm

FILES = {
    "points.csv": """\
# made up: lines 4, 6, 7, 9 and 10 are wrong
point,from,to,fraction,frequency_cm1,error_cm1,branch
X,,,,800,10,TA
X,,,,8oo,,
GAMMA,,,,1330,,
W,,,,900,,
,Γ,W,0.5,900,,
,X,Γ,0.25,500,,TA
,Γ,X,1.5,500,,
X,,,,800,-3,
""",
    "dos.csv": "frequency_cm1,dos\n0,0\n1000,4\n1400,0\nx,1\n",
}
REFERENCE = """\
    reference:
      dft: {phonopy: dft.yaml.xz, title: Springs, source: a friend}
      neutrons: {csv: points.csv, dos_csv: dos.csv, title: Neutrons, source: "Nobody, J. Imag. Phys. 0, 1 (1900)"}
"""
SETTINGS = PhononSettings(mesh=(4, 4, 4), points_per_segment=15, dos_pitch_cm1=10.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "dft.yaml.xz").write_bytes(lzma.compress(report_world.springs("diamond").blob.content()))
    return folder


@pytest.fixture(scope="module")
def toy(folder: Path) -> Campaign:
    return report_world.campaign(folder, report_world.DIAMOND + REFERENCE)


@pytest.fixture(scope="module")
def given(toy: Campaign, folder: Path) -> UserReferences:
    return given_of(toy, folder)


def given_of(toy: Campaign, folder: Path) -> UserReferences:
    cells = toy.spec.systems["diamond"]
    names = {file.sha256: file.name for one in cells.reference.values() for file in (one.phonopy, one.csv, one.dos_csv) if file}
    return user_references("diamond", cells, toy.spec.phonons, lambda sha256: (folder / names[sha256]).read_bytes())


@pytest.fixture(scope="module")
def figure(toy: Campaign, given: UserReferences) -> BandsFigure:
    crystal = Crystal("diamond", toy.spec.systems["diamond"], given)
    harvest = Harvest(toy, {("diamond", level): one for level, one in given.levels.items()})
    made = bands_figure(DispersionSource(harvest, crystal, "full"))
    assert made is not None
    return made


def test_a_phonopy_file_is_the_line_of_its_level(figure: BandsFigure) -> None:
    (line,) = figure.panels[0].lines
    expected = report_world.springs("diamond")
    assert (line.kind, line.model, line.source) == ("direct", "dft", "Springs; a friend; dft.yaml.xz")
    for found, known in zip(line.frequencies_cm1, expected.bands.frequencies_cm1, strict=True):
        assert np.allclose(found, np.sort(known), atol=1e-2)
    assert line.dos is not None
    assert np.allclose(line.dos.total, expected.dos.total, atol=1e-6)
    assert "line: DFT, phonons of the level itself (Springs; a friend; dft.yaml.xz)" in figure.caption


def test_it_is_drawn(figure: BandsFigure) -> None:
    axes = draw_bands(figure).axes
    legend = axes[0].get_legend()
    assert legend is not None
    assert "Neutrons" in [text.get_text() for text in legend.get_texts()]
    drawn = [line for line in axes[0].lines if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in drawn] == [[800, 1330, 1330, 500]]
    assert ":" in [line.get_linestyle() for line in axes[1].lines]


def test_values_stand_where_their_file_says(figure: BandsFigure) -> None:
    (series,) = figure.series
    ticks = {tick.label: tick.position for tick in figure.axis.ticks}
    gammas = [tick.position for tick in figure.axis.ticks if tick.label == "Γ"]
    places = [(point.position, point.frequency_cm1) for point in series.points]
    assert places == [
        (pytest.approx(ticks["X"]), 800),
        (pytest.approx(gammas[0]), 1330),
        (pytest.approx(gammas[1]), 1330),
        (pytest.approx(0.75 * ticks["X"]), 500),
    ]
    assert (series.points[0].error_cm1, series.points[0].branch) == (10, "TA")
    assert "Circles: Neutrons (Nobody, J. Imag. Phys. 0, 1 (1900)); bars: errors as stated." in figure.caption


def test_rows_that_are_wrong_are_set_aside_and_named(toy: Campaign, given: UserReferences) -> None:
    assert given.set_aside == (
        "points.csv, line 4: frequency_cm1 should be a number, got '8oo'",
        "points.csv, line 9: fraction should be from 0 to 1, got '1.5'",
        "points.csv, line 10: error_cm1 should not be negative, got '-3'",
        "points.csv, line 6: no point 'W' on the path (Γ, X, K, L)",
        "points.csv, line 7: no segment Γ-W on the path (Γ-X, X-K, K-Γ, Γ-L)",
        "dos.csv, line 5: frequency_cm1 should be a number, got 'x'",
    )
    table = reference_table([Crystal("diamond", toy.spec.systems["diamond"], given)])
    assert [note.removeprefix("Set aside: ") for note in table.notes] == list(given.set_aside)


def test_a_density_has_the_area_of_all_modes(figure: BandsFigure) -> None:
    (density,) = figure.densities
    assert np.trapezoid(density.total, density.frequencies_cm1) == pytest.approx(6)
    assert density.factor == pytest.approx(6 / (4 * 1400 / 2))
    assert f"times {density.factor:.4g}" in figure.caption


@pytest.mark.parametrize(("element", "area"), [("H", 3), ("He", None)])
def test_a_density_of_one_element_has_the_area_of_its_atoms(tmp_path: Path, element: str, area: float | None) -> None:
    (tmp_path / "dos.csv").write_text(FILES["dos.csv"], encoding="utf-8")
    asked = report_world.LIH + f"    reference:\n      ins: {{dos_csv: dos.csv, source: Nobody, element: {element}}}\n"
    report_world._write_labels(tmp_path)
    if area is None:
        with pytest.raises(SpecError, match=r"reference\.ins\.element: the crystal has no 'He'; it has Li, H"):
            report_world.world.load(tmp_path, report_world.YAML % asked)
        return
    spec = report_world.world.load(tmp_path, report_world.YAML % asked).resolved
    content = FILES["dos.csv"].encode()
    found = user_references("lih", spec.systems["lih"], spec.phonons, lambda _: content)
    (density,) = found.densities
    assert density.element == element
    assert np.trapezoid(density.density, density.frequencies_cm1) == pytest.approx(area)


def test_an_element_is_that_of_a_density(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(FILES["points.csv"], encoding="utf-8")
    asked = report_world.DIAMOND + "    reference:\n      ins: {csv: points.csv, source: Nobody, element: C}\n"
    report_world._write_labels(tmp_path)
    with pytest.raises(SpecError, match="says of what dos_csv is the density of states"):
        report_world.world.load(tmp_path, report_world.YAML % asked)


def test_the_table_has_each_value_with_its_source(toy: Campaign, given: UserReferences) -> None:
    table = reference_table([Crystal("diamond", toy.spec.systems["diamond"], given)])
    mine = [row[1:] for row in table.rows if row[-1] == "given by the user"]
    nobody = "Nobody, J. Imag. Phys. 0, 1 (1900)"
    assert ("X: Neutrons TA", "800 ± 10", "given", nobody, "given by the user") in mine
    assert ("Γ: Neutrons", "1330", "given", nobody, "given by the user") in mine
    twice = given.series[0]
    twice = replace(twice, values=tuple(replace(twice.values[0], point="L", branch=None, frequency_cm1=one) for one in (1.0, 2.0)))
    (row,) = reference_table([Crystal("diamond", toy.spec.systems["diamond"], replace(given, levels={}, series=(twice,), densities=()))]).rows[-1:]
    assert row[1] == "L: Neutrons"
    gamma = report_world.springs("diamond").points_cm1["Γ"][-1]
    assert ("Γ: DFT", f"0 ×3, {gamma:.0f} ×3", "calculation", "Springs; a friend; dft.yaml.xz", "given by the user") in mine


def test_the_report_reads_what_the_database_keeps(
    toy: Campaign, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = toy.spec.systems["diamond"]
    names = {one.phonopy.sha256: one.phonopy.name for one in cells.reference.values() if one.phonopy}

    def read_file(_: Farm, sha256: str) -> bytes:
        if sha256 not in names:
            raise FileNotFoundError(f"no file with {sha256[:6]}")
        return (folder / names[sha256]).read_bytes()

    monkeypatch.setattr(Farm, "read_file", read_file)
    monkeypatch.setattr("campaign.report.ink.files.save", lambda *_: None)
    monkeypatch.setattr("campaign.report.write.alone", lambda *_: Alone())  # it reads the pictures
    page = write_report(toy, tmp_path).index.read_text()
    assert "phonons of the level itself (Springs; a friend; dft.yaml.xz)" in page
    assert "Set aside: points.csv is not used: no file with" in page


def test_lo_and_to_are_in_the_caption(tmp_path: Path) -> None:
    nac = "    nac: {born_charges: {Li: 1.05, H: -1.05}, dielectric: 4.3, method: wang}\n"
    farm = report_world.world.farm()
    plan = report_world.prepared(farm, tmp_path, report_world.LIH + nac)
    for work in plan.work.values():
        report_world.world.store(farm, report_world.record(farm, work))
    opened = open_campaign(farm, "toy")
    made = bands_figure(DispersionSource(Harvest(opened), Crystal("lih", opened.spec.systems["lih"]), "full"))
    assert made is not None
    assert "term as Wang et al. have it: Born charges Li 1.05, H -1.05 e, dielectric constant 4.3" in made.methods


def neighbour() -> type:
    return module_at("tests/phonons/test_phonons_harmonic.py").Springs


def asked(primitive: Atoms, nac: NacSettings | None = None) -> PublishedPhonons:
    about = {"sha256": "0", "system": "lih", "level": "dft", "source": "a file"}
    return PublishedPhonons(**about, primitive=Structure.from_atoms(primitive), settings=SETTINGS, nac=nac)


def term(atoms: Atoms) -> NacSettings:
    signs = np.where(atoms.numbers == 3, 1.05, -1.05)
    return nac_settings(atoms, [sign * np.eye(3) for sign in signs], 4.3 * np.eye(3))


# the term of Gonze and Lee, as phonopy sums it, is off by 1 cm^-1 in a cell as skew as the first
VECTORS = {"plain": ([[1, 0, 0], [1, 1, 0], [-1, 2, 1]], False), "with the term": ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], True)}


@pytest.mark.parametrize(("vectors", "charged"), VECTORS.values(), ids=VECTORS)
def test_a_file_may_have_other_vectors_another_orientation_and_another_order(vectors: list, charged: bool) -> None:
    """The same crystal, whether the term is in the file or in the spec."""
    ours = bulk("LiH", "rocksalt", a=4.0)
    theirs = make_supercell(ours, vectors)[[1, 0]]
    theirs.rotate(40, (1, 2, 3), rotate_cell=True)
    cube, springs = 2 * np.eye(3, dtype=int), neighbour()(theirs, 2.05, 2.0, 0.4)
    crystal = harmonic_crystal(ours, cube, neighbour()(ours, 2.05, 2.0, 0.4))
    expected = published_phonons(crystal.yaml(), asked(ours, term(ours) if charged else None))
    split = expected.points_cm1["Γ"][5] - expected.points_cm1["Γ"][4]
    assert split > 100 if charged else split < 0.01
    own = harmonic_crystal(theirs, cube, springs, nac=term(theirs) if charged else None)
    for content, nac in ((harmonic_crystal(theirs, cube, springs).yaml(), term(ours) if charged else None), (own.yaml(), None)):
        found = published_phonons(content, asked(ours, nac))
        assert found.bands.qpoints == expected.bands.qpoints
        for block, known in zip(found.bands.frequencies_cm1, expected.bands.frequencies_cm1, strict=True):
            assert np.allclose(block, known, atol=0.01)
    assert ("with the non-analytical term of the file" in (found.source or "")) is charged


def test_forces_do_where_a_file_has_no_force_constants() -> None:
    ours = bulk("LiH", "rocksalt", a=4.0)
    crystal = harmonic_crystal(ours, 2 * np.eye(3, dtype=int), neighbour()(ours, 2.05, 2.0, 0.4))
    settings = {"force_constants": False, "force_sets": True, "displacements": True}
    forces = str(crystal.phonopy.to_phonopy_yaml(settings=settings)).encode()
    expected = published_phonons(crystal.yaml(), asked(ours))
    assert published_phonons(forces, asked(ours)).points_cm1["L"] == pytest.approx(expected.points_cm1["L"], abs=0.01)


def test_files_that_are_none() -> None:
    for content in (b"\xff\xfe", b"", b"point;frequency_cm1\nX;3\n"):
        with pytest.raises(ValueError, match=r"f\.csv"):
            read_frequencies(content, "f.csv")
    with pytest.raises(ValueError, match=r"fewer than two values; d\.csv, line 2: dos should not be negative, got '-1'"):
        read_density(b"frequency_cm1,dos\n1,-1\n", "d.csv")
