"""What a campaign says of its results: records under the plan's names, tables, spreads, holdouts, failures."""

from __future__ import annotations

from pathlib import Path

import pytest
import results_world as world

from campaign.results import TABLES, Campaign, UnknownCampaign, UnknownResult, UnknownTable, open_campaign
from campaign.results.tables.phonons import degenerate
from flows.keys import job_uuid
from launchers.farm import Farm


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("toy")
    world.write_labels(path)
    return path


@pytest.fixture(scope="module")
def farm(folder: Path) -> Farm:
    made = world.farm()
    world.everything(made, world.enter(made, world.load(folder)))
    return made


@pytest.fixture(scope="module")
def toy(farm: Farm) -> Campaign:
    return open_campaign(farm, "toy")


@pytest.fixture
def empty(folder: Path) -> Farm:
    """Labels, and nothing else yet."""
    made = world.farm()
    world.enter(made, world.load(folder))
    return made


def test_an_unknown_campaign_names_the_nearest(farm: Farm) -> None:
    with pytest.raises(UnknownCampaign, match=r"no campaign 'tou' in this database; did you mean toy\?"):
        open_campaign(farm, "tou")
    with pytest.raises(UnknownCampaign, match="it holds none yet"):
        open_campaign(world.farm(), "toy")


def test_a_notebook_shows_a_campaign_in_a_line(toy: Campaign) -> None:
    assert repr(toy) == f"<campaign toy: carbon; {', '.join(toy.spec.models)}>"


def test_an_unknown_table_names_the_nearest(toy: Campaign) -> None:
    with pytest.raises(UnknownTable, match=r"no table 'phonon'; did you mean phonons\?"):
        toy.table("phonon")


def test_records_come_with_their_place_in_the_plan(toy: Campaign) -> None:
    assert len(toy.trainings()) == 2 * 3 * 2
    assert len(toy.sums()) == 3 * 2
    assert len(toy.phonons()) == 2 * 3 * 2
    assert all(one.work.key == one.record.key for one in toy.trainings())
    assert toy.failures() == []
    assert list(toy.label_sets()) == ["carbon"]


def test_the_plan_names_what_another_campaign_computed_first(farm: Farm, folder: Path) -> None:
    text = world.YAML.replace("campaign: toy", "campaign: other").replace("carbon:", "diamond:")
    world.enter(farm, world.load(folder, text.replace("half:", "six:")))
    other = open_campaign(farm, "other")
    assert {one.record.system for one in other.phonons()} == {"carbon"}
    for name in ("training", "phonons", "points", "learning", "labels"):
        assert set(other.table(name)["system"]) == {"diamond"}, name
    assert set(other.table("phonons")["size"]) == {"full", "six", "few"}


def test_labels_are_audited_per_level(toy: Campaign) -> None:
    labels = toy.table("labels").set_index("level")
    assert labels["count"].to_dict() == {"dft": 12, "hf": 12}
    assert labels["with_forces"].to_dict() == {"dft": 12, "hf": 0}
    assert labels.loc["hf", "line_slope"] == pytest.approx(0.2)
    assert labels["set_aside"].to_dict() == {"dft": 0, "hf": 1}
    aside = toy.table("set-aside").iloc[0]
    assert (aside["file"], aside["frame"], aside["level"]) == ("hf.xyz", 12, "hf")
    assert "unmatched" in aside["reason"]


def test_gaps_are_a_table(toy: Campaign) -> None:
    gaps = toy.table("gaps")
    assert gaps["model"].tolist() == ["mp2-dft"]
    assert gaps["why"][0].startswith("no labels of mp2")


def test_training_judges_on_test_where_there_is_one(toy: Campaign) -> None:
    training = toy.table("training").set_index(["model", "size", "seed"])
    half, full = training.loc[("hf-dft", "half", 1)], training.loc[("hf-dft", "full", 1)]
    assert (half["held_out"], half["line_meV_atom"], half["rmse_over_line"]) == ("test", 4.0, 0.5)
    assert (full["held_out"], full["line_meV_atom"], full["rmse_over_line"]) == ("valid", 5.0, 0.4)
    assert (half["train_count"], half["valid_count"], half["test_count"]) == (5, 1, 6)
    assert half["rms_delta_force_meV_A"] == 12.0
    assert training.loc[("dft_ef", "half", 1)].isna()["rmse_over_line"]
    assert training["resumed"].groupby("seed").any().to_dict() == {1: False, 2: True}


def test_sums_stand_in_the_table_of_trainings(toy: Campaign) -> None:
    training = toy.table("training")
    sums = training[training["model"] == "delta_hf"]
    assert sums["title"].unique().tolist() == ["ΔML(HF)"]
    assert len(sums) == 6
    assert sums["test_energy_meV_atom"].dropna().tolist() == [3.0] * 4
    assert sums["wall_time_s"].isna().all()


def test_learning_curves_have_one_common_holdout(toy: Campaign) -> None:
    learning = toy.table("learning")
    assert set(learning["size"]) == {"half", "few"}  # full has nothing to test on
    assert set(learning["holdout_count"]) == {6}
    errors = learning.set_index(["model", "size", "seed"])["holdout_energy_meV_atom"]
    assert errors["dft_ef", "half", 1] == pytest.approx(1.0)  # 0.008 eV of 8 atoms
    assert errors["hf-dft", "few", 2] == pytest.approx(2.0)
    assert errors["delta_hf", "few", 2] == pytest.approx(4.0)  # the errors of both parts
    seen = learning.set_index(["model", "size", "seed"])["seen_count"]
    assert (seen["dft_ef", "half", 1], seen["delta_hf", "few", 1]) == (6, 4)


def test_the_seed_spread_is_from_smallest_to_largest(toy: Campaign) -> None:
    phonons = toy.table("phonons").set_index(["model", "size", "point", "bands"]).sort_index()
    optical = phonons.loc[("dft_ef", "full", "Γ", "4-6")]
    assert (optical["min_cm1"], optical["max_cm1"]) == (pytest.approx(1300.1), pytest.approx(1310.1))
    assert optical["spread_cm1"] == pytest.approx(10.0)
    assert optical["gamma_optical"]
    assert (optical["seed_count"], optical["planned_seed_count"], optical["degeneracy"]) == (2, 2, 3)
    assert not phonons.loc[("dft_ef", "full", "Γ", "1-3"), "gamma_optical"]
    assert phonons.loc[("dft_ef", "full", "X")].index.tolist() == ["1-2", "3-4", "5-6"]
    points = toy.table("points")
    assert len(points) == 12 * 2 * 6
    seed = points[(points["model"] == "delta_hf") & (points["size"] == "half") & (points["point"] == "Γ")]
    assert seed.groupby("seed")["frequency_cm1"].max().to_dict() == {1: 1300.2, 2: 1310.2}


def test_degenerate_bands_are_so_for_every_seed() -> None:
    assert degenerate([[1.0, 1.1, 5.0]]) == [range(2), range(2, 3)]
    assert degenerate([[1.0, 1.1, 5.0], [1.0, 2.0, 5.0]]) == [range(1), range(1, 2), range(2, 3)]


def test_what_has_not_learned_is_marked(toy: Campaign) -> None:
    for name in ("training", "learning", "phonons", "points"):
        table = toy.table(name)
        lost = table[~table["learned"]]
        assert set(lost["size"]) == {"few"}, name
        assert "dft_ef" not in set(lost["model"]), name
    phonons = toy.table("phonons")
    lost = phonons[~phonons["learned"]]
    assert set(lost["learned_seed_count"]) == {0}
    assert set(lost["imaginary_count"]) == {5}
    assert lost["verdict"].unique().tolist() == ["dft_ef: fine; hf-dft: a straight line does as well"]


def test_one_seed_that_has_not_learned_marks_the_spread(empty: Farm) -> None:
    campaign = open_campaign(empty, "toy")
    for seed in (1, 2):
        work = campaign.find("phonons", "carbon", "delta_hf", seed, "half")
        world.store(empty, world.vibrating(work, learned=seed == 1))
    phonons = open_campaign(empty, "toy").table("phonons")
    assert not phonons["learned"].any()
    assert set(phonons["learned_seed_count"]) == {1}


def test_every_table_of_an_empty_campaign_has_its_columns(empty: Farm) -> None:
    campaign = open_campaign(empty, "toy")
    for name, table in TABLES.items():
        assert campaign.table(name).columns.tolist() == [column.name for column in table.columns]


def test_failures_say_why_and_what_they_block(empty: Farm) -> None:
    campaign = open_campaign(empty, "toy")
    work = campaign.find("train", "carbon", "dft_ef", 1, "full")
    world.fizzle(empty, work, 41)
    (failed,) = campaign.failures()
    assert (failed.work, failed.fw_id, failed.run_directory) == (work, 41, "/runs/7")
    assert failed.record.kind == "diverged"
    assert failed.blocked == 3  # its phonons, the sum, the phonons of the sum
    row = campaign.table("failures").iloc[0]
    assert (row["short_key"], row["message"], row["advice"]) == (
        work.key[:12],
        "the loss is nan",
        "lower the rate",
    )


def test_work_whose_record_was_removed_is_a_failure(empty: Farm) -> None:
    campaign = open_campaign(empty, "toy")
    work = campaign.find("phonons", "carbon", "dft_ef", 1, "full")
    world.fizzle(empty, work, 42)
    empty.launchpad.workflows.update_one({"metadata.key": work.key}, {"$set": {"fw_states.42": "COMPLETED"}})
    (failed,) = campaign.failures()
    assert (failed.record.kind, failed.blocked) == ("record-missing", 0)


def test_a_model_is_written_with_its_sha256_checked(toy: Campaign, tmp_path: Path) -> None:
    work = toy.find("train", "carbon", "hf-dft", 1, "full")
    path = toy.model_file(work.key, tmp_path / "new")
    assert (path.name, path.read_bytes()) == ("carbon_hf-dft_full_1.model", world.MODEL_BYTES)
    phonons = toy.find("phonons", "carbon", "delta_hf", 1, "full")
    assert toy.phonopy_file(phonons, tmp_path).read_bytes() == world.YAML_BYTES
    with pytest.raises(UnknownResult, match="is no train"):
        toy.model_file(phonons, tmp_path)
    with pytest.raises(UnknownResult, match="no train of seed 3; known: 1, 2"):
        toy.find("train", "carbon", "hf-dft", 3, "full")


def test_a_damaged_blob_is_refused(empty: Farm, tmp_path: Path) -> None:
    campaign = open_campaign(empty, "toy")
    work = campaign.find("train", "carbon", "dft_ef", 1, "full")
    with pytest.raises(UnknownResult, match="not done yet"):
        campaign.model_file(work, tmp_path)
    record = world.trained(empty, work)
    damaged = record.blob.model_copy(update={"sha256": "0" * 64})
    world.store(empty, record.model_copy(update={"blob": damaged}))
    with pytest.raises(ValueError, match="damaged"):
        campaign.model_file(work, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_records_are_read_without_their_blobs(farm: Farm, toy: Campaign) -> None:
    uuid = job_uuid(toy.trainings()[0].work.key)
    assert "base64" not in farm.records([uuid])[uuid]["blob"]
    assert not hasattr(toy.trainings()[0].record, "blob")


def test_a_sum_is_a_calculator_of_both_parts_and_warns(
    toy: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ase.build import bulk
    from ase.calculators.lj import LennardJones

    from flows.training import potentials

    made = []

    def potential(record, dtype, device):  # noqa: ARG001  as the real one is called
        made.append(record.model)
        return potentials.Sum([potentials.Foreign(LennardJones())])

    monkeypatch.setattr(potentials, "potential", potential)
    atoms = bulk("Ar", "fcc", a=1.6)
    one = LennardJones().get_potential_energy(atoms)
    atoms.calc = toy.potential("carbon", "delta_hf", 1, "half")
    assert atoms.get_potential_energy() == pytest.approx(2 * one)
    assert made == ["dft_ef", "hf-dft"]
    with pytest.warns(
        UserWarning,
        match=r"hf-dft has not learned \(train ML\(HF-DFT\) of carbon, seed 1, few\): a straight line",
    ):
        toy.potential("carbon", "delta_hf", 1, "few")
