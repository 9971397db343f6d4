"""What is wrong in FireWorks' own pages is mended: rows that were skipped, files from elsewhere, names that were cut."""

from __future__ import annotations

import re

import pytest
from browsers import Browser
from fireworks import Firework, ScriptTask, Workflow

from launchers.farm import Farm

pytestmark = pytest.mark.slow  # many workflows

LONG = "train ML(CCSD(T)-DFT) of a material with a long name, seed 5735, full"


@pytest.fixture
def many(farm: Farm) -> list[int]:
    """Workflows of one system, over several pages; their numbers."""
    made = [
        Workflow([Firework(ScriptTask.from_str("true"), name=LONG, fw_id=-1 - number)], name=LONG, metadata={"system": "copper", "size": "8"})
        for number in range(47)
    ]
    farm.launchpad.bulk_add_wfs(made)
    # all of one time, as after a bulk submission: no order by time tells them apart
    farm.launchpad.workflows.update_many({}, {"$set": {"updated_on": "2026-11-26T12:00:00"}})
    return sorted(farm.launchpad.get_fw_ids())


@pytest.mark.parametrize(
    "address", ["/wf/metadata/system/copper/", "/wf/metadata/size/8/", "/wf/total/", "/wf/total/updated_on/ASCENDING/", "/fw/total/"]
)
def test_a_list_across_pages_has_every_row_once(browser: Browser, many: list[int], address: str) -> None:
    seen, page = [], 1
    while True:
        text = browser.page(f"{address}?page={page}")
        seen += [int(number) for number in re.findall(r'<tr><td class="number"><a href="/[wf]+/(\d+)"', text)]
        if 'rel="next"' not in text:
            break
        page += 1
    assert page == 3
    assert sorted(seen) == many


def test_names_are_whole(browser: Browser, many: list[int]) -> None:
    assert many
    for address in ("/", "/wf/total/", "/fw/total/", f"/wf/{many[0]}", f"/fw/{many[0]}"):
        assert LONG in browser.page(address)


def test_a_list_of_one_is_its_workflow(browser: Browser, farm: Farm) -> None:
    farm.launchpad.add_wf(Workflow([Firework(ScriptTask.from_str("true"))], metadata={"system": "iron"}))
    answer = browser.get("/wf/metadata/system/iron/")
    assert answer.status_code == 303
    assert answer.location == "/wf/1"


def test_pages_take_nothing_from_elsewhere(browser: Browser, addresses: list[str]) -> None:
    for address in addresses:
        answer = browser.get(address)
        if answer.mimetype == "text/html":
            assert not re.search(r'(src|href)="(https?:)?//', answer.text), address
            assert not re.search(r"<script(?![^>]*(src=|application/json))", answer.text), address
            assert " style=" not in answer.text, address
            assert " on" + "click=" not in answer.text, address


def test_the_json_of_a_graph_is_no_page(browser: Browser, farm: Farm) -> None:
    """Upstream says that it is HTML, so a name would be read as a page."""
    farm.launchpad.add_wf(Workflow([Firework(ScriptTask.from_str("true"), name="<img src=x onerror=alert(1)>")]))
    for address in ("/wf/1/json", "/fw/1/details"):
        answer = browser.get(address)
        assert answer.mimetype == "application/json"
        assert answer.get_json()
    assert "<img" not in browser.page("/wf/1")
    assert "<img" not in browser.page("/fw/1")


@pytest.mark.parametrize(
    "address",
    ["/wf/77", "/fw/77", "/wf/77/json", "/wf/total/?page=0", "/wf/total/?page=x", "/wf/total/?page=9", "/wf/NONE/", "/wf/total/spec/ASCENDING/",
     "/wf/total/_id/SIDEWAYS/", "/report/weeks/3/", "/report/days/x/", "/report/days/99999/", "/reports/secrets/days/3/fig.png", "/wf/metadata/system/none/"],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_sentence(browser: Browser, many: list[int], address: str) -> None:
    assert many
    answer = browser.get(address)
    assert answer.status_code == 404, answer.text
    assert "Traceback" not in answer.text
    assert "there " in answer.text or "no workflow" in answer.text


def test_a_query_runs_no_code_in_the_database(browser: Browser, many: list[int]) -> None:
    assert many
    assert browser.get("/", query_string={"fw_query": '{"$where": "while(1);"}'}).status_code == 400
    assert "47" in browser.get("/", query_string={"wf_query": '{"metadata.system": "copper"}'}).text
    assert ">0</a>" in browser.get("/", query_string={"wf_query": '{"metadata.system": "iron"}'}).text
