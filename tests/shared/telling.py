"""Who hears what a job tells of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.bulletins import News
from flows.shelf import Shelf


@dataclass
class Ear:
    """In place of a bulletin: all that was told, in its order."""

    heard: list[News] = field(default_factory=list)

    def tell(self, news: News) -> None:
        self.heard.append(news)

    def shelf(self, directory: Path) -> Shelf:
        ear: Any = self
        return Shelf(directory, bulletin=ear)
