"""The pictures of pages in the documentation, made anew: `CONTRIBUTING.md` says when.

    LATTICEFARM_WEB_PASSWORD=... python docs/screenshots.py http://127.0.0.1:5000 CAMPAIGN diamond-demo-report

The address is that of a `latticefarm web` with this password and a CAMPAIGN that is under way, of which something has failed;
the report is the folder that `latticefarm run diamond-demo` has written. It needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


def main() -> None:
    from playwright.sync_api import sync_playwright

    address, campaign, demo = sys.argv[1:]
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, path, width, height, scheme in (
            ("campaign", f"/campaigns/{campaign}", 1100, 1200, "light"),
            ("failures", "/failures", 420, 900, "light"),
            ("workflow", "/wf/1", 1100, 640, "dark"),
        ):
            page = visitor(browser, address, width, height, scheme)
            page.goto(address + path)
            page.wait_for_timeout(1500)
            page.screenshot(path=DOCS / "how-to" / "browser" / f"{name}.png")
        of_report(browser, Path(demo) / "index.html", 2250).screenshot(path=DOCS / "diamond-demo.png")
        page = of_report(browser, Path(demo) / "interactive.html", 1500)
        page.add_style_tag(content="figure[id^=bands_] figcaption { display: none }")
        bands = page.locator("figure[id^=bands_]").first
        bands.scroll_into_view_if_needed()
        page.wait_for_timeout(4000)  # it is drawn when it is seen
        bands.screenshot(path=DOCS / "interactive.png")
        browser.close()


def visitor(browser: Any, address: str, width: int, height: int, scheme: str) -> Any:
    """A page of somebody who is logged in."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(f"{address}/login")
    page.fill("[name=user]", "ada")
    page.fill("[name=password]", os.environ["LATTICEFARM_WEB_PASSWORD"])
    page.click("button")
    page.wait_for_load_state()
    return page


def of_report(browser: Any, path: Path, height: int) -> Any:
    page = browser.new_page(viewport={"width": 1200, "height": height}, reduced_motion="reduce")  # arrows in place of motion
    page.goto(path.absolute().as_uri())
    page.wait_for_timeout(1500)
    return page


if __name__ == "__main__":
    main()
