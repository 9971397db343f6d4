"""The pages of the documentation, and the blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Page:
    """A page, by its path in the repository. What it includes of other pages is not its own."""

    name: str

    @cached_property
    def text(self) -> str:
        return (ROOT / self.name).read_text()

    @cached_property
    def fences(self) -> list[tuple[str, str]]:
        """The language and the text of each block."""
        found = re.findall(r"^( *)```(?!\{)(\S[^\n]*)\n(.*?)^\1```$", self.text, re.MULTILINE | re.DOTALL)
        return [(language, text) for _, language, text in found]

    def blocks(self, language: str) -> list[str]:
        return [text for name, text in self.fences if name == language]

    @property
    def prose(self) -> str:
        """All but the blocks."""
        return re.sub(r"^( *)```.*?^\1```$", "", self.text, flags=re.MULTILINE | re.DOTALL)


def _pages() -> Iterator[Page]:
    yield Page("README.md")
    yield Page("CONTRIBUTING.md")
    for path in sorted((ROOT / "docs").rglob("*.md")):
        yield Page(str(path.relative_to(ROOT)))


PAGES = {page.name: page for page in _pages()}


def blocks(language: str) -> list[tuple[str, str]]:
    """The page and the text of every block in `language`."""
    return [(page.name, text) for page in PAGES.values() for text in page.blocks(language)]


def table(text: str) -> dict[str, str]:
    """The rows of the tables in `text`, by their first column; one that names several in backticks, by each of these."""
    rows = re.findall(r"^\| (.+?) \|(.*)$", text, re.MULTILINE)
    return {name: rest for first, rest in rows for name in re.findall(r"`([^`]+)`", first)}
