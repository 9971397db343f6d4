"""Where a piece of work keeps what it needs while it runs: checkpoints in a directory and, where its job can reach one, in a
database; and what it tells those who watch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.bulletins import Bulletin, News, bulletin_of
from flows.checkpoints import directory_of, is_shared
from flows.courier import Courier, Parcel, interval_s
from flows.depot import Depot, Stowed


@dataclass(frozen=True)
class Shelf:
    """A directory of checkpoints and, where a `courier` keeps copies in the database, those of names `below`.

    A `bulletin` takes what is told of the work.
    """

    directory: Path
    courier: Courier | None = None
    below: str = ""
    bulletin: Bulletin | None = None

    @classmethod
    def of(cls, place: Path | Shelf) -> Shelf:
        return place if isinstance(place, Shelf) else cls(place)

    def __truediv__(self, name: str) -> Shelf:
        return Shelf(self.directory / name, self.courier, f"{self.below}{name}/", self.bulletin)

    def elsewhere(self) -> list[Stowed]:
        """What the database holds of it."""
        return self.courier.depot.listed(self.below) if self.courier is not None else []

    def fetch(self, stowed: Stowed) -> Path | None:
        """A file of `elsewhere`, now in the directory; None: it is damaged.

        Raises:
            OSError: it cannot be written.
        """
        assert self.courier is not None
        path = self.directory / Path(stowed.name).name
        return path if self.courier.depot.fetch(stowed, path) else None

    def carry(self, path: Path, about: dict[str, Any], rank: int | None = None) -> None:
        """Have a file of the directory carried into the database."""
        if self.courier is not None:
            self.courier.offer(Parcel(path, self.below + path.name, about, rank))

    def tell(self, news: News) -> None:
        """Have those who watch told how far the work is, if there is a way to tell them."""
        if self.bulletin is not None:
            self.bulletin.tell(news)

    def forget(self, belongs_to: str | None = None) -> None:
        """What is in the database of it, or of this owner alone, leads nowhere."""
        if self.courier is not None:
            self.courier.forget(self.below, belongs_to)


@contextmanager
def shelf_of(key: str) -> Iterator[Shelf]:
    """Inside a job: the shelf of the work `key`, its files carried into the database as long as this context lasts."""
    depot = Depot.of_running_job(key)
    with bulletin_of(key) as bulletin:
        if depot is None:
            yield Shelf(directory_of(key), bulletin=bulletin)
            return
        # in a folder that all machines see they need no copies
        with Courier(depot, 0.0 if is_shared() else interval_s()) as courier:
            yield Shelf(directory_of(key), courier, bulletin=bulletin)
