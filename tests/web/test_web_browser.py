"""In a real browser, which reaches this server and nothing else: the graph is drawn, and a page renews itself."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from accessibility import SIGHTS, faults
from browsers import PASSWORD
from flask import Flask

from campaign.records.campaigns import hold
from launchers.farm import Farm
from launchers.web.server import made_server

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server: Any = made_server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """A page of somebody who is logged in; what the browser complains of, and asks of others, is in `page.said`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = browser.new_page()
        found.said = []
        found.on("console", lambda message: found.said.append(message.text))
        found.on("pageerror", lambda error: found.said.append(str(error)))
        found.on("request", lambda asked: found.said.append(asked.url) if not asked.url.startswith((address, "data:")) else None)
        found.goto(f"{address}/login")
        found.fill("[name=user]", "ada")
        found.fill("[name=password]", PASSWORD)
        found.click("button")
        found.wait_for_url("**/campaigns/")
        yield found
        browser.close()


def test_the_graph_draws_without_a_network(page: Any, address: str, farm: Farm, toy: str) -> None:
    assert toy
    page.goto(f"{address}/wf/1")
    page.wait_for_selector("#graph[data-drawn]", timeout=30000)
    assert page.get_attribute("#graph", "data-drawn") == str(len(farm.launchpad.workflows.find_one({"nodes": 1})["nodes"]))
    painted = """[...document.querySelectorAll("#graph canvas")].some(canvas =>
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value !== 0))"""
    assert page.evaluate(painted)
    page.click("summary")
    assert page.said == []


def test_a_page_renews_itself_and_keeps_what_is_folded(page: Any, address: str, farm: Farm, toy: str) -> None:
    page.goto(f"{address}/campaigns/{toy}")
    page.click("details[data-fold=copper] summary")
    hold(farm, toy, {"model": "dft_ef"})
    page.wait_for_selector("text=Held until somebody resumes it", timeout=60000)
    assert page.get_attribute("details[data-fold=copper]", "open") is None
    assert page.said == []


def test_the_page_of_figures_has_its_pictures(page: Any, address: str, toy: str) -> None:
    with page.expect_response("**/figures/bands.png") as answer:
        page.goto(f"{address}/campaigns/{toy}/report/index.html")
    assert answer.value.status == 200
    assert page.said == []


def test_the_interactive_page_runs_and_is_of_no_site(page: Any, address: str, toy: str) -> None:
    page.goto(f"{address}/campaigns/{toy}/report/interactive.html")
    assert page.title() == "it ran"
    assert page.said == []
    assert page.evaluate("origin") == "null"
    assert page.evaluate("(() => { try { return document.cookie } catch (error) { return error.name } })()") == "SecurityError"
    assert page.evaluate(f"fetch('{address}/campaigns/').then(() => 'read', () => 'refused')") == "refused"
    page.goto(f"{address}/campaigns/{toy}")  # whoever comes back is still logged in
    assert page.url.endswith(f"/campaigns/{toy}")


@pytest.mark.parametrize(("width", "scheme"), SIGHTS)
def test_everybody_can_read_every_page(page: Any, address: str, addresses: list[str], failed: str, width: int, scheme: str) -> None:
    assert failed
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    read = []
    for one in addresses:
        if "/report" in one or not page.request.get(address + one).headers["content-type"].startswith("text/html"):
            continue
        page.goto(address + one)
        assert faults(page) == [], one
        read.append(one)
    assert len(read) >= 10
