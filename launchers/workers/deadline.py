"""When the workers of a node have to stop, where that can change: an allocation may be extended, or made shorter.

The node asks, one question for all its slots, and tells them by a file: a database that is away is no hindrance.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from launchers.machines.answers import Unanswered
from launchers.queue.processes import host_name

ASK_S = 180.0
SAME_S = 1.0  # by less than that it has not changed


def deadline_file(run_root: Path, node: int | str) -> Path:
    """Where the node of this number on this host says it to its slots; there is none as long as it has not changed."""
    return run_root / f"deadline-{host_name()}-{node}"


def told(path: Path) -> float | None:
    """The Unix time that a node has said; None where it has said none."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


@dataclass
class Deadline:
    """The `moment` (a Unix time) at which a node's workers stop, and what `asks` for it anew; what is not answered changes nothing."""

    moment: float | None
    asks: Callable[[], float | None]
    path: Path
    _over: Event = field(default_factory=Event)

    def start(self) -> None:
        """Look now and then, in a thread: a scheduler may take a minute to answer."""
        self.path.unlink(missing_ok=True)  # of a process that had our number
        Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._over.set()
        self.path.unlink(missing_ok=True)

    def look(self) -> None:
        """Ask once, and tell the slots what has changed."""
        try:
            found = self.asks()
        except Unanswered:
            return
        if found is None or (self.moment is not None and abs(found - self.moment) < SAME_S):
            return
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text(f"{found}\n")
        unfinished.replace(self.path)
        self.moment = found

    def _run(self) -> None:
        while not self._over.wait(ASK_S):
            with suppress(OSError):  # no space left: said again the next time
                self.look()
