"""The examples of the paper name all files of the public data set: those that are not there are gaps, not errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_campaign

from campaign.examples import copy_example, find_example
from campaign.spec import SpecError, load_spec

FILES = {
    "diamond-paper": ("200221forcc.xyz", "200221forcc_hfe.xyz"),
    "lih-paper": ("200222forcc.xyz", "200222forcc_hfe.xyz"),
}


@pytest.fixture(params=list(FILES))
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """Its name, and a folder that holds two of its files: any labels will do."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "labels"
    folder.mkdir()
    toy_campaign.write_campaign(folder)
    for written, name in zip(("dft.xyz", "hf.xyz"), FILES[request.param], strict=True):
        (folder / written).rename(folder / name)
    return request.param, folder


def test_what_is_not_there_is_a_named_gap(example: tuple[str, Path]) -> None:
    name, folder = example
    loaded = load_spec(name, (), folder)
    gaps = {gap.model: gap.why for gap in loaded.gaps}
    missing = ("mp2-dft", "ccsd-dft", "ccsd(t)-dft")
    assert gaps.keys() == {*missing, *(f"{one}_fc" for one in missing)}
    number = FILES[name][0][:6]
    assert f"{number}forcc_mp2.xyz, which the example names, is not there" in gaps["mp2-dft"]
    assert f"{number}forcc_ccsdt.xyz" in gaps["ccsd(t)-dft"]


def test_of_several_files_of_a_level_those_that_are_there_are_read(example: tuple[str, Path]) -> None:
    name, folder = example
    notes = load_spec(name, (), folder).notes
    assert any("goes on without lih_md_sweep222.xyz" in note for note in notes) == (name == "lih-paper")


def test_with_the_file_it_is_no_gap(example: tuple[str, Path]) -> None:
    name, folder = example
    mp2 = FILES[name][0].replace("forcc", "forcc_mp2")
    (folder / mp2).write_text((folder / FILES[name][1]).read_text() + "\n")
    assert "mp2-dft" not in {gap.model for gap in load_spec(name, (), folder).gaps}


def test_without_any_file_every_one_is_asked_for(example: tuple[str, Path], tmp_path: Path) -> None:
    name, _ = example
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError) as error:
        load_spec(name, (), tmp_path / "empty")
    assert all(file in str(error.value) for file in (*FILES[name], "_ccsd.xyz", "--data DIR"))


def test_in_a_campaign_of_ones_own_a_missing_file_is_an_error(example: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = example
    own = copy_example(name, tmp_path / "own")
    assert own.read_bytes() == find_example(name).read_bytes()
    with pytest.raises(SpecError, match=r"no file .*_mp2\.xyz"):
        load_spec(own, (), folder)
