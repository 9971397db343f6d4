"""Curves on a campaign's page: of what runs, of what is done; and the first look before anybody asks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from browsers import Browser, served

from campaign.planning.plan import Plan
from campaign.planning.work import Work
from campaign.records.campaigns import resolved_spec
from campaign.steering.status import State, Status, status_of
from campaign.steering.submit import planned
from campaign.web.curves import ENERGY, HEIGHT, WIDTH, Curves, Line, Panel
from campaign.web.label_rates import LabelTimes, label_panels
from flows.bulletins import News
from flows.keys import job_uuid
from flows.settings import Settings
from launchers.farm import Farm
from launchers.web.server import WARMED, _warm


@pytest.fixture
def running(farm: Farm, toy: str) -> str:
    """The key of a training that runs and has told of three epochs."""
    from fireworks import FWorker

    assert toy
    firework, _ = farm.launchpad.checkout_fw(FWorker(category="train"), "/runs/1")
    key = farm.launchpad.workflows.find_one({"nodes": firework.fw_id})["metadata"]["key"]
    news = News("epoch", 3, 9, {"epoch": [1, 2, 3], "loss": [3, 2, 1], ENERGY: [100.0, 10.0, 1.0]})
    farm.bulletins.insert_one({"key": key, "at": datetime.now(UTC), **news.document()})
    return key


def test_a_running_training_is_drawn_as_far_as_it_is(browser: Browser, farm: Farm, toy: str, running: str) -> None:
    text = browser.page(f"/campaigns/{toy}")
    assert re.search(r"seed \d+: epoch 3 of 9, now 1<", text)
    assert f'points="0.0,0.0 {WIDTH / 2:.1f},{HEIGHT / 2:.1f} {WIDTH:.1f},{HEIGHT:.1f}"' in text  # decades are equal steps
    before = browser.get(f"/versions?campaign={toy}").get_json()["version"]
    farm.bulletins.update_one({"key": running}, {"$set": {"done": 4, "series": {"epoch": [1, 4], ENERGY: [100.0, 0.5]}}})
    again = Browser(served(farm).test_client())
    again.log_in()
    assert "epoch 4 of 9, now 0.5" in again.page(f"/campaigns/{toy}")
    assert again.get(f"/versions?campaign={toy}").get_json()["version"] != before


def test_a_finished_training_has_the_curve_of_its_record(browser: Browser, farm: Farm, toy: str) -> None:
    work = next(one for one in planned(farm, resolved_spec(farm, toy)).of_stage("train") if one.seed is not None)
    assert "<h2>Curves" not in browser.page(f"/campaigns/{toy}")
    curve = [{"epoch": epoch, "loss": 1.0, ENERGY: 8.0 / epoch} for epoch in (1, 2, 4)]
    farm.store_records({job_uuid(work.key): {"key": work.key, "learning_curve": curve, "wall_time_s": 3.0}}, "train")
    again = Browser(served(farm).test_client())
    again.log_in()
    assert f"seed {work.seed}: done, 2 in the last epoch" in again.page(f"/campaigns/{toy}?model={work.model}")
    assert "<h2>Curves" not in again.page(f"/campaigns/{toy}?stage=phonons")


def test_an_md_has_temperature_and_drift(farm: Farm, toy: str) -> None:
    status = status_of(farm, planned(farm, resolved_spec(farm, toy)))
    work = status.plan.of_stage("phonons")[0]
    series = {"step": [-500, 0, 500], "temperature_K": [300.0, 310.0, 290.0], "drift_meV_atom": [None, None, 0.01]}
    news = News("step", 500, 1000, series, "start 0").document()
    panels, more = Curves(farm).panels(status, {work.key: news}, [work])
    assert [(one.quantity, len(one.lines[0].points)) for one in panels] == [("temperature_K", 3), ("drift_meV_atom", 1)]
    assert "start 0: step 500 of 1000, now 290" in panels[0].lines[0].text
    assert more == 0


def test_a_flat_or_a_single_curve_lies_in_the_middle() -> None:
    line = Line("seed 1", False, ((3.0, 2.0),), "")
    assert Panel("", ENERGY, (line,)).drawn(line) == f"{WIDTH / 2:.1f},{HEIGHT / 2:.1f}"


def test_the_limits_of_axes_are_said_as_a_person_would() -> None:
    line = Line("seed 1", False, ((0.0074918, 1034.2), (12.0, 0.387123)), "")
    assert Panel("t", ENERGY, (line,)).extent == "0.387 to 1034; epochs: 0.00749 to 12"


def test_a_server_that_begins_has_looked_at_all_campaigns(farm: Farm, toy: str) -> None:
    app = served(farm)
    (warm,) = app.extensions[WARMED]
    views = warm.__self__
    assert views.snapshots._campaigns == {}
    _warm(app)
    assert views.snapshots._campaigns[toy]._value.name == toy
    app.extensions[WARMED].insert(0, lambda: 1 / 0)
    _warm(app)  # what fails is no trouble of those that come after it, nor of the server


def test_labels_per_hour(farm: Farm) -> None:
    """Ten labels of HF in the first hour, two in the second: as they were stored, in bins of one width."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    stored = [start + timedelta(minutes=5.5 * one) for one in range(1, 11)] + [start + timedelta(minutes=one) for one in (90, 100)]
    keys = [f"label {one}" for one in range(len(stored))]
    documents = [
        {"uuid": job_uuid(key), "index": 1, "completed_at": at.isoformat(), "output": {"key": key, "level": "hf", "wall_time_s": 330.0}}
        for key, at in zip(keys, stored, strict=True)
    ]
    documents[3]["completed_at"] = documents[3]["completed_at"].removesuffix("+00:00")  # as jobflow writes it
    farm.outputs.insert_many(documents)
    chunks = [Work(f"chunk {one}", "label", "copper", "hf (toy)", None, "", (), Settings(), tuple(keys[one::2])) for one in range(2)]
    status = Status(Plan("toy", {one.key: one for one in chunks}, ()), {"chunk 0": State.DONE, "chunk 1": State.RUNNING}, {}, {*keys[1::2]})
    times = LabelTimes(farm)
    found = times.of(status)
    assert {system: {level: len(moments) for level, moments in levels.items()} for system, levels in found.items()} == {"copper": {"hf": 12}}
    ((panel,), more) = label_panels(status, found, chunks, (start + timedelta(hours=4)).timestamp())
    assert more == 0
    assert panel.limits == (pytest.approx(0.5), pytest.approx(3.5), 0.0, 10.0)
    assert [x for x, _ in panel.lines[0].points] == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert [y for _, y in panel.lines[0].points] == pytest.approx([10, 2, 0, 0])
    assert panel.lines[0].text == "hf: 12 labels, 0 per hour now"
    assert label_panels(status, found, [], 0.0) == ([], 0)
    farm.outputs.delete_many({})
    assert times.of(status) == found  # they were asked for once
