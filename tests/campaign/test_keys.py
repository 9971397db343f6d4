"""Keys: what is computed, and nothing else. The golden ones are in users' databases for ever.

A golden key that changed means that every user computes that work again. If the numbers did change, raise the
`version` in its `digest`, and write the golden file anew: `python tests/campaign/test_keys.py`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import toy_campaign
import yaml
from ase.io import read, write

from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import Plan, Work, plan
from campaign.records import labels
from campaign.spec import SpecError, load_spec
from flows import keys
from flows.records import Label, LabelSet

GOLDEN = Path(__file__).with_name("golden_keys.json")


def read_labels(folder: Path, *overrides: str) -> dict[str, tuple[LabelSet, dict[str, Label]]]:
    loaded = load_spec(folder / "toy.yaml", overrides)
    return labels.read_all(loaded.resolved, labels.from_disk(loaded.files))


def planned(folder: Path, *overrides: str) -> Plan:
    loaded = load_spec(folder / "toy.yaml", overrides)
    sets = {name: read[0] for name, read in read_labels(folder, *overrides).items()}
    return plan(loaded.resolved, Knowledge(sets))


def new(folder: Path, *overrides: str) -> list[Work]:
    """The work that `overrides` add."""
    before = planned(folder)
    return [work for key, work in planned(folder, *overrides).work.items() if key not in before.work]


def all_keys(folder: Path, *overrides: str) -> set[str]:
    found = set(planned(folder, *overrides).work)
    for label_set, by_key in read_labels(folder, *overrides).values():
        found |= {label_set.key, *by_key, *(label.structure_key for label in by_key.values())}
    return found


def golden(folder: Path) -> dict[str, Any]:
    """Every key of the toy campaign, by what it is the key of."""
    label_set, by_key = read_labels(folder)["carbon"]
    return {
        "work": {work.title: key for key, work in planned(folder).work.items()},
        "label set": label_set.key,
        "labels": {str(label.source): key for key, label in by_key.items()},
        "structures": {str(label.source): label.structure_key for label in by_key.values() if label.level == "dft"},
    }


def edit(folder: Path, **parts: Any) -> None:
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | parts, sort_keys=False))


def test_golden_keys(toy_folder: Path) -> None:
    assert golden(toy_folder) == json.loads(GOLDEN.read_text())


def test_a_campaigns_name_is_in_no_key(toy_folder: Path) -> None:
    assert all_keys(toy_folder, "campaign=other") == all_keys(toy_folder)


def test_names_of_files_are_in_no_key(toy_folder: Path) -> None:
    before = all_keys(toy_folder)
    (toy_folder / "hf.xyz").rename(toy_folder / "renamed.xyz")
    assert all_keys(toy_folder, "systems.carbon.levels.hf.data=renamed.xyz") == before


def test_names_of_systems_are_in_no_key(toy_folder: Path) -> None:
    before = all_keys(toy_folder)
    systems = yaml.safe_load((toy_folder / "toy.yaml").read_text())["systems"]
    edit(toy_folder, systems={"diamond": systems["carbon"]})
    assert all_keys(toy_folder) == before


def test_the_name_of_a_size_is_in_no_key(toy_folder: Path) -> None:
    assert new(toy_folder, "training.sizes={all: 12, some: 8}") == []


def test_order_is_in_no_key(toy_folder: Path) -> None:
    images = read(toy_folder / "dft.xyz", index=":")
    write(toy_folder / "dft2.xyz", images[:10], format="extxyz")
    carbon = yaml.safe_load((toy_folder / "toy.yaml").read_text())["systems"]["carbon"]
    twin = {**carbon, "levels": {"dft": {"data": "dft2.xyz", "forces": True}}}
    edit(toy_folder, systems={"carbon": carbon, "twin": twin})
    before = all_keys(toy_folder)
    turned = {**carbon, "levels": dict(reversed(carbon["levels"].items()))}
    edit(toy_folder, systems={"twin": twin, "carbon": turned}, models=["hf-dft", "dft_ef"])
    assert all_keys(toy_folder, "training.seeds=[2, 1]", "training.sizes={few: 8, full: full}") == before


def test_order_of_frames_is_in_no_key_of_a_label(toy_folder: Path) -> None:
    before = set(read_labels(toy_folder)["carbon"][1])
    write(toy_folder / "hf.xyz", read(toy_folder / "hf.xyz", index=":")[::-1], format="extxyz")
    assert set(read_labels(toy_folder)["carbon"][1]) == before


@pytest.mark.parametrize("kept", ["training.valid_fraction=0.1", "mace.max_epochs=2", "matching.position_tolerance_A=1e-3"])
def test_saying_what_holds_anyway_changes_nothing(toy_folder: Path, kept: str) -> None:
    assert all_keys(toy_folder, kept) == all_keys(toy_folder)


def test_one_more_seed_adds_its_own_jobs(toy_folder: Path) -> None:
    added = new(toy_folder, "training.seeds=[1, 2, 3]")
    assert len(added) == 10
    assert {work.seed for work in added} == {3}


def test_one_more_size_adds_its_own_jobs(toy_folder: Path) -> None:
    added = new(toy_folder, "training.sizes={full: full, few: 8, more: 10}")
    assert len(added) == 10
    assert {work.size for work in added} == {"more"}


def test_one_more_level_adds_its_own_jobs(toy_folder: Path) -> None:
    images = read(toy_folder / "dft.xyz", index=":")
    write(toy_folder / "mp2.xyz", toy_campaign.raised(images[::-1]), format="extxyz")
    options = ("systems.carbon.levels.mp2.data=mp2.xyz", "models=[dft_ef, hf-dft, mp2-dft]")
    assert {work.model for work in new(toy_folder, *options)} == {"mp2-dft", "delta_mp2"}
    assert set(read_labels(toy_folder)["carbon"][1]) < set(read_labels(toy_folder, *options)["carbon"][1])


# what is changed, and the models whose work is new; labels never are
SETTINGS = {
    "epochs of differences": ("mace.difference.max_epochs=3", {"train": {"hf-dft"}, "sum": {"delta_hf"}, "phonons": {"delta_hf"}}),
    "epochs of all": (
        "mace.max_epochs=3",
        {"train": {"dft_ef"}, "sum": {"delta_hf"}, "phonons": {"dft_ef", "delta_hf"}},
    ),
    "cutoff": (
        "systems.carbon.mace.r_max=3",
        {"train": {"dft_ef", "hf-dft"}, "sum": {"delta_hf"}, "phonons": {"dft_ef", "delta_hf"}},
    ),
    "mesh": ("phonons.mesh=[3, 3, 3]", {"phonons": {"dft_ef", "delta_hf"}}),
    "phonon supercell": ("systems.carbon.cells.phonons=[1, 1, 1]", {"phonons": {"dft_ef", "delta_hf"}}),
}


@pytest.mark.parametrize(("override", "models"), SETTINGS.values(), ids=SETTINGS)
def test_a_setting_changes_what_depends_on_it(toy_folder: Path, override: str, models: dict[str, set[str]]) -> None:
    added = new(toy_folder, override)
    assert {stage: {work.model for work in added if work.stage == stage} for stage in models} == models
    assert {work.stage for work in added} == set(models)
    assert read_labels(toy_folder, override).keys() == read_labels(toy_folder).keys()
    assert set(read_labels(toy_folder, override)["carbon"][1]) == set(read_labels(toy_folder)["carbon"][1])


@pytest.mark.parametrize("name", ["device", "threads", "default_dtype", "num_workers", "work_dir"])
def test_a_machine_cannot_be_named(toy_folder: Path, name: str) -> None:
    for place in ("mace", "training", "phonons", "systems.carbon"):
        with pytest.raises(SpecError, match="unknown key"):
            load_spec(toy_folder / "toy.yaml", [f"{place}.{name}=1"])


def test_nothing_of_this_machine_is_digested(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digested: list[str] = []
    canonical = keys.canonical_json

    def watched(payload: Any) -> str:
        digested.append(canonical(payload))
        return digested[-1]

    monkeypatch.setattr(keys, "canonical_json", watched)
    all_keys(toy_folder)
    text = "\n".join(digested)
    assert {json.loads(one)["task"] for one in digested} == {"structure", "published-label", "label-set", "train", "sum", "phonons"}
    strangers = ("flows.", "campaign", "launchers", "@module", "version\":\"", "cuda", "cpu", "threads", str(toy_folder), ".xyz", "toy", "carbon")
    assert [word for word in strangers if word in text] == []


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        toy_campaign.write_campaign(Path(place))
        GOLDEN.write_text(json.dumps(golden(Path(place)), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    sys.stdout.write(f"wrote {GOLDEN}\n")
