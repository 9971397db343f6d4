"""Rows of a system, a point, a model, a seed; many campaigns at once; tables of time, of references and of temperatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import results_world as world
import typer
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

from campaign.cli import connect, results_commands
from campaign.cli.errors import UsageError
from campaign.records.plans import keep_plan
from campaign.results import TABLES, Campaigns, UnknownCampaign, UnknownResult, UnknownTable, open_campaigns
from campaign.results.outlier import outlier
from campaign.results.tables import reference as reference_table
from flows.keys import job_uuid
from flows.records import PhononFacts
from launchers.farm import Farm

PLACES = [
    ("phonons", {"system": "carbon"}),
    ("phonons", {"point": "X", "model": "delta_hf"}),
    ("points", {"seed": 2, "point": "Γ"}),
    ("training", {"seed": 1, "model": "dft_ef"}),
    ("learning", {"model": "hf-dft"}),
    ("gaps", {"model": "mp2-dft"}),
]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """Two campaigns that share their work, and another whose system has a lattice constant of its own."""
    made = world.farm()
    texts = (world.YAML, world.YAML.replace("campaign: toy", "campaign: again"), world.YAML.replace("campaign: toy", "campaign: wider").replace("seeds: [1, 2]", "seeds: [1, 2, 3]"))
    for text in texts:
        folder = tmp_path_factory.mktemp("toy")
        world.write_labels(folder)
        world.everything(made, world.enter(made, world.load(folder, text)))
    return made


@pytest.fixture(scope="module")
def every(farm: Farm) -> Campaigns:
    return open_campaigns(farm)


@pytest.fixture
def command(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run `results`, its errors raised."""
    monkeypatch.setattr(connect, "open_farm", lambda: farm)
    app = typer.Typer()
    results_commands.register(app)

    def run(*arguments: str) -> str:
        outcome = CliRunner().invoke(app, ["results", *arguments])
        if outcome.exception is not None:
            raise outcome.exception
        return outcome.stdout

    return run


@pytest.mark.parametrize(("name", "where"), PLACES, ids=[f"{name}-{'-'.join(where)}" for name, where in PLACES])
def test_what_is_asked_for_are_the_rows_of_the_whole_that_match(every: Campaigns, name: str, where: dict[str, object]) -> None:
    toy = every["toy"]
    whole = toy.table(name)
    for column, value in where.items():
        whole = whole[whole[column] == value]
    assert len(whole)
    assert_frame_equal(toy.table(name, **where), whole.reset_index(drop=True))


def test_gamma_has_names_that_keyboards_have(every: Campaigns) -> None:
    frame = every["toy"].table("points", point="Gamma")
    assert set(frame["point"]) == {"Γ"}
    assert_frame_equal(frame, every["toy"].table("points", point="Γ"))


def test_a_table_without_the_column_says_which_have_it(every: Campaigns) -> None:
    with pytest.raises(UnknownTable, match="the table phonons has no column seed; these have one: training, learning, points"):
        every["toy"].table("phonons", seed=1)
    with pytest.raises(UnknownTable, match="no column point"):
        every.table("labels", point="X")


@pytest.mark.parametrize(
    ("where", "said"),
    [({"system": "carbn"}, "did you mean carbon"), ({"model": "delta_hg"}, "did you mean delta_hf"), ({"seed": 7}, "known: 1, 2"), ({"point": "W"}, "known: X, Γ")],
    ids=["system", "model", "seed", "point"],
)
def test_what_nobody_asks_for_is_an_error(every: Campaigns, where: dict[str, object], said: str) -> None:
    with pytest.raises(UnknownResult, match=said):
        every["toy"].table("points", **where)


def test_many_campaigns_are_their_tables_one_below_the_other(every: Campaigns) -> None:
    assert every.names == ("again", "toy", "wider")
    for name in ("labels", "phonons", "training"):
        whole = every.table(name)
        assert list(whole.columns) == ["campaign", *(column.name for column in TABLES[name].columns)]
        for campaign in every:
            own = whole[whole["campaign"] == campaign.name].drop(columns="campaign").reset_index(drop=True)
            assert_frame_equal(own, campaign.table(name))


def test_a_filter_of_many_is_of_those_that_have_such_a_thing(every: Campaigns) -> None:
    assert set(every.table("points", seed=3)["campaign"]) == {"wider"}
    with pytest.raises(UnknownResult, match=r"again, toy, wider: no seed 4; known: 1, 2, 3"):
        every.table("points", seed=4)
    with pytest.raises(UnknownCampaign, match="did you mean toy"):
        every["to"]
    with pytest.raises(UnknownCampaign, match="did you mean wider"):
        open_campaigns(every.farm, "toy", "widr")


def test_the_command(command: Callable[..., str]) -> None:
    rows = json.loads(command("--all", "points", "--point", "Gamma", "--model", "delta_hf", "--seed", "1", "--json"))
    assert {row["campaign"] for row in rows} == {"toy", "again", "wider"}
    assert {(row["point"], row["model"], row["seed"]) for row in rows} == {("Γ", "delta_hf", 1)}
    shown = command("--all", "phonons", "--point", "X")
    assert "campaign" in shown
    assert "next: latticefarm results --all phonons --point X --csv" in shown
    assert shown.count("800×2  1100×2  1200×2") >= 6, "each campaign is shown by itself"
    assert command("toy", "phonons", "--system", "carbon").count("ΔML(HF)")
    assert "next: latticefarm results --all training" in command("--all")
    with pytest.raises(UsageError, match="leave out toy"):
        command("--all", "toy", "phonons")
    with pytest.raises(UsageError, match="name a campaign, or --all"):
        command()


def test_a_plan_that_was_kept_gives_the_same_tables(tmp_path: Path) -> None:
    farm = world.farm()
    world.write_labels(tmp_path)
    plan = world.enter(farm, world.load(tmp_path))
    world.everything(farm, plan)
    before = {name: open_campaigns(farm)["toy"].table(name) for name in ("phonons", "points", "training", "time")}
    keep_plan(farm, plan)
    toy = open_campaigns(farm)["toy"]
    for name, frame in before.items():
        assert_frame_equal(toy.table(name), frame)
    assert "plan" not in toy.__dict__, "it was planned again"
    narrowed = replace(toy, only="carbon")
    assert list(narrowed.layout.work) == list(plan.work)
    assert narrowed.layout.gaps == plan.gaps
    assert list(replace(toy, only="silicon").layout.work) == []


def test_time_is_what_records_say(farm: Farm, every: Campaigns) -> None:
    toy = every["toy"]
    frame = toy.table("time").set_index(["stage", "level"])
    trainings = len(toy.plan.of_stage("train"))
    assert frame.loc["train"]["jobs"].sum() == trainings == 12
    assert frame.loc["train"]["wall_hours"].sum() == pytest.approx(trainings * 3.5 / 3600)
    assert frame["processor_hours"].isna().all()
    work = toy.plan.of_stage("train")[0]
    farm.outputs.update_one({"uuid": job_uuid(work.key)}, {"$set": {"metadata.made_on.processor_s": 7200.0}})
    told = toy.table("time").set_index(["stage", "level"]).loc["train", "dft"]
    assert (told["processor_hours"], told["told_jobs"]) == (2.0, 1)
    (note,) = [one for one in TABLES["time"].notes(toy.table("time")) if one.startswith("CPU")]
    assert f"not known of {toy.table('time')['jobs'].sum() - 1} jobs" in note


def test_a_model_less_its_reference_and_the_seed_that_is_an_outlier(every: Campaigns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 2 lies 10 cm^-1 above the others, which are equal; at X no seed differs."""
    known = {"Γ": (0.0, 0.0, 0.0, 1290.0, 1290.0, 1290.0), "X": (790.0, 790.0, 1120.0, 1120.0, 1200.0, 1200.0), "W": (1.0,)}
    own = reference_table._Reference("a file", known)
    monkeypatch.setattr(reference_table, "_references", lambda _: {("carbon", "hf"): [own]})
    frame = every["wider"].table("reference", model="delta_hf").query("size == 'full'").set_index(["point", "bands"])
    assert set(frame.index) == {("Γ", "1-3"), ("Γ", "4-6"), ("X", "1-2"), ("X", "3-4"), ("X", "5-6")}
    optical = frame.loc["Γ", "4-6"]
    assert optical["mean_off_cm1"] == pytest.approx((10.1 + 20.1 + 10.1) / 3)
    assert (optical["min_off_cm1"], optical["max_off_cm1"]) == pytest.approx((10.1, 20.1))
    assert optical["outlier_seed"] == 2
    assert (optical["outlier_off_cm1"], optical["outlier_gap_cm1"]) == pytest.approx((20.1, 10.0))
    assert frame.loc["X", "1-2"]["mean_off_cm1"] == pytest.approx(10.0)
    assert frame.loc["X", "3-4"]["mean_off_cm1"] == pytest.approx(-20.0)
    assert frame.loc["X"]["outlier_seed"].isna().all()
    two = every["toy"].table("reference", model="delta_hf")
    assert two["outlier_seed"].isna().all(), "of two seeds it cannot be said"


def test_the_q_test_of_a_textbook() -> None:
    """0.189 is the outlier at 90 %, and not at 95 % (Q = 0.455 of ten values, where 0.466 is asked for)."""
    values = [0.189, 0.167, 0.187, 0.183, 0.186, 0.182, 0.181, 0.184, 0.181, 0.177]
    assert outlier(values) is None
    found = outlier([0.160, *(one for one in values if one != 0.167)])
    assert found is not None
    assert found.number == 0
    assert found.gap == pytest.approx(0.017)
    assert outlier([1.0, 9.0]) is None
    assert outlier([5.0, 5.0, 5.0]) is None
    assert outlier([5.0, 5.0, 5.2], least_gap=0.5) is None


def test_force_constants_that_cannot_be_read_are_said(every: Campaigns) -> None:
    frame = every["toy"].table("thermal")
    assert frame["why"].str.startswith("its force constants cannot be read: no unit cell").all()
    assert frame["min_heat_capacity_J_K_mol"].isna().all()
    assert not frame["stable"].any()
    notes = TABLES["thermal"].notes(frame)
    assert any(note.startswith("not there: ML(DFT_EF) of carbon, full: its force constants") for note in notes)


def test_there_is_no_quasi_harmonic_way(every: Campaigns) -> None:
    with pytest.raises(UnknownResult, match=r"carbon: no quasi-harmonic.*one volume, 5\.64 Å³ per atom.*thermal expansion"):
        every["toy"].thermal([300.0], quasi_harmonic=True)


def test_light_records_have_what_tables_show(every: Campaigns) -> None:
    toy = every["toy"]
    drawn = {"bands", "dos", "imaginary"}
    for light, whole in zip(toy.frequencies(), toy.phonons(), strict=True):
        assert isinstance(light.record, PhononFacts)
        assert light.record.model_dump(exclude=drawn) == whole.record.model_dump(exclude=drawn)
    long = {"learning_curve", "predictions_eV", "settings", "versions"}
    for light, whole in zip(toy.verdicts(), toy.trainings(), strict=True):
        assert light.record.model_dump(exclude=long) == whole.record.model_dump(exclude=long)
