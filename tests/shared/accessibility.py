"""What axe-core has against a page, for readers with a keyboard, a screen reader, or eyes that need contrast."""

from __future__ import annotations

from typing import Any

SIGHTS = [(width, scheme) for width in (400, 1400) for scheme in ("light", "dark")]


def faults(page: Any) -> list[str]:
    """A line for each rule that the page breaks, as a page of Playwright shows it now."""
    from axe_playwright_python.sync_playwright import Axe

    broken = Axe().run(page).response["violations"]
    return [f"{one['impact']}: {one['help']}: {'; '.join(node['html'][:120] for node in one['nodes'])}" for one in broken]
