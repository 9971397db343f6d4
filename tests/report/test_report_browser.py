"""The page in one file as a reader sees it: in Chromium, from disk, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessibility import SIGHTS, faults
from known_to_plotly import AS_PICTURES

from campaign.report.write import Report
from flows.phonons.modes import Block, displaced

pytestmark = pytest.mark.slow  # a report of its own, and a browser
Written = tuple[Report, Path]
MODES = 'window.latticefarm.viewers.find((one) => one.modes.name === "modes_lih_full").modes'


class Sheet:
    """A page that was opened, what its console said, and what it asked for beside itself."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1400, "height": 1000}} | context))
        self.context.set_offline(True)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def plot(self, name: str) -> Any:
        """A plot, drawn."""
        figure = self.page.locator(f"#{name}")
        figure.scroll_into_view_if_needed()
        self.page.wait_for_selector(f"#{name} .plot .main-svg")
        return figure


@pytest.fixture(scope="module")
def sheet(browser: Any, written: Written) -> Iterator[Sheet]:
    opened = Sheet(browser, written[0].interactive, reduced_motion="reduce")
    yield opened
    opened.context.close()


def test_all_of_it_is_drawn_without_a_word_and_without_a_network(sheet: Sheet, written: Written) -> None:
    for figure in written[0].figures:
        if figure.kind not in AS_PICTURES:
            assert sheet.plot(figure.name).locator("img").is_hidden()
    assert sheet.said == []
    assert [url[:5] for url in sheet.asked] == ["file:"] + ["data:"] * (len(sheet.asked) - 1)


def visible(sheet: Sheet, name: str) -> list[str]:
    return sheet.page.evaluate(f"document.querySelector('#{name} .plot').data.filter((one) => one.visible).map((one) => one.name)")


def test_models_and_seeds_are_switched_on_and_off(sheet: Sheet) -> None:
    figure = sheet.plot("seeds_diamond_full")
    model = "ML(DFT<sub>E,F</sub>)"
    assert [one for one in visible(sheet, "seeds_diamond_full") if one.startswith("ML(DFT")] == [f"{model}, seed {seed}" for seed in (861, 5192, 5735)]
    figure.get_by_label("5192", exact=True).uncheck()
    figure.get_by_label("c) ΔML(HF)", exact=True).check()
    shown = visible(sheet, "seeds_diamond_full")
    assert [one for one in shown if "seed" in one] == [f"{title}, seed {seed}" for title in (model, "ΔML(HF)") for seed in (861, 5735)]


def test_a_click_on_a_band_moves_its_mode(sheet: Sheet) -> None:
    """On the highest band of ML(DFT_EF), half-way between Γ and X, at its lower edge: that of the seed whose modes are there."""
    figure = sheet.plot("bands_lih_full")
    for title in ("b) ML(DFTE)", "c) ΔML(HF)"):
        figure.get_by_label(title, exact=True).uncheck()
    figure.locator(".plot").scroll_into_view_if_needed()
    sheet.page.wait_for_timeout(1000)  # figures above it are drawn too, and move it
    *where, frequency = sheet.page.evaluate("""() => {
        const place = document.querySelector("#bands_lih_full .plot");
        const trace = place.data.filter((one) => one.visible && one.meta.path)[1];
        const at = 5 * (trace.meta.path.counts[0] + 1) + 7;
        const {xaxis, yaxis} = place._fullLayout;
        const box = place.querySelector(".nsewdrag").getBoundingClientRect();
        return [box.left + xaxis.d2p(trace.x[at]), box.top + yaxis.d2p(trace.y[at]), trace.y[at]];
    }""")
    sheet.page.mouse.move(*where)
    sheet.page.wait_for_timeout(300)  # plotly looks for what is below a pointer that rests
    sheet.page.mouse.click(*where)
    said = sheet.page.locator("[data-modes=modes_lih_full] output")
    said.filter(has_text="Γ–X, 50 %").wait_for(timeout=5000)
    assert said.inner_text().startswith("ML(DFT E,F), seed 861: mode ")
    assert f"at Γ–X, 50 %, {frequency:.1f} cm⁻¹" in said.inner_text()


def test_points_and_modes_are_in_lists_for_the_keyboard(sheet: Sheet) -> None:
    viewer = sheet.page.locator("[data-modes=modes_lih_full]")
    viewer.locator("label", has_text="q-point").locator("select").select_option(label="X")
    viewer.locator("select").last.select_option(index=0)
    assert "mode 1 at X" in viewer.locator("output").inner_text()
    assert "mode 1 at X" in (viewer.locator("canvas").get_attribute("aria-label") or "")
    before = sheet.page.evaluate("window.latticefarm.viewers.map((one) => one.yaw)")
    viewer.locator("canvas").focus()
    sheet.page.keyboard.press("ArrowRight")
    after = sheet.page.evaluate("window.latticefarm.viewers.map((one) => one.yaw)")
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("phase", [0.0, 1.1])
def test_the_script_moves_atoms_as_the_science_does(sheet: Sheet, phase: float) -> None:
    """All modes at X and L of LiH, atom by atom, against `flows.phonons.modes`."""
    modes = json.loads(sheet.page.evaluate(f"JSON.stringify({MODES})"))
    block = Block(np.array(modes["sites"]), np.array(modes["positions"]), np.array(modes["fractional"]))
    for stop, one in enumerate(modes["stops"]):
        if one["label"] not in ("Γ", "X", "L"):
            continue
        for band in range(6):
            found = sheet.page.evaluate(f"window.latticefarm.displacements({MODES}, 0, {stop}, {band}, {phase})")
            parts = np.array(modes["models"][0]["motion"][stop][band]).reshape(2, 3, 2) / 1000
            expected = displaced(parts[..., 0] + 1j * parts[..., 1], one["qpoint"], block, phase)
            assert np.allclose(np.array(found).reshape(-1, 3), expected, atol=1e-9)
            farthest = sheet.page.evaluate(f"window.latticefarm.turn({MODES}, 0, {stop}, {band})")
            sizes = [np.linalg.norm(displaced(parts[..., 0] + 1j * parts[..., 1], one["qpoint"], block, at)) for at in (farthest, phase)]
            assert sizes[0] > 1
            assert sizes[0] >= sizes[1] - 1e-9


def test_atoms_of_one_kind_move_alike_at_gamma_and_against_the_other(sheet: Sheet) -> None:
    modes = json.loads(sheet.page.evaluate(f"JSON.stringify({MODES})"))
    found = np.array(sheet.page.evaluate(f"window.latticefarm.displacements({MODES}, 0, 0, 5, 0)")).reshape(-1, 3)
    sites = np.array(modes["sites"])
    lithium, hydrogen = (found[sites == site] for site in (0, 1))
    assert np.allclose(lithium, lithium[0])
    assert np.allclose(hydrogen, hydrogen[0])
    assert np.allclose(6.94 * lithium[0], -1.008 * hydrogen[0], atol=0.01)


def picture(sheet: Sheet) -> bytes:
    return sheet.page.locator("[data-modes=modes_diamond_full] canvas").screenshot()


def test_motion_is_for_those_who_want_it(browser: Any, written: Written, sheet: Sheet) -> None:
    """Who asked for less motion sees arrows and a button."""
    still = sheet.page.locator("[data-modes=modes_diamond_full]")
    still.scroll_into_view_if_needed()
    assert still.get_by_role("button").inner_text() == "Play"
    assert still.get_by_label("Arrows").is_checked()
    first = picture(sheet)
    sheet.page.wait_for_timeout(400)
    assert picture(sheet) == first
    other = Sheet(browser, written[0].interactive, reduced_motion="no-preference")
    moving = other.page.locator("[data-modes=modes_diamond_full]")
    moving.scroll_into_view_if_needed()
    assert moving.get_by_role("button").inner_text() == "Pause"
    phases = []
    for _ in range(2):
        other.page.wait_for_timeout(400)
        phases.append(other.page.evaluate("window.latticefarm.viewers[0].phase"))
    assert phases[0] != phases[1]
    other.context.close()


def test_tables_are_sorted_and_filtered(sheet: Sheet) -> None:
    table = sheet.page.locator("#table-training")
    table.get_by_role("button", name="E test").click()
    column = [one.inner_text() for one in table.locator("thead th").all()].index("E test ↑".removesuffix(" ↑"))
    values = [row.locator("td").nth(column).inner_text() for row in table.locator("tbody tr").all()]
    numbers = [float(one.split("…")[0]) for one in values if one != "·"]
    assert numbers == sorted(numbers)
    assert len(numbers) > 5
    assert table.locator("th[aria-sort=ascending]").count() == 1
    field = sheet.page.locator("label.filter:has(+ .table #table-training) input")
    field.fill("diamond half")
    rows = [row.inner_text() for row in table.locator("tbody tr").all() if row.is_visible()]
    assert rows
    assert all("diamond" in row and "half" in row for row in rows)
    field.fill("")


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_phones_and_follows_the_colours_of_the_screen(browser: Any, written: Written, width: int, scheme: str) -> None:
    opened = Sheet(browser, written[0].interactive, viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened.plot("bands_diamond_full")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    letters = opened.page.evaluate("document.querySelector('#bands_diamond_full .plot').layout.font.color")
    assert (paper, letters) == (("rgb(255, 255, 255)", "#1a1a1a") if scheme == "light" else ("rgb(24, 24, 28)", "#ececf1"))
    assert opened.said == []
    opened.context.close()


def test_pictures_are_what_is_printed(sheet: Sheet) -> None:
    figure = sheet.plot("bands_diamond_full")
    assert figure.locator("img").is_hidden()
    sheet.page.emulate_media(media="print")
    assert figure.locator("img").is_visible()
    assert figure.locator(".plot").is_hidden()
    assert sheet.page.locator(".legend, .modes, .filter").first.is_hidden()
    assert sheet.page.pdf(format="A4").startswith(b"%PDF")
    sheet.page.emulate_media(media="screen")


@pytest.mark.parametrize("name", ["index", "interactive"])
@pytest.mark.parametrize(("width", "scheme"), SIGHTS)
def test_everybody_can_read_it(browser: Any, written: Written, name: str, width: int, scheme: str) -> None:
    sheet = Sheet(browser, getattr(written[0], name), viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    try:
        assert faults(sheet.page) == []
    finally:
        sheet.context.close()
