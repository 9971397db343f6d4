"""The pages of campaigns: what they show, what their forms do, and what they cost the database."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pymongo.monitoring
import pytest
from browsers import Browser, served

from campaign.records.campaigns import holds, notes
from campaign.results.failed import failed_work
from campaign.spec import LoadedSpec, load_spec
from campaign.steering.status import State, status_of
from campaign.steering.submit import planned, submit
from campaign.web.kept import Kept
from launchers.farm import Farm
from launchers.queue.processes import ProcessName
from launchers.queue.resources import Offer
from launchers.workers.heartbeats import SlotBeat

pytestmark = pytest.mark.slow  # many pieces of work


def state_of(farm: Farm, key: str) -> State:
    from campaign.records.campaigns import resolved_spec

    return status_of(farm, planned(farm, resolved_spec(farm, "toy"))).states[key]


def test_an_empty_database_says_what_to_do(browser: Browser) -> None:
    assert "latticefarm submit SPEC" in browser.page("/campaigns/")
    assert "Nothing has failed" in browser.page("/failures")
    assert "No worker is heard of" in browser.page("/workers")


def test_a_campaign_that_was_just_submitted_is_there(browser: Browser, farm: Farm, loaded: LoadedSpec) -> None:
    assert browser.get("/campaigns/toy").status_code == 404
    submit(farm, loaded)
    assert "Campaign toy" in browser.page("/campaigns/toy")


def test_the_matrix_has_every_piece_of_work_in_its_state(browser: Browser, farm: Farm, toy: str) -> None:
    from campaign.records.campaigns import resolved_spec

    status = status_of(farm, planned(farm, resolved_spec(farm, toy)))
    shown = dict(re.findall(r'title="([^"]+): ([^":]+)"', browser.page("/campaigns/toy")))
    assert shown == {work.title: str(status.states[key]) for key, work in status.plan.work.items()}
    linked = set(re.findall(r'href="/wf/(\d+)" title', browser.page("/campaigns/toy")))
    assert linked == {str(one.fw_id) for one in status.queued.values()}


def test_filters_stand_in_the_address(browser: Browser, toy: str) -> None:
    assert toy
    text = browser.page("/campaigns/toy?model=dft_ef&seed=2&size=full")
    assert set(re.findall(r'title="([^"]+): [^":]+"', text)) == {
        "train ML(DFT_EF) of copper, seed 2, full", "phonons ML(DFT_EF) of copper, seed 2, full"
    }  # fmt: skip
    assert "2 pieces of work" in text
    assert "Nothing is there of that kind" in browser.page("/campaigns/toy?model=none")
    assert "4 pieces of work" not in text


def test_of_a_large_campaign_a_part_is_drawn_that_says_so(browser: Browser, toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from campaign.web import matrix

    whole = browser.page(f"/campaigns/{toy}")
    monkeypatch.setattr(matrix, "DRAWN", 12)
    cut = browser.page(f"/campaigns/{toy}")
    assert "Its first 1 seeds, of 2: choose one above" in cut
    assert 0 < cut.count("title=") <= 12 < whole.count("title=")
    assert "Its first" not in browser.page(f"/campaigns/{toy}?seed=2")
    assert browser.page(f"/campaigns/{toy}?seed=2").count("title=") == whole.count("title=") // 2


def test_a_failure_is_shown_with_all_that_helps(browser: Browser, failed: str) -> None:
    for address in ("/failures", "/campaigns/toy/failures", "/failures?kind=diverged"):
        text = browser.page(address)
        for word in ("diverged", "the loss &lt;is&gt; nan after 3 epochs", "lower the rate", "/runs/7", "node7", failed, "CalculationFailed"):
            assert word in text, (address, word)
    assert failed not in browser.page("/failures?kind=other")


def test_a_failed_piece_that_is_retried_by_the_page_is_back_in_the_queue(browser: Browser, farm: Farm, failed: str) -> None:
    assert state_of(farm, failed) is State.FAILED
    answer = browser.send("/campaigns/toy/steer", "/campaigns/toy/failures", act="retry", by="pieces", key=failed, back="/campaigns/toy/failures")
    assert answer.status_code == 303
    assert answer.location == "/campaigns/toy/failures"
    assert state_of(farm, failed) is State.QUEUED
    after = browser.page("/campaigns/toy/failures")
    assert "1 jobs back in the queue" in after
    assert failed not in after
    (note,) = notes(farm, "toy")
    assert (note["by"], note["act"], note["jobs"]) == ("ada", "retry", 1)
    assert "ada, retry" in browser.page("/campaigns/toy")


def test_a_group_of_failures_is_retried_at_once(browser: Browser, farm: Farm, failed: str) -> None:
    (group,) = re.findall(r'name="group" value="(\w+)"', browser.page("/campaigns/toy/failures"))
    browser.send("/campaigns/toy/steer", "/campaigns/toy/failures", act="retry", by="pieces", group=group)
    assert state_of(farm, failed) is State.QUEUED


def test_pause_resume_and_cancel_do_what_the_commands_do(browser: Browser, farm: Farm, toy: str) -> None:
    def steer(act: str, **more: str) -> int:
        return browser.send(f"/campaigns/{toy}/steer", f"/campaigns/{toy}", act=act, model="dft_ef", seed="1", **more).status_code

    def queued(state: str) -> int:
        return farm.launchpad.workflows.count_documents({"metadata.model": "dft_ef", "metadata.seed": 1, "state": state})

    assert queued("READY") == 2
    assert steer("pause") == 303
    assert queued("PAUSED") == 2
    assert holds(farm, toy) == [{"model": "dft_ef", "seed": 1}]
    assert "Held until somebody resumes it: model dft_ef, seed 1" in browser.page(f"/campaigns/{toy}")
    assert steer("resume") == 303
    assert (queued("READY"), holds(farm, toy)) == (2, [])
    assert steer("cancel") == 200  # it asks first
    assert queued("READY") == 2
    assert steer("cancel", sure="yes") == 303
    assert queued("READY") == 0
    assert [one["act"] for one in notes(farm, toy)] == ["cancel", "resume", "pause"]


@pytest.mark.parametrize("form", [{"act": "drop"}, {"act": "pause", "model": "none"}, {"act": "pause", "seed": "x"}, {"act": "retry", "by": "pieces"}])
def test_forms_that_name_nothing_are_refused(browser: Browser, farm: Farm, toy: str, form: dict[str, str]) -> None:
    assert browser.send(f"/campaigns/{toy}/steer", f"/campaigns/{toy}", **form).status_code == 400
    assert holds(farm, toy) == []
    assert notes(farm, toy) == []


def test_workers_and_what_waits(browser: Browser, farm: Farm, toy: str) -> None:
    assert toy
    beat = SlotBeat(farm, ProcessName("node7", 4242, "1"), deadline=time.time() + 3600, offer=Offer(4, 8.0))
    beat.begins(1, 1)
    name = farm.launchpad.fireworks.find_one({"fw_id": 1})["name"]
    text = browser.page("/workers")
    assert "node7" in text
    assert f">{name}</a>" in text
    assert "at work" in text
    ready = farm.launchpad.fireworks.count_documents({"state": "READY", "spec._category": "train"})
    assert f'<th scope="row">train</th><td>gpu</td><td>not said</td><td class="number">{ready}</td>' in text


def test_the_small_answer_changes_when_the_page_would(browser: Browser, farm: Farm, toy: str, failed: str) -> None:
    first = browser.get(f"/versions?campaign={toy}").get_json()
    assert f'data-version="{first["version"]}"' in browser.page(f"/campaigns/{toy}")
    assert browser.get(f"/versions?campaign={toy}").get_json()["version"] == first["version"]
    browser.send(f"/campaigns/{toy}/steer", f"/campaigns/{toy}", act="retry", by="pieces", key=failed)
    assert browser.get(f"/versions?campaign={toy}").get_json()["version"] != first["version"]
    assert state_of(farm, failed) is State.QUEUED


class Commands(pymongo.monitoring.CommandListener):
    """What is asked of the database."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        self.asked.append(event.command_name)

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        pass


ALL_PAGES = ("/campaigns/", "/campaigns/toy", "/campaigns/toy?model=dft_ef", "/campaigns/toy/failures", "/failures", "/workers", "/versions", "/", "/wf/total/", "/fw/total/", "/wf/1", "/fw/1")


def asked_by_page(farm: Farm, listener: Commands) -> dict[str, int]:
    """How many commands the first look at each page costs, with nothing known before; the next look at a campaign costs none."""
    counts = {}
    for address in ALL_PAGES:
        browser = Browser(served(farm).test_client())
        browser.log_in()
        listener.asked.clear()
        browser.page(address)
        counts[address] = len(listener.asked)
        if address.startswith(("/campaigns", "/failures", "/workers", "/versions")):
            listener.asked.clear()
            browser.page(address)
            assert listener.asked == []
    return counts


def test_the_queries_of_a_page_do_not_grow_with_the_work(database_name: str, tmp_path: Path, write_campaign: Callable[..., Path]) -> None:
    from launchers.database import ladder

    listener = Commands()
    pymongo.monitoring.register(listener)
    try:
        farm = Farm.open(ladder.running())
        submit(farm, load_spec(write_campaign(tmp_path, seeds=6)))
        few = asked_by_page(farm, listener)
        submit(farm, load_spec(write_campaign(tmp_path, seeds=30)))
        many = asked_by_page(farm, listener)
    finally:
        pymongo.monitoring._LISTENERS.command_listeners.remove(listener)
        farm.launchpad.connection.drop_database(database_name)
    assert farm.launchpad.name == database_name
    assert {address: many[address] - few[address] for address in ALL_PAGES if many[address] > few[address] + 2} == {}
    assert max(many[address] for address in ALL_PAGES if address != "/") <= 20
    assert many["/"] <= 2 * 9 + 25  # a count for each state, and the jobs of the newest twenty


def test_many_who_look_at_once_cost_one_look(farm: Farm) -> None:
    assert farm
    made: list[float] = []
    kept = Kept(lambda: made.append(time.monotonic()) or len(made))
    assert [kept.get() for _ in range(200)] == [1] * 200
    kept.is_out_of_date()
    assert kept.get() == 2
    assert len(made) == 2


def test_what_cannot_be_made_is_raised_and_tried_again() -> None:
    answers = iter([RuntimeError("away"), 7])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(make)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="away"):
            kept.get()
    kept.is_out_of_date()
    assert kept.get() == 7


def test_hosts_and_runs_of_failures(farm: Farm, toy: str, failed: str) -> None:
    from campaign.records.campaigns import resolved_spec

    (one,) = failed_work(farm, status_of(farm, planned(farm, resolved_spec(farm, toy))))
    assert (one.work.key, one.host, one.runs) == (failed, "node7", 1)
